"""The voices of a kit: class, gain and pan of each, and the MIDI pitches that play it."""

from collections.abc import Mapping
from typing import Final, NamedTuple


class Voice(NamedTuple):
    """A voice of a drawn kit.

    `sound` is its class, `gain_db` its peak level relative to the kick, `pan` its position from -1
    (left) to 1 (right), as the audience sees the kit; hits of the voices in `ended_by` end it.
    """

    sound: str
    gain_db: float
    pan: float
    pitches: tuple[int, ...]
    ended_by: tuple[str, ...] = ()


HATS: Final = ("closed-hat", "open-hat")
"""Voices whose hits choke an open hi-hat."""
VOICES: Final[Mapping[str, Voice]] = {
    "kick": Voice("kick", 0.0, 0.0, (35, 36)),
    "snare": Voice("snare", 0.0, 0.0, (38, 40)),
    "rimshot": Voice("rimshot", -2.0, 0.0, (31, 32, 33, 37, 75, 76, 77)),
    "clap": Voice("clap", -2.0, 0.0, (39,)),
    "snap": Voice("snap", -3.0, 0.1, (28, 85)),
    "closed-hat": Voice("closed-hat", -8.0, 0.25, (22, 42, 44)),
    "open-hat": Voice("open-hat", -13.0, 0.25, (26, 46), HATS),
    "low-tom": Voice("tom", -6.0, -0.4, (41, 43, 58, 66, 86, 87)),
    "mid-tom": Voice("tom", -4.0, 0.0, (45, 47)),
    "high-tom": Voice("tom", -3.0, 0.3, (48, 50, 65)),
    "crash": Voice("crash", -9.0, 0.35, (49, 52, 55, 57)),
    "ride": Voice("ride", -7.0, -0.35, (51, 53, 59)),
    "cowbell": Voice("cowbell", -3.0, 0.2, (34, 56, 67, 68)),
    "tambourine": Voice("tambourine", -9.0, 0.35, (54, 83)),
    "low-conga": Voice("conga", -7.0, -0.3, (64,)),
    "high-conga": Voice("conga", -4.0, -0.15, (62, 63)),
    "low-bongo": Voice("bongo", -7.0, 0.15, (61,)),
    "high-bongo": Voice("bongo", -6.0, 0.3, (60,)),
    "shaker": Voice("shaker", -14.0, -0.35, (69, 70, 82)),
}
"""Voices by name; those of one class are ordered from low to high.

Gains are of peaks; at the same peak a long low tom or a shaker is much louder than a rimshot.

The pitches are those of General MIDI 1 and 2, and of the Roland kit of the Groove MIDI Dataset.
Percussion without a class of its own has the most similar voice: toms play timbales and surdos, the
rimshot plays claves, wood blocks and clicks, the cowbell agogos, the snap castanets. Whistles,
guiros, cuicas, triangles and the like have none.
"""

VOICE_OF_PITCH: Final[Mapping[int, str]] = {
    pitch: name for name, voice in VOICES.items() for pitch in voice.pitches
}
"""MIDI pitch to name of the voice that plays it."""
