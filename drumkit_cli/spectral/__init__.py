"""Spectral analysis: mel spectrograms and their presets, their inversion, and onsets."""
