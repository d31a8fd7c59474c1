"""The drum voices that the ear knows, and where General MIDI has them."""

from collections.abc import Mapping
from typing import Final

VOICES: Final = ("kick", "snare", "closed hat", "open hat", "tom", "cymbal")
"""Rimshots and claps are snares, pedal hats closed hats, rides and crashes cymbals."""

_PITCHES: Final = (
    (35, 36),
    (37, 38, 39, 40),
    (22, 42, 44),
    (26, 46),
    (41, 43, 45, 47, 48, 50, 58),
    (49, 51, 52, 53, 55, 57, 59),
)

VOICE_OF_PITCH: Final[Mapping[int, int]] = {
    pitch: voice for voice, pitches in enumerate(_PITCHES) for pitch in pitches
}
"""MIDI pitch, of General MIDI or of the Groove MIDI Dataset, to the number of its voice."""
