"""The ear: drum hits, beats and downbeats that a small network hears in audio.

Here belong its network, what it listens to, and what is read out of its activations.
"""
