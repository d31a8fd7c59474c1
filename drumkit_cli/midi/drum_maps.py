"""Drum patterns: which pitch is which drum."""

from collections.abc import Mapping
from typing import Final

ROLAND_DRUMS: Final[Mapping[int, str]] = {
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
"""Pitch to what struck it on the Roland TD-11 that recorded the Groove MIDI Dataset."""

_GM: Final = {pitch: pitch for pitch in range(27, 88) if pitch != 58}
"""General MIDI 1 and 2, but for the vibraslap: 58 is a tom of Roland's in the tables of voices."""
DRUM_MAPS: Final[Mapping[str, Mapping[int, int]]] = {
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
"""Common maps by name: pitch in a file to the pitch that the voices' tables know the drum by.

Roland's is that of its TD-11 and TD-17 and of the Groove MIDI Dataset. Yamaha's XG has more snares
below 35, Alesis' kits a half-open hi-hat (23) and a foot splash (21).
"""

DRUM_PITCHES: Final[Mapping[str, tuple[int, ...]]] = {
    "kick": (35, 36),
    "snare": (38, 40),
    "rimshot": (31, 32, 33, 37, 75, 76, 77),
    "clap": (39,),
    "snap": (28, 85),
    "closed-hat": (22, 42, 44),
    "open-hat": (26, 46),
    "low-tom": (41, 43, 58, 66, 86, 87),
    "mid-tom": (45, 47),
    "high-tom": (48, 50, 65),
    "crash": (49, 52, 55, 57),
    "ride": (51, 53, 59),
    "cowbell": (34, 56, 67, 68),
    "tambourine": (54, 83),
    "low-conga": (64,),
    "high-conga": (62, 63),
    "low-bongo": (61,),
    "high-bongo": (60,),
    "shaker": (69, 70, 82),
}
"""Drums by name: their pitches in General MIDI 1 and 2, and on Roland's kit.

Percussion without a name of its own goes with the most similar drum: timbales and surdos with toms,
claves, wood blocks and clicks with the rimshot, agogos with the cowbell, castanets with the snap.
Whistles, guiros, cuicas, triangles and the like have none.
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

KICK_PITCHES: Final = frozenset((35, 36))
SNARE_PITCHES: Final = frozenset((37, 38, 39, 40))
"""Snares, rimshots and claps."""

SIX_VOICES: Final[Mapping[int, int]] = {
    pitch: voice for voice, pitches in enumerate(_PITCHES_OF_VOICE) for pitch in pitches
}
"""Pitch to the number of its voice: rides are closed hats, crashes open ones, claps snares."""


def drum_name(pitch: int) -> str:
    """The name of a drum: General MIDI's, else the Roland kit's, else "Drum 17"."""
    from pretty_midi import note_number_to_drum_name

    return note_number_to_drum_name(pitch) or ROLAND_DRUMS.get(pitch) or f"Drum {pitch}"
