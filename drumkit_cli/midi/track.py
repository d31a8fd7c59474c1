"""Track: a piece of MIDI as typed values, its notes apart from everything else."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

from mido.frozen import FrozenMetaMessage

from drumkit_cli.midi.clock import DEFAULT_TEMPO, Clock, Tempo
from drumkit_cli.midi.messages import Message, latin1_of

if TYPE_CHECKING:
    from pretty_midi import PrettyMIDI

DEFAULT_TICKS_PER_QUARTER: Final = 480
DRUM_CHANNEL: Final = 9
BASS_PROGRAMS: Final = range(32, 40)
NEW_OFF: Final = -1
"""Place of a new note's end among the events of its tick: before them."""
NEW_ON: Final = 1 << 40
"""Place of a new note's onset among the events of its tick: after them."""


class Event(NamedTuple):
    """Anything in a file but its notes and end marks.

    `order` is the place among the events of a part, which decides between events of one tick, and
    `message` a frozen mido message, such as a "control_change" or a "set_tempo", whose own `time`
    is 0.
    """

    tick: int
    order: int
    message: Message


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
            Meter(tick, message.numerator, message.denominator)
            for tick, _, message in events_of(self.parts, "time_signature")
            if message.numerator and message.denominator <= 128
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

    def to_pretty_midi(self) -> "PrettyMIDI":
        """This track as a PrettyMIDI object, for its beats, downbeats, piano rolls and so on.

        Each program on a channel of a part is an instrument, which gets the notes, controllers and
        pitch bends of the channel. Release velocities, aftertouch, system exclusives and metas
        other than tempi, meters, keys, lyrics and texts have no place there.

        Raises:
            BadDataError: several parts of format 2, or ten million ticks or more.

        Example:
            >>> downbeats = track.to_pretty_midi().get_downbeats()
        """
        from drumkit_cli.midi.pretty import to_pretty_midi

        return to_pretty_midi(self)

    @staticmethod
    def from_pretty_midi(midi: "PrettyMIDI") -> "Track":
        """The track that a PrettyMIDI object would write: times are rounded to its ticks."""
        from drumkit_cli.midi.pretty import from_pretty_midi

        return from_pretty_midi(midi)


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

    Raises ValueError for a tempo below 3.6 bpm, which MIDI cannot hold, or a meter whose
    denominator is no power of two.
    """
    tempo = round(60e6 / tempo_bpm)
    if not 0 < tempo < 1 << 24 or meter[1].bit_count() != 1:
        raise ValueError(f"tempo {tempo_bpm} bpm or meter {meter} cannot be written")
    messages = [
        FrozenMetaMessage("set_tempo", tempo=tempo),
        FrozenMetaMessage("time_signature", numerator=meter[0], denominator=meter[1]),
    ]
    if name:
        messages.insert(0, FrozenMetaMessage("track_name", name=latin1_of(name)))
    events = tuple(Event(0, order, message) for order, message in enumerate(messages))
    return Track((), (Part(name, events, end_ticks),), ticks_per_quarter, format=0)


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
        tick: Tempo(tick, message.tempo)
        for tick, _, message in events_of(parts, "set_tempo")
        if message.tempo
    }
    return tuple(found.values())


def events_of(parts: Sequence[Part], kind: str) -> list[Event]:
    """The parts' events of one type of message by tick."""
    found = [event for part in parts for event in part.events if event.message.type == kind]
    return sorted(found, key=lambda event: event.tick)
