"""The guard that a MIDI file passes before mido decodes it: its bytes are taken apart into events.

mido stops at foreign chunks and at broken tracks, and hangs on absurd lengths. Here the number of
events is bounded, tracks are found even where their stated lengths are wrong, and nothing is left
unread without a warning.

Source: Standard MIDI Files 1.0 (MIDI Manufacturers Association, RP-001); RMID is its RP-029.
"""

import struct
from contextlib import suppress
from typing import Final, NamedTuple

from drumkit_cli import console
from drumkit_cli.errors import BadDataError
from drumkit_cli.midi.clock import smpte_rate
from drumkit_cli.midi.messages import META, SYSEX, SYSEX_END

MAX_EVENTS: Final = 1_000_000

_TRACK: Final = b"MTrk"
_END_MARK: Final = bytes([META, 0x2F])
_REAL_TIME: Final = frozenset({0xF8, 0xFA, 0xFB, 0xFC, 0xFE})
_SYSTEM: Final = _REAL_TIME | {META, SYSEX, SYSEX_END}
_STATUS: Final = tuple(bytes([status]) for status in range(256))


class RawTrack(NamedTuple):
    """The events of a track: the tick of each and its bytes, as `MessageTable` takes them.

    `end_ticks` is the tick of the end mark or else of the last event, `end_byte` where in the file
    the events end, and `clipped_bytes` the number of data bytes above 127, which were clipped.
    """

    events: list[tuple[int, bytes]]
    end_ticks: int
    end_byte: int
    has_end_mark: bool
    clipped_bytes: int


class RawFile(NamedTuple):
    """The format and time division of a file, its tracks, and name and content of other chunks."""

    format: int
    division: int
    tracks: list[RawTrack]
    foreign_chunks: list[tuple[bytes, bytes]]


def take_apart(data: bytes, name: str) -> RawFile:
    """Find the tracks of a MIDI file and their events; `name` is for messages.

    Takes running status across metas, data bytes above 127 (clipped), real-time messages, tracks
    without an end mark, wrong track lengths and counts, foreign chunks, and RMID. Warns of bytes
    that are not read, unless all of them are 0.

    Raises:
        BadDataError: no MIDI file; a truncated or undefined event; more than a million events.
    """
    data = _unwrap(data, name)
    if data[:4] != b"MThd" or len(data) < 14:
        raise BadDataError(f"{name} is not a MIDI file")
    size, kind, _, division = struct.unpack(">IHHh", data[4:14])
    if size < 6 or kind > 2:
        raise BadDataError(f"{name} has a broken MIDI header (length {size}, format {kind})")
    if division == 0 or (division < 0 and not smpte_rate(division)):
        raise BadDataError(f"{name} has an impossible time division ({division})")
    reader = _ChunkReader(data, name)
    reader.read_from(8 + size)
    if not reader.tracks:
        raise BadDataError(f"{name} holds no MIDI track")
    kind = 1 if kind == 0 and len(reader.tracks) > 1 else kind
    return RawFile(kind, division, reader.tracks, reader.foreign_chunks)


def _unwrap(data: bytes, name: str) -> bytes:
    """The MIDI file in an RMID file, which is RIFF; any other file as it is."""
    if data[:4] != b"RIFF" or data[8:12] != b"RMID":
        return data
    midi, others, at = b"", [], 12
    while at + 8 <= len(data):
        chunk, size = struct.unpack("<4sI", data[at : at + 8])
        if chunk == b"data" and not midi:
            midi = data[at + 8 : at + 8 + size]
        else:
            others.append(chunk.decode("latin-1"))
        at += 8 + size + size % 2
    if others:
        console.warn(f"{name}: these RIFF chunks are not read: {', '.join(others)}")
    return midi


