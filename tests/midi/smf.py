"""MIDI files of given bytes, and tracks that are compared."""

import struct
from dataclasses import replace

from drumkit_cli.midi.files import read_midi, write_midi
from drumkit_cli.midi.track import Track

END = b"\x00\xff\x2f\x00"


def midi_file(
    *tracks: bytes, kind: int = 0, division: int = 480, count: int | None = None
) -> bytes:
    header = struct.pack(">IHHh", 6, kind, len(tracks) if count is None else count, division)
    return b"MThd" + header + b"".join(chunk(b"MTrk", track) for track in tracks)


def chunk(name: bytes, body: bytes) -> bytes:
    return name + len(body).to_bytes(4, "big") + body


def read(*tracks: bytes, **header: int) -> Track:
    return read_midi(midi_file(*tracks, **header), "a.mid")


def as_saved(track: Track) -> Track:
    return read_midi(write_midi(track), "again.mid")


def same(track: Track, other: Track) -> bool:
    """Equal but for the places that new ends of hanging notes take."""

    def plain(value: Track) -> Track:
        notes = tuple(replace(note, off_order=0, on_order=0) for note in value.notes)
        parts = tuple(
            replace(part, events=tuple(event._replace(order=0) for event in part.events))
            for part in value.parts
        )
        return replace(value, notes=notes, parts=parts, clipped_bytes=0)

    return plain(track) == plain(other)
