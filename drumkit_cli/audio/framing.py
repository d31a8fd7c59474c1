"""The streams that FLAC and Ogg files join, and their lengths; libsndfile reads the first alone.

A FLAC that was streamed (``ffmpeg -f flac -``) states no length: its last frame tells it. An Ogg
that was cut short has a last page that is not whole.

Sources: RFC 9639 (FLAC), RFC 3533 (Ogg).
"""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

FLAC_TOTAL_OFFSET: Final = 21
"""Position of the 36 bits of STREAMINFO's sample count; the first four share a byte."""
FLAC_TOTAL_MAX: Final = (1 << 36) - 1

_FLAC_BEGINNING: Final = re.compile(rb"fLaC[\x00\x80]\x00\x00\x22")
_OGG_MAGIC: Final = b"OggS"
_OGG_PAGE: Final = re.compile(_OGG_MAGIC + b"\0")
_OGG_HEADER_BYTES: Final = 27
_OGG_FIRST_PAGE: Final = 2
_PATTERN_BYTES_MAX: Final = 8
_SEARCH_BYTES: Final = 1 << 20
_TAIL_BYTES: Final = 1 << 21
_FLAC_FRAME_BYTES_MIN: Final = 6
_FLAC_RATE_EXTRA_BYTES: Final = {12: 1, 13: 2, 14: 2}


@dataclass(frozen=True)
class _Frame:
    """A FLAC frame's header: the number it carries (of frames or samples), and its length."""

    number: int
    is_numbered_by_samples: bool
    block_samples: int


def flac_streams(file: BinaryIO) -> list[range]:
    """Return the ranges of the FLAC streams that a file joins, at least one."""
    starts = [0, *_occurrences(file, _FLAC_BEGINNING, 1)]
    return [range(*ends) for ends in itertools.pairwise([*starts, file.seek(0, 2)])]


def flac_claims_no_length(file: BinaryIO, stream: range) -> bool:
    """Tell whether STREAMINFO leaves the sample count open; the position is lost."""
    file.seek(stream.start)
    head = file.read(FLAC_TOTAL_OFFSET + 5)
    return (
        len(head) == FLAC_TOTAL_OFFSET + 5
        and head[4] & 0x7F == 0
        and int.from_bytes(head[FLAC_TOTAL_OFFSET:], "big") & FLAC_TOTAL_MAX == 0
    )


def flac_frames(file: BinaryIO, stream: range) -> int:
    """Return the sample count by the last frame of a FLAC; 0 when there is none."""
    file.seek(stream.start)
    fixed_block_samples = int.from_bytes(file.read(10)[8:10], "big")
    last_part = stream[-_TAIL_BYTES:]
    file.seek(last_part.start)
    tail = file.read(len(last_part))
    place = len(tail)
    while (place := tail.rfind(b"\xff", 0, place)) >= 0:
        frame = _flac_frame(tail[place : place + 20])
        if frame is not None:
            begin = frame.number * (1 if frame.is_numbered_by_samples else fixed_block_samples)
            return min(begin + frame.block_samples, FLAC_TOTAL_MAX)
    return 0


def flac_total_bytes(file: BinaryIO, stream: range, frames: int) -> bytes:
    """Return what belongs at `FLAC_TOTAL_OFFSET` for STREAMINFO to claim `frames`."""
    file.seek(stream.start + FLAC_TOTAL_OFFSET)
    shared = file.read(1)[0] & 0xF0
    return ((shared << 32) | frames).to_bytes(5, "big")


def ogg_streams(file: BinaryIO) -> list[range]:
    """Return the ranges of the streams that are chained in an Ogg, at least one.

    The last one ends beyond the file where the file ends amid a page. The position is lost.
    """
    file_bytes = file.seek(0, 2)
    starts, place, was_first = [0], 0, True
    while place < file_bytes:
        file.seek(place)
        head = file.read(_OGG_HEADER_BYTES)
        if not head.startswith(_OGG_MAGIC[: len(head)]):  # damage, or what is no Ogg
            place = next(_occurrences(file, _OGG_PAGE, place), file_bytes)
            continue
        is_first, segments = (head[5], head[26]) if len(head) == _OGG_HEADER_BYTES else (0, 0)
        is_first &= _OGG_FIRST_PAGE
        if is_first and not was_first:
            starts.append(place)
        was_first = bool(is_first)
        place += _OGG_HEADER_BYTES + segments + sum(file.read(segments))
    return [range(*ends) for ends in itertools.pairwise([*starts, place])]


def _occurrences(file: BinaryIO, pattern: re.Pattern[bytes], start: int) -> Iterator[int]:
    """Yield where a pattern of at most 8 bytes occurs from `start` on."""
    for place in range(start, file.seek(0, 2), _SEARCH_BYTES):
        file.seek(place)
        window = file.read(_SEARCH_BYTES + _PATTERN_BYTES_MAX - 1)
        for match in pattern.finditer(window):
            if match.start() < _SEARCH_BYTES:
                yield place + match.start()


def _flac_frame(data: bytes) -> _Frame | None:
    """Parse a frame header; None unless its check sum is right (RFC 9639, section 9.1)."""
    if len(data) < _FLAC_FRAME_BYTES_MIN or data[0] != 0xFF or data[1] & 0xFE != 0xF8:
        return None
    block_code, rate_code = data[2] >> 4, data[2] & 15
    if block_code == 0 or rate_code == 15 or data[3] >> 4 > 10 or data[3] & 1:
        return None
    number, end = _coded_number(data, 4)
    block_bytes = {6: 1, 7: 2}.get(block_code, 0)
    check = end + block_bytes + _FLAC_RATE_EXTRA_BYTES.get(rate_code, 0)
    if end == 0 or check >= len(data) or _crc8(data[:check]) != data[check]:
        return None
    if block_bytes:
        block_samples = int.from_bytes(data[end : end + block_bytes], "big") + 1
    elif block_code == 1:
        block_samples = 192
    elif block_code < 6:
        block_samples = 144 << block_code
    else:
        block_samples = 1 << block_code
    return _Frame(number, bool(data[1] & 1), block_samples)


def _coded_number(data: bytes, place: int) -> tuple[int, int]:
    """Return a number coded like UTF-8, of up to 36 bits, and its end; (0, 0) when it is none."""
    first = data[place]
    ones = 8 - (first ^ 0xFF).bit_length()
    if ones == 0:
        return first, place + 1
    follow = data[place + 1 : place + ones]
    if ones == 1 or ones == 8 or len(follow) < ones - 1 or any(b >> 6 != 2 for b in follow):
        return 0, 0
    number = first & (0x7F >> ones)
    for byte in follow:
        number = number << 6 | byte & 0x3F
    return number, place + ones


def _crc8(data: bytes) -> int:
    """Return the CRC-8 of polynomial x^8 + x^2 + x + 1."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ 0x07 if crc & 0x80 else crc << 1) & 0xFF
    return crc
