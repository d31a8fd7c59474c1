"""Standard MIDI files: bytes to Track and back, with nothing of the input lost.

The reader is our own. To keep absurd lengths, broken tracks and unknown events from hanging or
losing a file, every event has to be framed here anyway, and a library that decoded them again would
drop what it does not model (escape events, malformed metas, foreign chunks). The tests hold it to
mido.

Source: Standard MIDI Files 1.0 (MIDI Manufacturers Association, RP-001).
"""

import struct
from bisect import bisect_right
from collections import defaultdict, deque
from typing import Final

from drumkit_cli.errors import BadDataError
from drumkit_cli.midi.track import (
    DRUM_CHANNEL,
    META,
    NAME_META,
    NEW_ON,
    Clock,
    Event,
    Note,
    Part,
    Track,
    by_onset,
    part_clocks,
    smpte_rate,
)

MAX_EVENTS: Final = 1_000_000
MAX_SECONDS: Final = 24 * 3600.0
MAX_TICKS: Final = (1 << 28) - 1
"""The longest time between two events that a file can hold."""

_SYSEX, _ESCAPE = 0xF0, 0xF7
_TEXT, _END = 0x01, 0x2F


def read_midi(data: bytes, name: str) -> Track:
    """Read a Standard MIDI file of format 0, 1 or 2; `name` is for messages.

    Takes running status across metas, data bytes above 127 (clipped), tracks without an end mark,
    wrong track counts and foreign chunks (kept). Notes without end last to the end of their part.
    What follows a track's end mark within its chunk is dropped. Raises BadDataError for what is no
    MIDI file, for a truncated or undefined event, and for more than a million events or 24 hours.
    """
    if data[:4] != b"MThd" or len(data) < 14:
        raise BadDataError(f"{name} is not a MIDI file")
    size, kind, _, division = struct.unpack(">IHHh", data[4:14])
    if size < 6 or kind > 2:
        raise BadDataError(f"{name} has a broken MIDI header (length {size}, format {kind})")
    if division == 0 or (division < 0 and not smpte_rate(division)):
        raise BadDataError(f"{name} has an impossible time division ({division})")
    reader = _Reader(name)
    foreign = []
    at = 8 + size
    while at + 8 <= len(data):
        chunk, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "big")
        body = data[at + 8 : at + 8 + length]
        if chunk == b"MTrk":
            reader.read_part(body, at + 8, whole=len(body) == length)
        elif chunk.isalnum() and chunk.isascii() and len(body) == length:
            foreign.append((chunk, body))
        else:
            break  # padding or junk after the last chunk
        at += 8 + length
    if not reader.events:
        raise BadDataError(f"{name} holds no MIDI track")
    kind = 1 if kind == 0 and len(reader.events) > 1 else kind
    return reader.track(division, kind, tuple(foreign))


def write_midi(track: Track, comment: str = "") -> bytes:
    """The file's bytes, the same for the same track; `comment` becomes a text event at its start.

    Raises ValueError for a note out of range (pitch, velocity, channel, part or ticks).
    """
    rows: list[list[tuple[int, int, bytes]]] = [list(part.events) for part in track.parts]
    if comment:
        text = bytes([META, _TEXT]) + comment.encode("utf-8", "replace")
        rows[0].append((0, NEW_ON - 1, text))
    for note in track.notes:
        rows[note.part].extend(_note_rows(note))
    header = struct.pack(">IHHh", 6, track.format, len(track.parts), track.division)
    chunks = [b"MThd" + header]
    for part, events in zip(track.parts, rows, strict=True):
        events.sort(key=lambda row: row[:2])
        body = bytearray()
        tick = 0
        for event_tick, _, data in events:
            body += variable_length(event_tick - tick) + _framed(data)
            tick = event_tick
        body += variable_length(max(part.end_ticks - tick, 0)) + bytes([META, _END, 0])
        chunks.append(b"MTrk" + len(body).to_bytes(4, "big") + body)
    for chunk, foreign in track.foreign_chunks:
        chunks.append(chunk + len(foreign).to_bytes(4, "big") + foreign)
    return b"".join(chunks)


