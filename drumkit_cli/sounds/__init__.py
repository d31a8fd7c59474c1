"""Synthesis of single drum sounds from latent codes, which `synth` and `serve` share.

Here belong the classes of sounds, log-mel images, the autoencoder and its latent space, the
networks that invert images to samples, and `DrumSynth`, which joins them.
"""
