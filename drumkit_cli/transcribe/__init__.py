"""Drum transcription: audio in, MIDI out."""
