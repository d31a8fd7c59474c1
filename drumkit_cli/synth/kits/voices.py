"""The voices of a kit: class, gain and pan of each, and the MIDI pitches that play it."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from drumkit_cli.midi.drum_maps import DRUM_PITCHES


class Voice(NamedTuple):
    """A voice of a drawn kit.

    `sound` is its class, `gain_db` its usual peak level relative to the kick, `pan` its position
    from -1 (left) to 1 (right), as the audience sees the kit; hits of the voices in `ended_by` end
    it.
    """

    sound: str
    gain_db: float
    pan: float
    ended_by: tuple[str, ...] = ()


HATS: Final = ("closed-hat", "open-hat")
"""Voices whose hits choke an open hi-hat."""
VOICES: Final[Mapping[str, Voice]] = {
    "kick": Voice("kick", 0.0, 0.0),
    "snare": Voice("snare", 0.0, 0.0),
    "rimshot": Voice("rimshot", -2.0, 0.0),
    "clap": Voice("clap", -2.0, 0.0),
    "snap": Voice("snap", -3.0, 0.1),
    "closed-hat": Voice("closed-hat", -8.0, 0.25),
    "open-hat": Voice("open-hat", -13.0, 0.25, HATS),
    "low-tom": Voice("tom", -6.0, -0.4),
    "mid-tom": Voice("tom", -4.0, 0.0),
    "high-tom": Voice("tom", -3.0, 0.3),
    "crash": Voice("crash", -9.0, 0.35),
    "ride": Voice("ride", -7.0, -0.35),
    "cowbell": Voice("cowbell", -3.0, 0.2),
    "tambourine": Voice("tambourine", -9.0, 0.35),
    "low-conga": Voice("conga", -7.0, -0.3),
    "high-conga": Voice("conga", -4.0, -0.15),
    "low-bongo": Voice("bongo", -7.0, 0.15),
    "high-bongo": Voice("bongo", -6.0, 0.3),
    "shaker": Voice("shaker", -14.0, -0.35),
}
"""Voices by name; those of one class are ordered from low to high.

Gains are of peaks, in the median of the sounds of a class; at the same peak a long low tom or a
shaker is much louder than a rimshot.
"""

VOICE_OF_PITCH: Final[Mapping[int, str]] = {
    pitch: name for name in VOICES for pitch in DRUM_PITCHES[name]
}
"""MIDI pitch to name of the voice that plays it."""
