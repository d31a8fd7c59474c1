"""Standard MIDI files: bytes to a `Track` and back, its clock, and the names of drums."""