class _ChunkReader:
    """Collects the tracks and the foreign chunks of a file."""

    def __init__(self, data: bytes, name: str) -> None:
        self.data = data
        self.name = name
        self.tracks: list[RawTrack] = []
        self.foreign_chunks: list[tuple[bytes, bytes]] = []
        self._events_left = MAX_EVENTS

    def read_from(self, at: int) -> None:
        """Read all chunks from a byte on; where none begins, go on at the next track."""
        while at < len(self.data):
            content = at + 8
            end = content + int.from_bytes(self.data[at + 4 : content], "big")
            if not self._is_chunk(at):
                end = self._next_track(at)
                self._skip(at, end, f"from byte {at} on, which are no MIDI chunk,")
            elif self.data.startswith(_TRACK, at):
                end = self._read_track(content, end)
            else:
                self.foreign_chunks.append((self.data[at : at + 4], self.data[content:end]))
            at = end

    def _read_track(self, start: int, stated_end: int) -> int:
        """Read the track whose events begin at a byte; returns where to look for the next chunk."""
        track = self._find_track(start, stated_end)
        self.tracks.append(track)
        self._events_left -= len(track.events)
        end = track.end_byte
        if end > stated_end or (end < stated_end and self.data.startswith(_TRACK, end)):
            console.warn(
                f"{self.name}: MIDI track {len(self.tracks)} states a length of "
                f"{stated_end - start:,} bytes but is read to its end mark, {end - start:,}"
            )
        elif self._is_chunk(stated_end):
            self._skip(end, stated_end, f"after the end mark of MIDI track {len(self.tracks)}")
            end = stated_end
        return end

    def _find_track(self, start: int, stated_end: int) -> RawTrack:
        """The track that begins at a byte.

        Where no chunk begins at its stated end, it goes on to its end mark if there is one.
        """
        if not self._is_chunk(stated_end):
            with suppress(BadDataError):
                track = self._frame(start, self._next_track(stated_end))
                if track.has_end_mark:
                    return track
        return self._frame(start, stated_end)

    def _frame(self, start: int, end: int) -> RawTrack:
        """The events from one byte to another, or to an end mark between them."""
        body = self.data[start:end]
        events: list[tuple[int, bytes]] = []
        at = tick = status = clipped = 0
        try:
            while at < len(body):
                delta = body[at]
                if delta < 0x80:
                    at += 1
                else:
                    delta, at = _read_quantity(body, at)
                tick += delta
                place, head = at, body[at]
                if head >= 0x80:
                    at += 1
                else:
                    head = status
                if 0x80 <= head < 0xF0:
                    status = head
                    data, at = _read_data(body, at, 1 if 0xC0 <= head < 0xE0 else 2)
                    if not data.isascii():
                        clipped += sum(byte > 127 for byte in data)
                        data = bytes(min(byte, 127) for byte in data)
                    event = _STATUS[head] + data
                elif head in _SYSTEM:
                    event, at = _read_system_event(body, at, head)
                    if event.startswith(_END_MARK):
                        return RawTrack(events, tick, start + at, True, clipped)
                else:
                    raise BadDataError(
                        f"{self.name} has an undefined MIDI event at byte {start + place}"
                    )
                events.append((tick, event))
                if len(events) > self._events_left:
                    raise BadDataError(f"{self.name} has more than {MAX_EVENTS:,} MIDI events")
            _read_data(body, at, end - start - at)
        except IndexError:
            raise BadDataError(
                f"{self.name} is truncated: MIDI track {len(self.tracks) + 1} breaks off"
            ) from None
        return RawTrack(events, tick, end, False, clipped)

    def _is_chunk(self, at: int) -> bool:
        """Whether a chunk begins at a byte, or the file ends there; only a track may break off."""
        if at == len(self.data):
            return True
        name, size = self.data[at : at + 4], int.from_bytes(self.data[at + 4 : at + 8], "big")
        if name == _TRACK:
            size = 0
        return name.isalnum() and name.isascii() and at + 8 + size <= len(self.data)

    def _next_track(self, at: int) -> int:
        """Where the next track begins after a byte, or the file's end."""
        found = self.data.find(_TRACK, at + 1)
        return len(self.data) if found < 0 else found

    def _skip(self, start: int, end: int, where: str) -> None:
        """Warn of bytes that are not read, unless they are zeros."""
        if self.data[start:end].strip(b"\0"):
            console.warn(f"{self.name}: {end - start:,} bytes {where} are not read")


def _read_system_event(body: bytes, at: int, status: int) -> tuple[bytes, int]:
    """The event whose status stands before a byte, and where it ends."""
    if status in _REAL_TIME:
        return _STATUS[status], at
    kind, at = _read_data(body, at, 1 if status == META else 0)
    size, at = _read_quantity(body, at)
    data, at = _read_data(body, at, size)
    return _STATUS[status] + kind + data, at


def _read_data(body: bytes, at: int, size: int) -> tuple[bytes, int]:
    """So many bytes, and where they end. Raises IndexError where the body ends first."""
    end = at + size
    if end > len(body):
        raise IndexError
    return body[at:end], end


def _read_quantity(body: bytes, at: int) -> tuple[int, int]:
    """A variable-length quantity, and where it ends.

    Raises IndexError where the body ends first, and for a fifth byte, which no file may have.
    """
    value = 0
    for place in range(at, at + 4):
        byte = body[place]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, place + 1
    raise IndexError