class _Reader:
    """Collects the parts' events, then pairs note-ons with note-offs."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.events: list[list[Event]] = []
        self.ends: list[int] = []
        self.count = 0
        self.clipped = 0

    def read_part(self, body: bytes, offset: int, *, whole: bool) -> None:
        """Frame the events of one chunk; `offset` is its place in the file, for messages."""
        events: list[Event] = []
        at = tick = status = 0
        try:
            while at < len(body):
                delta, at = _read_variable(body, at)
                tick += delta
                start = at
                head = body[at]
                at += head >= 0x80
                head = head if head >= 0x80 else status
                if 0x80 <= head < 0xF0:
                    status = head
                    end = at + (1 if 0xC0 <= head < 0xE0 else 2)
                    data = self._clip(head, body[at:end], end - at)
                elif head in (META, _SYSEX, _ESCAPE):
                    kind_end = at + (head == META)
                    size, payload = _read_variable(body, kind_end)
                    end = payload + size
                    data = bytes([head]) + body[at:kind_end] + body[payload:end]
                    if data[:2] == bytes([META, _END]):
                        break
                    if end > len(body):
                        raise IndexError
                else:
                    raise BadDataError(
                        f"{self.name} has an undefined MIDI event at byte {offset + start}"
                    )
                at = end
                events.append(Event(tick, len(events), data))
                if self.count + len(events) > MAX_EVENTS:
                    raise BadDataError(f"{self.name} has more than {MAX_EVENTS:,} MIDI events")
            else:
                if not whole:
                    raise IndexError
        except IndexError:
            raise BadDataError(
                f"{self.name} is truncated: MIDI track {len(self.events) + 1} breaks off"
            ) from None
        self.count += len(events)
        self.events.append(events)
        self.ends.append(tick)

    def track(self, division: int, kind: int, foreign: tuple[tuple[bytes, bytes], ...]) -> Track:
        """All parts as a Track."""
        paired = [_pair(events, end) for events, end in zip(self.events, self.ends, strict=True)]
        parts = tuple(
            Part(_part_name(rest), tuple(rest), end)
            for (_, rest), end in zip(paired, self.ends, strict=True)
        )
        clocks = part_clocks(parts, division, kind)
        for clock, end in zip(clocks, self.ends, strict=True):
            hours = clock.seconds(end) / 3600
            if hours * 3600 > MAX_SECONDS or end > MAX_TICKS:
                raise BadDataError(
                    f"{self.name} lasts {hours:,.0f} hours ({end:,} ticks)",
                    f"drumkit takes MIDI files of up to {MAX_SECONDS / 3600:.0f} hours",
                )
        programs = _Programs(parts, kind)
        notes = [
            _note(pair, index, programs, clocks[index])
            for index, (pairs, _) in enumerate(paired)
            for pair in pairs
        ]
        notes.sort(key=by_onset)
        return Track(tuple(notes), parts, division, kind, foreign, self.clipped)

    def _clip(self, status: int, body: bytes, size: int) -> bytes:
        """A channel message with its data bytes clipped to 127."""
        if len(body) < size:
            raise IndexError
        if body.isascii():
            return bytes([status]) + body
        self.clipped += sum(byte > 127 for byte in body)
        return bytes([status, *(min(byte, 127) for byte in body)])


_Pair = tuple[Event, Event]


def _pair(events: list[Event], end: int) -> tuple[list[_Pair], list[Event]]:
    """Note-ons with their note-offs, first on first off; and every other event in its order."""
    pairs: list[_Pair] = []
    rest: list[Event] = []
    sounding: dict[tuple[int, int], deque[Event]] = defaultdict(deque)
    for event in events:
        kind, channel = event.data[0] & 0xF0, event.data[0] & 0x0F
        if kind == 0x90 and event.data[2]:
            sounding[channel, event.data[1]].append(event)
        elif kind in (0x80, 0x90) and sounding[channel, event.data[1]]:
            pairs.append((sounding[channel, event.data[1]].popleft(), event))
        else:
            rest.append(event)
    for hanging in sounding.values():
        for event in hanging:
            off = Event(end, NEW_ON, bytes([event.data[0], event.data[1], 0]))
            pairs.append((event, off))
    return pairs, rest


class _Programs:
    """Which program a channel has at a place in the file."""

    def __init__(self, parts: tuple[Part, ...], kind: int) -> None:
        self._own: dict[tuple[int, int], list[tuple[int, int, int]]] = defaultdict(list)
        self._all: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
        for index, part in enumerate(parts):
            for event in part.events:
                if event.data[0] & 0xF0 == 0xC0:
                    channel = event.data[0] & 0x0F
                    row = (event.tick, event.order, event.data[1])
                    self._own[index, channel].append(row)
                    if kind != 2:
                        self._all[channel].append((event.tick, 0, event.data[1]))
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
    channel = on.data[0] & 0x0F
    return Note(
        onset_seconds=onset,
        duration_seconds=clock.seconds(off.tick) - onset,
        pitch=on.data[1],
        velocity=on.data[2],
        channel=channel,
        program=programs.at(part, channel, on),
        drum=channel == DRUM_CHANNEL,
        onset_ticks=on.tick,
        duration_ticks=off.tick - on.tick,
        part=part,
        release_velocity=off.data[2] if off.data[0] & 0xF0 == 0x80 else None,
        on_order=on.order,
        off_order=off.order,
    )


def _note_rows(note: Note) -> list[tuple[int, int, bytes]]:
    """A note's two events with their sorting places."""
    release = note.release_velocity
    if not (
        0 <= note.pitch < 128
        and 0 < note.velocity < 128
        and 0 <= note.channel < 16
        and 0 <= (release or 0) < 128
        and note.onset_ticks >= 0
        and note.duration_ticks >= 0
    ):
        raise ValueError(f"{note} cannot be written as MIDI")
    off_status = 0x90 if release is None else 0x80
    off_order = note.off_order
    if note.duration_ticks == 0:
        off_order = max(off_order, note.on_order)
    return [
        (note.onset_ticks, note.on_order, bytes([0x90 | note.channel, note.pitch, note.velocity])),
        (
            note.onset_ticks + note.duration_ticks,
            off_order,
            bytes([off_status | note.channel, note.pitch, release or 0]),
        ),
    ]


