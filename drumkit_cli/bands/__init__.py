"""Training music: bands rendered from multi-track MIDI with soundfonts and samples."""
