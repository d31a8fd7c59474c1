"""One-shot drum sounds out of latent codes: what `synth` and `serve` share.

The classes, the mel image of a sound, the autoencoder, its codes, the networks that make an image
audible, and `DrumSynth`, which joins them.
"""
