"""Sound as samples: reading and writing audio files, and keeping samples.

Decoding, resampling, WAV and its RIFF chunks, the length of MPEG and Ogg streams, the stems
stream, and samples in temporary files.
"""
