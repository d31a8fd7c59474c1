"""Drum patterns on a grid of sixteenths.

Here belongs what several features need of patterns: the grid, pattern files, patterns read from
data and composed ones, the networks of six-voice patterns, and statistics of sets of patterns.
"""
