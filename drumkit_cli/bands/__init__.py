"""Training music for `separate` and `arrange`: MIDI songs played by randomly chosen bands.

Here belong the songs, the instruments and effects that play them, and folders of rendered takes.
"""
