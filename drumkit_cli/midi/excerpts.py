"""Excerpts of MIDI files: some measures, some drums, all else as it is there."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from drumkit_cli.errors import BadDataError
from drumkit_cli.midi.drum_parts import find_drums
from drumkit_cli.midi.map_file import DrumMap, translate
from drumkit_cli.midi.measures import STEPS_PER_QUARTER, Stretch, read_stretches
from drumkit_cli.midi.selection import Selection
from drumkit_cli.midi.track import Event, Part, Track, moved

_PASSING: Final = frozenset(("text", "lyrics", "marker", "cue_marker", "note_on", "note_off"))
"""Messages that say nothing of what comes later."""
_COMMON: Final = frozenset(("set_tempo", "time_signature", "key_signature"))
"""Messages that hold in all parts of a file."""
_STATES: Final = ("channel", "control", "note", "data")
"""Attributes that tell messages apart which both hold."""


def select(track: Track, selection: Selection, name: str, drum_map: DrumMap | None = None) -> Track:
    """The part of a file that is chosen.

    Of its notes, those of other drums are left out; other instruments stay. Measures come to the
    start of the file, with the tempo, meter, programs and controllers that hold there. Notes that
    begin less than half a sixteenth before a bar line belong to the measure after it.

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
    first, last = selection.bars_of(measures, name)
    begin, end = _bar_line(stretches, first), _bar_line(stretches, last + 1)
    half_step = track.ticks_per_quarter / STEPS_PER_QUARTER / 2
    notes = []
    for note in track.notes:
        if begin - half_step <= note.onset_ticks < end - half_step:
            onset = max(note.onset_ticks - begin, 0)
            stop = min(note.onset_ticks + note.duration_ticks, end) - begin
            notes.append(moved(note, onset, max(stop - onset, 0)))
    parts = _parts(track.parts, begin, end)
    return replace(track, parts=parts, notes=()).with_notes(notes)


def _bar_line(stretches: Sequence[Stretch], measure: int) -> int:
    """The tick where a measure begins, of the one after the last its end."""
    stretch = [stretch for stretch in stretches if stretch.first_measure <= measure][-1]
    return round(stretch.first_tick + (measure - stretch.first_measure) * stretch.measure_ticks)


def _parts(parts: Sequence[Part], begin: int, end: int) -> tuple[Part, ...]:
    """The events from `begin` to before `end`, after those that hold there."""
    holding: dict[tuple[object, ...], tuple[int, Event]] = {}
    events = sorted(
        ((event, number) for number, part in enumerate(parts) for event in part.events),
        key=lambda each: each[0].tick,
    )
    kept: list[list[Event]] = [[] for _ in parts]
    for event, number in events:
        if event.tick <= begin and event.message.type not in _PASSING:
            key = _state(event, number)
            holding.pop(key, None)
            holding[key] = number, event
        elif begin <= event.tick < end:
            kept[number].append(event._replace(tick=event.tick - begin))
    for number, event in reversed(list(holding.values())):
        kept[number].insert(0, event._replace(tick=0))
    return tuple(
        Part(part.name, _in_order(chosen), end - begin)
        for part, chosen in zip(parts, kept, strict=True)
    )


def _state(event: Event, part: int) -> tuple[object, ...]:
    """What an event sets: a later one of the same takes its place."""
    message = event.message
    if message.type in _COMMON:
        return (message.type,)
    return (part, message.type, *(getattr(message, name, None) for name in _STATES))


def _in_order(events: Sequence[Event]) -> tuple[Event, ...]:
    return tuple(event._replace(order=order) for order, event in enumerate(events))
