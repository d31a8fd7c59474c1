"""Sound as spectra: mel spectrograms and their presets, their inversion, and onsets."""
