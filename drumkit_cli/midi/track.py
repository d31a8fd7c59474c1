"""Track: a piece of MIDI as typed values, its notes apart from everything else, and its clock."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, NamedTuple

DEFAULT_TICKS_PER_QUARTER: Final = 480
DEFAULT_TEMPO: Final = 500_000
"""Microseconds per quarter where a file names none: 120 bpm."""
DRUM_CHANNEL: Final = 9
NEW_OFF: Final = -1
"""Place of a new note's end among the events of its tick: before them."""
NEW_ON: Final = 1 << 40
"""Place of a new note's onset among the events of its tick: after them."""

META: Final = 0xFF
NAME_META: Final = 0x03
TEMPO_META: Final = 0x51
METER_META: Final = 0x58


class Event(NamedTuple):
    """Anything that is not a paired note, as found in the file.

    `data` is the status byte and what follows it; metas are FF, type, payload and system exclusives
    F0 or F7, payload, both without their length.
    """

    tick: int
    order: int
    data: bytes


class Tempo(NamedTuple):
    """A tempo from `tick` on."""

    tick: int
    microseconds_per_quarter: int


class Meter(NamedTuple):
    """A meter from `tick` on."""

    tick: int
    numerator: int
    denominator: int


@dataclass(frozen=True, slots=True)
class Note:
    """One note. Ticks are what is written; seconds follow from them through the tempo map.

    `velocity` is 1..127, `channel` 0..15, `program` 0..127, `part` an index into `Track.parts`;
    `release_velocity` is None where the file ended the note by a note-on of velocity 0. The two
    orders keep a read note's place among events of the same tick.
    """

    onset_seconds: float
    duration_seconds: float
    pitch: int
    velocity: int
    channel: int
    program: int
    drum: bool
    onset_ticks: int
    duration_ticks: int
    part: int = 0
    release_velocity: int | None = None
    on_order: int = NEW_ON
    off_order: int = NEW_OFF

    @property
    def end_seconds(self) -> float:
        """Where the note ends."""
        return self.onset_seconds + self.duration_seconds


@dataclass(frozen=True)
class Part:
    """One track chunk without its notes: its other events by tick, and where it ends."""

    name: str
    events: tuple[Event, ...]
    end_ticks: int


class Clock:
    """Ticks to seconds and back, through a tempo map or at a fixed (SMPTE) rate."""

    def __init__(self, division: int, tempi: Sequence[Tempo]) -> None:
        self.ticks_per_second = smpte_rate(division)
        self._ticks: list[int] = [0]
        self._seconds: list[float] = [0.0]
        self._rates: list[float] = [
            1.0 / self.ticks_per_second if self.ticks_per_second else DEFAULT_TEMPO / 1e6 / division
        ]
        for tempo in () if self.ticks_per_second else tempi:
            rate = tempo.microseconds_per_quarter / 1e6 / division
            if tempo.tick == self._ticks[-1]:
                self._rates[-1] = rate
            else:
                self._seconds.append(self.seconds(tempo.tick))
                self._ticks.append(tempo.tick)
                self._rates.append(rate)

    def seconds(self, ticks: int) -> float:
        """Seconds from the start at a tick."""
        at = bisect_right(self._ticks, ticks) - 1
        return self._seconds[at] + (ticks - self._ticks[at]) * self._rates[at]

    def ticks(self, seconds: float) -> int:
        """The tick nearest to a time, not below 0."""
        at = max(bisect_right(self._seconds, seconds) - 1, 0)
        return max(self._ticks[at] + round((seconds - self._seconds[at]) / self._rates[at]), 0)


