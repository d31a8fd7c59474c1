"""Which part of a song is read: measures by their numbers, drums by their names."""

import re
from dataclasses import dataclass
from typing import Final

from drumkit_cli.errors import UsageError
from drumkit_cli.midi.drum_maps import DRUM_PITCHES

_BARS: Final = re.compile(r"(\d{1,9})(?:(-)(\d{1,9})?)?", re.ASCII)


@dataclass(frozen=True)
class Selection:
    """A part of a song.

    Attributes:
        first: number of its first measure, from 1.
        last: of its last one; None: the last of the song.
        pitches: those of its drums in General MIDI; None: all drums.
    """

    first: int = 1
    last: int | None = None
    pitches: frozenset[int] | None = None

    @property
    def has_all_bars(self) -> bool:
        """Whether no measure is left out."""
        return self.first == 1 and self.last is None

    def bars_of(self, measures: int, name: str) -> tuple[int, int]:
        """The first and the last measure of a song of so many, which is called `name`.

        Raises:
            UsageError: it has fewer.
        """
        last = measures if self.last is None else self.last
        if max(self.first, last) > measures:
            raise UsageError(f"{name} has no measure {max(self.first, last)}", f"it has {measures}")
        return self.first, last


WHOLE: Final = Selection()


def parse_selection(bars: str | None, voices: str | None) -> Selection:
    """Read the values of ``--bars`` and ``--voices``.

    Args:
        bars: "5", "5-8" or "5-", counted from 1; None: all measures.
        voices: names of drums (`DRUM_PITCHES`), or "tom", "conga", "bongo" or "hat" for all of
            them, with commas between; None: all drums.

    Raises:
        UsageError: no such measures, or no such drum.
    """
    pitches = None if voices is None else _pitches(voices)
    if bars is None:
        return Selection(pitches=pitches)
    match = _BARS.fullmatch(bars.strip())
    first = int(match[1]) if match else 0
    last = None
    if match and (match[3] or not match[2]):
        last = int(match[3] or match[1])
    if first < 1 or (last is not None and last < first):
        raise UsageError(f"{bars!r} is no range of measures", "they count from 1: 5, 5-8 or 5-")
    return Selection(first, last, pitches)


def _pitches(voices: str) -> frozenset[int]:
    chosen: set[int] = set()
    for name in (name.strip() for name in voices.split(",")):
        found = [key for key in DRUM_PITCHES if key == name or key.endswith(f"-{name}")]
        if not name or not found:
            raise UsageError(f"no drum {name!r}", f"one of {', '.join(DRUM_PITCHES)}")
        chosen.update(pitch for key in found for pitch in DRUM_PITCHES[key])
    return frozenset(chosen)
