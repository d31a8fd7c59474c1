"""Which part of a song is read: measures by their numbers, drums by their names."""

import re
from dataclasses import dataclass
from typing import Final

from drumkit_cli.errors import UsageError
from drumkit_cli.midi.drum_maps import DRUM_PITCHES

Bars = tuple[int, int | None]
"""The numbers of a first and a last measure, from 1; None: the last one of the song."""

_ALL_BARS: Final[tuple[Bars, ...]] = ((1, None),)
_BARS: Final = re.compile(r"(\d{1,9})(?:(-)(\d{1,9})?)?", re.ASCII)


@dataclass(frozen=True)
class Selection:
    """A part of a song.

    Attributes:
        bars: its measures, from first to last, without overlap.
        pitches: those of its drums in General MIDI; None: all drums.
    """

    bars: tuple[Bars, ...] = _ALL_BARS
    pitches: frozenset[int] | None = None

    @property
    def has_all_bars(self) -> bool:
        """Whether no measure is left out."""
        return self.bars == _ALL_BARS

    def bars_of(self, measures: int, name: str) -> list[tuple[int, int]]:
        """The first and last measures in a song of so many, which is called `name`.

        Raises:
            UsageError: it has fewer.
        """
        highest = max(last or first for first, last in self.bars)
        if highest > measures:
            raise UsageError(f"{name} has no measure {highest}", f"it has {measures}")
        return [(first, last or measures) for first, last in self.bars]


WHOLE: Final = Selection()


def parse_selection(bars: str | None, voices: str | None) -> Selection:
    """Read the values of ``--bars`` and ``--voices``.

    Args:
        bars: "5", "5-8" or "5-", counted from 1, or several, in order, with commas between; None:
            all measures.
        voices: names of drums (`DRUM_PITCHES`), or "tom", "conga", "bongo" or "hat" for all of
            them, with commas between; None: all drums.

    Raises:
        UsageError: no such measures, or no such drum.
    """
    pitches = None if voices is None else _pitches(voices)
    if bars is None:
        return Selection(pitches=pitches)
    return Selection(_bars(bars), pitches)


def _bars(text: str) -> tuple[Bars, ...]:
    found: list[Bars] = []
    before: int | None = 0
    for match in (_BARS.fullmatch(piece.strip()) for piece in text.split(",")):
        first = int(match[1]) if match else 0
        last = int(match[3] or match[1]) if match and (match[3] or not match[2]) else None
        if before is None or first <= before or (last is not None and last < first):
            raise UsageError(
                f"{text!r} names no measures in order", "they count from 1: 5, 5-8, 5- or 1-4,9"
            )
        found.append((first, last))
        before = last
    return tuple(found)


def _pitches(voices: str) -> frozenset[int]:
    chosen: set[int] = set()
    for name in (name.strip() for name in voices.split(",")):
        found = [key for key in DRUM_PITCHES if key == name or key.endswith(f"-{name}")]
        if not name or not found:
            raise UsageError(f"no drum {name!r}", f"one of {', '.join(DRUM_PITCHES)}")
        chosen.update(pitch for key in found for pitch in DRUM_PITCHES[key])
    return frozenset(chosen)
