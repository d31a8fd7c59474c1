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
    programs = _Programs(parts, raw.format)
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
    header = struct.pack(">IHHh", 6, track.format, len(track.parts), track.division)
    chunks = [b"MThd" + header]
    for part, events in zip(track.parts, rows, strict=True):
        events.sort(key=lambda row: row[:2])
        last = events[-1][0] if events else 0
        events.append((max(part.end_ticks, last), 0, END_MARK))
        body = bytearray()
        tick = 0
        for event_tick, _, data in events:
            body += encode_ticks(event_tick - tick) + data
            tick = event_tick
        chunks.append(b"MTrk" + len(body).to_bytes(4, "big") + body)
    for chunk, foreign in track.foreign_chunks:
        chunks.append(chunk + len(foreign).to_bytes(4, "big") + foreign)
    return b"".join(chunks)


_Pair = tuple[Event, Event]


def _pair(track: RawTrack, messages: MessageTable) -> tuple[list[_Pair], list[Event]]:
    """Note-ons with their note-offs, first on first off; and every other event in its order."""
    pairs: list[_Pair] = []
    rest: list[Event] = []
    sounding: dict[tuple[int, int], deque[Event]] = defaultdict(deque)
    for order, (tick, data) in enumerate(track.events):
        message = messages[data]
        event = Event(tick, order, message)
        if message.type == "note_on" and message.velocity:
            sounding[message.channel, message.note].append(event)
        elif message.type in ("note_on", "note_off") and sounding[message.channel, message.note]:
            pairs.append((sounding[message.channel, message.note].popleft(), event))
        else:
            rest.append(event)
    for hanging in sounding.values():
        for event in hanging:
            off = event.message.copy(velocity=0)
            pairs.append((event, Event(track.end_ticks, NEW_ON, off)))
    return pairs, rest


class _Programs:
    """Which program a channel has at a place in the file."""

    def __init__(self, parts: tuple[Part, ...], kind: int) -> None:
        self._own: dict[tuple[int, int], list[tuple[int, int, int]]] = defaultdict(list)
        self._all: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
        for index, part in enumerate(parts):
            for event in part.events:
                if event.message.type == "program_change":
                    channel, program = event.message.channel, event.message.program
                    self._own[index, channel].append((event.tick, event.order, program))
                    if kind != 2:
                        self._all[channel].append((event.tick, 0, program))
        for rows in self._all.values():
            rows.sort(key=lambda row: row[0])

    def at(self, part: int, channel: int, event: Event) -> int:
        """The part's own latest program change before the event, else the file's, else 0."""
        for rows, place in (
            (self._own.get((part, channel), []), (event.tick, event.order, 0)),
            (self._all.get(channel, []), (event.tick, 1, 0)),
        ):
            before = bisect_right(rows, place)
            if before:
                return rows[before - 1][2]
        return 0


def _note(pair: _Pair, part: int, programs: _Programs, clock: Clock) -> Note:
    """A pair as a Note."""
    on, off = pair
    onset = clock.seconds(on.tick)
    channel = on.message.channel
    return Note(
        onset_seconds=onset,
        duration_seconds=clock.seconds(off.tick) - onset,
        pitch=on.message.note,
        velocity=on.message.velocity,
        channel=channel,
        program=programs.at(part, channel, on),
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
    off = "note_on" if note.release_velocity is None else "note_off"
    off_order = note.off_order
    if note.duration_ticks == 0:
        off_order = max(off_order, note.on_order)
    return [
        (
            note.onset_ticks,
            note.on_order,
            encode_note("note_on", note.channel, note.pitch, note.velocity),
        ),
        (
            note.onset_ticks + note.duration_ticks,
            off_order,
            encode_note(off, note.channel, note.pitch, note.release_velocity or 0),
        ),
    ]


def _part_name(events: list[Event]) -> str:
    """The first track name, "" where there is none."""
    return next((text_of(e.message.name) for e in events if e.message.type == "track_name"), "")
