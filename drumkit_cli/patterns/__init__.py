"""Drum patterns on a grid of sixteenths, and what the features that make them share.

The grid, pattern files, patterns found in data and patterns composed, the networks of six-voice
patterns and their statistics.
"""
