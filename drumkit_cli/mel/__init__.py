"""Turn audio into a mel spectrogram, and back."""
