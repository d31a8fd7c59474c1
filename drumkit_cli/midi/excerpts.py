"""Excerpts of MIDI files: some measures, some drums, all else as it is there."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from drumkit_cli.errors import BadDataError
from drumkit_cli.midi.drum_parts import find_drums
from drumkit_cli.midi.map_file import DrumMap, translate
from drumkit_cli.midi.measures import STEPS_PER_QUARTER, Stretch, read_stretches
from drumkit_cli.midi.selection import Selection
from drumkit_cli.midi.track import Event, Note, Part, Track, moved

_Placed = tuple[Event, int]
"""An event, and the number of its part."""

_PASSING: Final = frozenset(("text", "lyrics", "marker", "cue_marker", "note_on", "note_off"))
"""Messages that say nothing of what comes later."""
_COMMON: Final = frozenset(("set_tempo", "time_signature", "key_signature"))
"""Messages that hold in all parts of a file."""
_STATES: Final = ("channel", "control", "note", "data")
"""Attributes that tell messages apart which both hold."""


class Span(NamedTuple):
    """A part of a file that an excerpt has.

    Attributes:
        begin: its first tick in the file.
        end: the tick after its last one.
        since: where the part before it ended.
        moved_by: by how many ticks the excerpt has it earlier.
    """

    begin: int
    end: int
    since: int
    moved_by: int


def select(track: Track, selection: Selection, name: str, drum_map: DrumMap | None = None) -> Track:
    """The part of a file that is chosen.

    Of its notes, those of other drums are left out; other instruments stay. Measures follow each
    other from the start of the file, with the tempo, meter, programs and controllers that hold
    there. Notes that begin less than half a sixteenth before a bar line belong to the measure after
    it; they end where their measures do, and what was struck before is left out.

    Args:
        track: the file.
        selection: what is chosen.
        name: for messages.
        drum_map: what the pitches are; None: General MIDI.

    Raises:
        UsageError: measures that are not there.
        BadDataError: none of the drums is.
    """
    if selection.pitches is not None:
        track = _with_drums(track, selection.pitches, name, drum_map)
    return track if selection.has_all_bars else _with_bars(track, selection, name)


def _with_drums(
    track: Track, pitches: frozenset[int], name: str, drum_map: DrumMap | None
) -> Track:
    kept = translate(dict.fromkeys(pitches, True), drum_map)
    drums = find_drums(track).notes
    left_out = {note for note in drums if note.pitch not in kept}
    if len(left_out) == len(set(drums)):
        raise BadDataError(f"{name} has none of the drums of --voices")
    return track.with_notes([note for note in track.notes if note not in left_out])


def _with_bars(track: Track, selection: Selection, name: str) -> Track:
    last_onset = max((note.onset_ticks for note in track.notes), default=0)
    stretches = read_stretches(track, last_onset)
    measures = stretches[-1].first_measure + stretches[-1].measures - 1
    spans: list[Span] = []
    since = length = 0
    for first, last in selection.bars_of(measures, name):
        begin, end = _bar_line(stretches, first), _bar_line(stretches, last + 1)
        spans.append(Span(begin, end, since, begin - length))
        since, length = end, length + end - begin
    half_step = track.ticks_per_quarter / STEPS_PER_QUARTER / 2
    notes = [note for span in spans for note in _notes(track.notes, span, half_step)]
    events = sorted(
        ((event, number) for number, part in enumerate(track.parts) for event in part.events),
        key=lambda each: each[0].tick,
    )
    chosen = [each for span in spans for each in _events(events, span)]
    parts = []
    for number, part in enumerate(track.parts):
        own = [event for event, where in chosen if where == number]
        in_order = tuple(event._replace(order=order) for order, event in enumerate(own))
        parts.append(Part(part.name, in_order, length))
    return replace(track, parts=tuple(parts), notes=()).with_notes(notes)


def _bar_line(stretches: Sequence[Stretch], measure: int) -> int:
    """The tick where a measure begins, of the one after the last its end."""
    stretch = [stretch for stretch in stretches if stretch.first_measure <= measure][-1]
    return round(stretch.first_tick + (measure - stretch.first_measure) * stretch.measure_ticks)


def _notes(notes: Iterable[Note], span: Span, half_step: float) -> Iterator[Note]:
    for note in notes:
        if span.begin - half_step <= note.onset_ticks < span.end - half_step:
            onset = max(note.onset_ticks - span.moved_by, 0)
            stop = min(note.onset_ticks + note.duration_ticks, span.end) - span.moved_by
            yield moved(note, onset, max(stop - onset, 0))


def _events(events: Iterable[_Placed], span: Span) -> list[_Placed]:
    """The events of a span of a file by tick, after those since the last that hold there."""
    holding: dict[tuple[object, ...], _Placed] = {}
    inside: list[_Placed] = []
    for event, part in events:
        if span.since <= event.tick <= span.begin and event.message.type not in _PASSING:
            key = _state(event, part)
            holding.pop(key, None)
            holding[key] = event._replace(tick=span.begin), part
        elif span.begin <= event.tick < span.end:
            inside.append((event, part))
    return [
        (event._replace(tick=event.tick - span.moved_by), part)
        for event, part in (*holding.values(), *inside)
    ]


def _state(event: Event, part: int) -> tuple[object, ...]:
    """What an event sets: a later one of the same takes its place."""
    message = event.message
    if message.type in _COMMON:
        return (message.type,)
    return (part, message.type, *(getattr(message, name, None) for name in _STATES))