def _part_name(events: list[Event]) -> str:
    """The first track name, "" where there is none; other encodings than UTF-8 as Latin-1."""
    for event in events:
        if event.data[:2] == bytes([META, NAME_META]):
            try:
                return event.data[2:].decode()
            except UnicodeDecodeError:
                return event.data[2:].decode("latin-1")
    return ""


def _read_variable(body: bytes, at: int) -> tuple[int, int]:
    """A variable-length quantity of up to four bytes, and where it ends.

    Raises IndexError where the body ends first, and for a fifth byte (which no file may have).
    """
    value = 0
    for place in range(at, at + 4):
        byte = body[place]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, place + 1
    raise IndexError


def variable_length(value: int) -> bytes:
    """A variable-length quantity."""
    if not 0 <= value < 1 << 28:
        raise ValueError(f"{value} ticks between two events cannot be written as MIDI")
    septets = [value & 0x7F]
    while value := value >> 7:
        septets.append(value & 0x7F | 0x80)
    return bytes(reversed(septets))


def _framed(data: bytes) -> bytes:
    """An event as it stands in a file: metas and system exclusives get their length."""
    head = {META: 2, _SYSEX: 1, _ESCAPE: 1}.get(data[0], 0)
    return data[:head] + variable_length(len(data) - head) + data[head:] if head else data
