"""Kits of drum sounds, and the rendering of MIDI drum tracks with a kit."""