@dataclass(frozen=True)
class Track:
    """A whole MIDI file: notes sorted by onset, and every other event in its part.

    `format` is 0, 1 or 2 and `division` the header's time division (negative: SMPTE). In format 2
    the parts are independent, each with its own clock from 0. `clipped_bytes` counts the data bytes
    above 127 that reading clipped.
    """

    notes: tuple[Note, ...]
    parts: tuple[Part, ...]
    division: int = DEFAULT_TICKS_PER_QUARTER
    format: int = 1
    foreign_chunks: tuple[tuple[bytes, bytes], ...] = ()
    clipped_bytes: int = 0

    @cached_property
    def tempi(self) -> tuple[Tempo, ...]:
        """Every tempo, by tick, wherever it stands (in format 2: of the first part); may be ()."""
        return _tempi(self.parts[:1] if self.format == 2 else self.parts)

    @cached_property
    def meters(self) -> tuple[Meter, ...]:
        """Every meter by tick; 4/4 from the start where the file names none there."""
        found = [
            Meter(event.tick, event.data[2], 1 << event.data[3])
            for event in _metas(self.parts, METER_META)
            if len(event.data) >= 4 and event.data[2] and event.data[3] < 8
        ]
        return tuple(found if found and found[0].tick == 0 else [Meter(0, 4, 4), *found])

    @cached_property
    def clock(self) -> Clock:
        """Ticks to seconds and back (in format 2: of the first part)."""
        return Clock(self.division, self.tempi)

    @property
    def tempo_bpm(self) -> float:
        """The first tempo that the file names, 120 where it names none."""
        first = self.tempi[0].microseconds_per_quarter if self.tempi else DEFAULT_TEMPO
        return 60e6 / first

    @property
    def ticks_per_quarter(self) -> float:
        """Ticks a quarter note; in SMPTE time, those of a quarter at the first tempo."""
        rate = self.clock.ticks_per_second
        return rate * 60.0 / self.tempo_bpm if rate else float(self.division)

    @property
    def end_ticks(self) -> int:
        """The last tick of any part or note."""
        notes = max((note.onset_ticks + note.duration_ticks for note in self.notes), default=0)
        return max(notes, max((part.end_ticks for part in self.parts), default=0))

    @property
    def seconds(self) -> float:
        """Length, to the end of the last part or note."""
        return self.clock.seconds(self.end_ticks)

    def note(self, onset_ticks: int, duration_ticks: int, pitch: int, velocity: int) -> Note:
        """A new drum note of this track's first part, its seconds from the tempo map."""
        bare = Note(0.0, 0.0, pitch, velocity, DRUM_CHANNEL, 0, True, onset_ticks, duration_ticks)
        return _timed(bare, self.clock)

    def with_notes(self, notes: Iterable[Note]) -> "Track":
        """This file with other notes: all else stays. Seconds are made to follow the ticks.

        A note whose ticks were changed should be made by `moved`, which frees it from its place
        among the events of its old tick.
        """
        by_part = part_clocks(self.parts, self.division, self.format)
        timed = [_timed(note, by_part[note.part]) for note in notes]
        return replace(self, notes=tuple(sorted(timed, key=by_onset)))


def moved(note: Note, onset_ticks: int, duration_ticks: int) -> Note:
    """The note at another place; `Track.with_notes` then sets its seconds."""
    return replace(
        note,
        onset_ticks=onset_ticks,
        duration_ticks=duration_ticks,
        on_order=NEW_ON,
        off_order=NEW_OFF,
    )


def empty_track(
    tempo_bpm: float = 120.0,
    *,
    meter: tuple[int, int] = (4, 4),
    ticks_per_quarter: int = DEFAULT_TICKS_PER_QUARTER,
    end_ticks: int = 0,
    name: str = "",
) -> Track:
    """A file of one part without notes, to which `with_notes` adds them.

    Raises ValueError for a tempo below 3.6 bpm, which MIDI cannot tell, or a meter whose
    denominator is no power of two.
    """
    microseconds = round(60e6 / tempo_bpm)
    power = meter[1].bit_length() - 1
    if not 0 < microseconds < 1 << 24 or meter[1] != 1 << power:
        raise ValueError(f"tempo {tempo_bpm} bpm or meter {meter} cannot be written")
    datas = [
        bytes([META, TEMPO_META]) + microseconds.to_bytes(3, "big"),
        bytes([META, METER_META, meter[0], power, 24, 8]),
    ]
    if name:
        datas.insert(0, bytes([META, NAME_META]) + name.encode())
    events = tuple(Event(0, order, data) for order, data in enumerate(datas))
    return Track((), (Part(name, events, end_ticks),), ticks_per_quarter, format=0)


def smpte_rate(division: int) -> float:
    """Ticks a second of a negative (SMPTE) time division; 0.0 for a musical one, or none known."""
    if division >= 0:
        return 0.0
    frames, ticks = -(division >> 8), division & 0xFF
    return {24: 24.0, 25: 25.0, 29: 30000 / 1001, 30: 30.0}.get(frames, 0.0) * ticks


def part_clocks(parts: Sequence[Part], division: int, kind: int) -> list[Clock]:
    """Each part's clock: one for all, but of its own in format 2."""
    if kind == 2:
        return [Clock(division, _tempi([part])) for part in parts]
    return [Clock(division, _tempi(parts))] * len(parts)


def _timed(note: Note, clock: Clock) -> Note:
    """The note with its seconds set from its ticks."""
    onset = clock.seconds(note.onset_ticks)
    duration = clock.seconds(note.onset_ticks + note.duration_ticks) - onset
    return replace(note, onset_seconds=onset, duration_seconds=duration)


def by_onset(note: Note) -> tuple[float, int, int, int, int]:
    """Sorting key of `Track.notes`: onset, then where the note stood in the file."""
    return (note.onset_seconds, note.part, note.on_order, note.channel, note.pitch)


def _tempi(parts: Sequence[Part]) -> tuple[Tempo, ...]:
    """The tempo map; of several tempi at one tick the last stands."""
    found = {
        event.tick: Tempo(event.tick, int.from_bytes(event.data[2:], "big"))
        for event in _metas(parts, TEMPO_META)
        if len(event.data) == 5 and any(event.data[2:])
    }
    return tuple(found.values())


def _metas(parts: Sequence[Part], kind: int) -> Iterator[Event]:
    """The parts' metas of one type by tick."""
    head = bytes([META, kind])
    found = [event for part in parts for event in part.events if event.data[:2] == head]
    return iter(sorted(found, key=lambda event: event.tick))
