"""Standard MIDI files: bytes to Track and back, with nothing of the input lost.

The guard takes a file apart into events, mido decodes them, and here notes are made of them; mido
encodes what is written.

Source: Standard MIDI Files 1.0 (MIDI Manufacturers Association, RP-001).
"""

import struct
from bisect import bisect_right
from collections import defaultdict, deque
from typing import Final

from mido.frozen import FrozenMetaMessage

from drumkit_cli import console
from drumkit_cli.errors import BadDataError
from drumkit_cli.midi.clock import Clock
from drumkit_cli.midi.guard import RawTrack, take_apart
from drumkit_cli.midi.messages import (
    END_MARK,
    MAX_TICKS,
    MessageTable,
    encode,
    encode_note,
    encode_ticks,
    latin1_of,
    text_of,
)
from drumkit_cli.midi.track import (
    DRUM_CHANNEL,
    NEW_ON,
    Event,
    Note,
    Part,
    Track,
    by_onset,
    events_of,
    part_clocks,
)

MAX_SECONDS: Final = 24 * 3600.0


def read_midi(data: bytes, name: str) -> Track:
    """Read a Standard MIDI file of format 0, 1 or 2; `name` is for messages.

    Takes what `guard.take_apart` takes. Notes without end last to the end of their part.

    Raises:
        BadDataError: as `guard.take_apart`, and for more than 24 hours.
    """
    raw = take_apart(data, name)
    messages = MessageTable()
    paired = [_pair(track, messages) for track in raw.tracks]
    parts = tuple(
        Part(_part_name(rest), tuple(rest), track.end_ticks)
        for track, (_, rest) in zip(raw.tracks, paired, strict=True)
    )
    clocks = part_clocks(parts, raw.division, raw.format)
    for part, clock in zip(parts, clocks, strict=True):
        hours = clock.seconds(part.end_ticks) / 3600
        if hours * 3600 > MAX_SECONDS or part.end_ticks > MAX_TICKS:
            raise BadDataError(
                f"{name} lasts {hours:,.0f} hours ({part.end_ticks:,} ticks)",
                f"drumkit takes MIDI files of up to {MAX_SECONDS / 3600:.0f} hours",
            )
    programs = {} if raw.format == 2 else _program_changes(parts)
    notes = [
        _note(pair, index, programs, clocks[index])
        for index, (pairs, _) in enumerate(paired)
        for pair in pairs
    ]
    notes.sort(key=by_onset)
    clipped = sum(track.clipped_bytes for track in raw.tracks)
    if clipped:
        console.warn(f"{name}: {clipped:,} data bytes above 127 were set to 127")
    foreign = tuple(raw.foreign_chunks)
    return Track(tuple(notes), parts, raw.division, raw.format, foreign, clipped)


def write_midi(track: Track, comment: str = "") -> bytes:
    """The file's bytes, the same for the same track; `comment` becomes a text event at its start.

    Raises ValueError for a note out of range (pitch, velocity, channel, part or ticks) and for more
    than 2**28 - 1 ticks between two events.
    """
    rows: list[list[tuple[int, int, bytes]]] = [
        [(tick, order, encode(message)) for tick, order, message in part.events]
        for part in track.parts
    ]
    if comment:
        message = FrozenMetaMessage("text", text=latin1_of(comment))
        rows[0].append((0, NEW_ON - 1, encode(message)))
    for note in track.notes:
        rows[note.part].extend(_note_rows(note))
    header = struct.pack(">HHh", track.format, len(track.parts), track.division)
    chunks = [(b"MThd", header)]
    for part, events in zip(track.parts, rows, strict=True):
        events.sort(key=lambda row: row[:2])
        last = events[-1][0] if events else 0
        events.append((max(part.end_ticks, last), 0, END_MARK))
        body, now = bytearray(), 0
        for tick, _, data in events:
            body += encode_ticks(tick - now) + data
            now = tick
        chunks.append((b"MTrk", bytes(body)))
    chunks += track.foreign_chunks
    return b"".join(name + len(body).to_bytes(4, "big") + body for name, body in chunks)


_Pair = tuple[Event, int | None, Event]
"""A note-on, the program that its part has set on its channel (None: none), and its note-off."""


def _pair(track: RawTrack, messages: MessageTable) -> tuple[list[_Pair], list[Event]]:
    """Note-ons with their note-offs, first on first off; and every other event in its order."""
    pairs: list[_Pair] = []
    rest: list[Event] = []
    programs: dict[int, int] = {}
    sounding: dict[tuple[int, int], deque[tuple[Event, int | None]]] = defaultdict(deque)
    for order, (tick, data) in enumerate(track.events):
        message = messages[data]
        event = Event(tick, order, message)
        if message.type == "note_on" and message.velocity:
            sounding[message.channel, message.note].append((event, programs.get(message.channel)))
        elif message.type in ("note_on", "note_off") and sounding[message.channel, message.note]:
            pairs.append((*sounding[message.channel, message.note].popleft(), event))
        else:
            rest.append(event)
            if message.type == "program_change":
                programs[message.channel] = message.program
    for hanging in sounding.values():
        for on, program in hanging:
            off = Event(track.end_ticks, NEW_ON, on.message.copy(velocity=0))
            pairs.append((on, program, off))
    return pairs, rest


def _program_changes(parts: tuple[Part, ...]) -> dict[int, list[tuple[int, int]]]:
    """Channel to the ticks and programs of all its program changes, in whatever part, by tick."""
    found: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for tick, _, message in events_of(parts, "program_change"):
        found[message.channel].append((tick, message.program))
    return found


def _note(pair: _Pair, part: int, programs: dict[int, list[tuple[int, int]]], clock: Clock) -> Note:
    """A pair as a Note; where its part has set no program, the file's other parts may have."""
    on, program, off = pair
    onset = clock.seconds(on.tick)
    channel = on.message.channel
    if program is None:
        changes = programs.get(channel, [])
        before = bisect_right(changes, on.tick, key=lambda change: change[0])
        program = changes[before - 1][1] if before else 0
    return Note(
        onset_seconds=onset,
        duration_seconds=clock.seconds(off.tick) - onset,
        pitch=on.message.note,
        velocity=on.message.velocity,
        channel=channel,
        program=program,
        drum=channel == DRUM_CHANNEL,
        onset_ticks=on.tick,
        duration_ticks=off.tick - on.tick,
        part=part,
        release_velocity=off.message.velocity if off.message.type == "note_off" else None,
        on_order=on.order,
        off_order=off.order,
    )


def _note_rows(note: Note) -> list[tuple[int, int, bytes]]:
    """A note's two events with their sorting places."""
    if note.velocity <= 0 or note.onset_ticks < 0 or note.duration_ticks < 0:
        raise ValueError(f"{note} cannot be written as MIDI")
    on = encode_note("note_on", note.channel, note.pitch, note.velocity)
    kind = "note_on" if note.release_velocity is None else "note_off"
    off = encode_note(kind, note.channel, note.pitch, note.release_velocity or 0)
    off_order = note.off_order if note.duration_ticks else max(note.off_order, note.on_order)
    end_ticks = note.onset_ticks + note.duration_ticks
    return [(note.onset_ticks, note.on_order, on), (end_ticks, off_order, off)]


def _part_name(events: list[Event]) -> str:
    """The first track name, "" where there is none."""
    return next((text_of(e.message.name) for e in events if e.message.type == "track_name"), "")
