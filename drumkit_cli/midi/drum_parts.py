"""Which notes of a MIDI file are drums: those on channel 10, and tracks whose names say drums."""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from drumkit_cli.midi.track import Note, Track

_DRUMS_NAME: Final = re.compile(
    r"(?<!steel )(?<!taiko )(?<!synth )(?<!synth)drum|\bperc(?!ussive)|\bkits?\b", re.IGNORECASE
)
"""Not the pitched instruments of General MIDI: Steel Drums, Taiko, Synth Drum, Percussive Organ."""
_KIT_PROGRAMS: Final = frozenset({0, 8, 16, 24, 25, 32, 40, 48, 56})
"""Programs of General MIDI 2's drum kits; a part with another one is a pitched instrument."""
_KIT_PITCHES: Final = range(35, 60)
_NAMED: Final = 3
"""How many tracks a remark names."""
_NAME_LENGTH: Final = 40


class Drums(NamedTuple):
    """The drum notes of a file by onset, and what a user should know about the choice, or ""."""

    notes: tuple[Note, ...]
    remark: str = ""


def find_drums(track: Track) -> Drums:
    """Return the notes on channel 10 and those of tracks that are called drums, percussion or kit.

    Where there are none, all notes are. In format 2, whose tracks have no common time, only those
    of the first track that has any.
    """
    several = len({note.part for note in track.notes}) > 1
    named = {i for i, part in enumerate(track.parts) if several and _DRUMS_NAME.search(part.name)}
    drums = [
        note
        for note in track.notes
        if note.drum or (note.part in named and note.program in _KIT_PROGRAMS)
    ]
    notes = drums or list(track.notes)
    if track.format == 2 and notes:
        part = min(note.part for note in notes)
        return Drums(tuple(note for note in notes if note.part == part))
    return Drums(tuple(notes), _remark(track, drums))


def _remark(track: Track, drums: list[Note]) -> str:
    """What is not obvious about the choice of ``drums``, which are empty where all notes are."""
    others = [note for note in drums if not note.drum]
    if not drums:
        if len({(note.part, note.channel) for note in track.notes}) < 2:
            return ""
        return f"no drums on channel 10: all notes are read as drums: {_names(track, track.notes)}"
    if len(others) == len(drums):
        return f"no drums on channel 10: those of {_names(track, others)} are read"
    if others:
        return f"drums are also read from {_names(track, others)}"
    doubtful = _unnamed_kits(track)
    if doubtful:
        names = _names(track, doubtful)
        return (
            f"drums are read from channel 10, not from {names}; name that track 'drums' to add it"
        )
    return ""


def _unnamed_kits(track: Track) -> list[Note]:
    """The notes of tracks that may be drums: no name, no instrument, only pitches of a kit."""
    rest = [note for note in track.notes if not note.drum]
    pitched = {
        note.part
        for note in rest
        if note.program or note.pitch not in _KIT_PITCHES or track.parts[note.part].name
    }
    return [note for note in rest if note.part not in pitched]


def _names(track: Track, notes: Iterable[Note]) -> str:
    """Name the tracks and channels of notes: 'track 2 "Low" (channel 2, Fretless Bass)'."""
    from pretty_midi import program_to_instrument_name

    found = sorted({(note.part, note.channel): note.program for note in notes}.items())
    shown = []
    for (part, channel), program in found[:_NAMED]:
        name = track.parts[part].name[:_NAME_LENGTH]
        where = f"channel {channel + 1}"
        if program not in _KIT_PROGRAMS:
            where += f", {program_to_instrument_name(program)}"
        shown.append(f"track {part + 1}{f' {name!r}' if name else ''} ({where})")
    more = [f"{len(found) - _NAMED} more"] if len(found) > _NAMED else []
    return ", ".join([*shown, *more])
