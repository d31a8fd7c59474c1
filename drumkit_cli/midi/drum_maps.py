"""Drum patterns: which pitch is which drum."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

GENERAL_MIDI_DRUMS: Final[Mapping[int, str]] = MappingProxyType(
    {
        35: "Acoustic Bass Drum",
        36: "Bass Drum 1",
        37: "Side Stick",
        38: "Acoustic Snare",
        39: "Hand Clap",
        40: "Electric Snare",
        41: "Low Floor Tom",
        42: "Closed Hi-Hat",
        43: "High Floor Tom",
        44: "Pedal Hi-Hat",
        45: "Low Tom",
        46: "Open Hi-Hat",
        47: "Low-Mid Tom",
        48: "Hi-Mid Tom",
        49: "Crash Cymbal 1",
        50: "High Tom",
        51: "Ride Cymbal 1",
        52: "Chinese Cymbal",
        53: "Ride Bell",
        54: "Tambourine",
        55: "Splash Cymbal",
        56: "Cowbell",
        57: "Crash Cymbal 2",
        58: "Vibraslap",
        59: "Ride Cymbal 2",
        60: "Hi Bongo",
        61: "Low Bongo",
        62: "Mute Hi Conga",
        63: "Open Hi Conga",
        64: "Low Conga",
        65: "High Timbale",
        66: "Low Timbale",
        67: "High Agogo",
        68: "Low Agogo",
        69: "Cabasa",
        70: "Maracas",
        71: "Short Whistle",
        72: "Long Whistle",
        73: "Short Guiro",
        74: "Long Guiro",
        75: "Claves",
        76: "Hi Wood Block",
        77: "Low Wood Block",
        78: "Mute Cuica",
        79: "Open Cuica",
        80: "Mute Triangle",
        81: "Open Triangle",
    }
)
"""Pitch to the name of the percussion key map of General MIDI 1."""

ROLAND_DRUMS: Final[Mapping[int, str]] = MappingProxyType(
    {
        22: "HH Closed (Edge)",
        26: "HH Open (Edge)",
        36: "Kick",
        37: "Snare X-Stick",
        38: "Snare (Head)",
        40: "Snare (Rim)",
        42: "HH Closed (Bow)",
        43: "Tom 3 (Head)",
        44: "HH Pedal",
        45: "Tom 2",
        46: "HH Open (Bow)",
        47: "Tom 2 (Rim)",
        48: "Tom 1",
        49: "Crash 1 (Bow)",
        50: "Tom 1 (Rim)",
        51: "Ride (Bow)",
        52: "Crash 2 (Edge)",
        53: "Ride (Bell)",
        55: "Crash 1 (Edge)",
        57: "Crash 2 (Bow)",
        58: "Tom 3 (Rim)",
        59: "Ride (Edge)",
    }
)
"""Pitch to what struck it on the Roland TD-11 that recorded the Groove MIDI Dataset."""

GROOVE_VOICES: Final[Mapping[int, int]] = MappingProxyType(
    {
        22: 42,
        26: 46,
        36: 36,
        37: 38,
        38: 38,
        40: 38,
        42: 42,
        43: 43,
        44: 42,
        45: 47,
        46: 46,
        47: 47,
        48: 50,
        49: 49,
        50: 50,
        51: 51,
        52: 49,
        53: 51,
        55: 49,
        57: 49,
        58: 43,
        59: 51,
    }
)
"""Pitch to the General MIDI pitch of the nine voices that the Groove MIDI Dataset folds a kit into.

Source: Gillick et al., Learning to Groove with Inverse Sequence Transformations, 2019, appendix.
"""

_GM: Final = {pitch: pitch for pitch in range(27, 88) if pitch != 58}
"""General MIDI 1 and 2, but for the vibraslap: 58 is a tom of Roland's in the tables of voices."""
DRUM_MAPS: Final[Mapping[str, Mapping[int, int]]] = MappingProxyType(
    {
        "gm": _GM,
        "roland": {pitch: pitch for pitch in ROLAND_DRUMS},
        "xg": {
            **{pitch: pitch for pitch in _GM if pitch >= 35},
            **dict.fromkeys((25, 27, 29, 31), 38),
            19: 28,
            30: 85,
            32: 31,
            33: 36,
            34: 40,
        },
        "alesis": {**_GM, 21: 44, 23: 46},
    }
)
"""Common maps by name: pitch in a file to the pitch that the voices' tables know the drum by.

Roland's is that of its TD-11 and TD-17 and of the Groove MIDI Dataset. Yamaha's XG has more snares
below 35, Alesis' kits a half-open hi-hat (23) and a foot splash (21).
"""

VOICE_NAMES: Final = ("bass drum", "snare", "closed hat", "open hat", "rimshot", "cowbell")
"""The six voices of the Roland TR-808 that electronic patterns are written for."""

VOICE_PITCHES: Final = (36, 38, 42, 46, 37, 56)
"""The General MIDI pitches that the six voices are written as."""

_PITCHES_OF_VOICE: Final = (
    (35, 36),
    (38, 39, 40),
    (22, 42, 44, 51, 53, 59),
    (26, 46, 49, 52, 55, 57),
    (37,),
    (56,),
)

SIX_VOICES: Final[Mapping[int, int]] = MappingProxyType(
    {pitch: voice for voice, pitches in enumerate(_PITCHES_OF_VOICE) for pitch in pitches}
)
"""Pitch to the number of its voice: rides are closed hats, crashes open ones, claps snares."""


def drum_name(pitch: int) -> str:
    """What a drum is called: General MIDI's name, else the Roland kit's, else "Drum 17"."""
    return GENERAL_MIDI_DRUMS.get(pitch) or ROLAND_DRUMS.get(pitch) or f"Drum {pitch}"
