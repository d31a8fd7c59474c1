"""What FLAC frames, Ogg pages and MP3 headers tell about a file's length; libsndfile does not.

A FLAC that was streamed (``ffmpeg -f flac -``) claims no length: its last frame tells it. An Ogg
that was cut short claims none either: its last page is not whole. An MP3 whose first frame is
not a Xing, Info or VBRI header claims none, and libsndfile guesses by the file's size.

Sources: RFC 9639 (FLAC), RFC 3533 (Ogg).
"""

from dataclasses import dataclass
from typing import BinaryIO, Final

FLAC_TOTAL_OFFSET: Final = 21
"""Position of the 36 bits of STREAMINFO's sample count; the first four share a byte."""
FLAC_TOTAL_MAX: Final = (1 << 36) - 1

_TAIL_BYTES: Final = 1 << 21
_OGG_PAGE_BYTES_MAX: Final = 27 + 255 + 255 * 255
_OGG_HEADER_BYTES: Final = 27
_MP3_HEADER_BYTES: Final = 256
_FLAC_FRAME_BYTES_MIN: Final = 6
_FLAC_RATE_EXTRA_BYTES: Final = {12: 1, 13: 2, 14: 2}


@dataclass(frozen=True)
class _Frame:
    """A FLAC frame's header: the number it carries (of frames or samples), and its length."""

    number: int
    is_numbered_by_samples: bool
    block_samples: int


def flac_claims_no_length(file: BinaryIO) -> bool:
    """Tell whether STREAMINFO leaves the sample count open; the position is lost."""
    file.seek(0)
    head = file.read(FLAC_TOTAL_OFFSET + 5)
    return (
        len(head) == FLAC_TOTAL_OFFSET + 5
        and head[4] & 0x7F == 0
        and _total_bits(head[FLAC_TOTAL_OFFSET:]) == 0
    )


def flac_frames(file: BinaryIO) -> int:
    """Return the sample count by the last frame of a FLAC; 0 when there is none."""
    file_bytes = file.seek(0, 2)
    file.seek(0)
    fixed_block_samples = int.from_bytes(file.read(10)[8:10], "big")
    file.seek(max(0, file_bytes - _TAIL_BYTES))
    tail = file.read(_TAIL_BYTES)
    place = len(tail)
    while (place := tail.rfind(b"\xff", 0, place)) >= 0:
        frame = _flac_frame(tail[place : place + 20])
        if frame is not None:
            begin = frame.number * (1 if frame.is_numbered_by_samples else fixed_block_samples)
            return min(begin + frame.block_samples, FLAC_TOTAL_MAX)
    return 0


def flac_total_bytes(file: BinaryIO, frames: int) -> bytes:
    """Return what belongs at `FLAC_TOTAL_OFFSET` for STREAMINFO to claim `frames`."""
    file.seek(FLAC_TOTAL_OFFSET)
    shared = file.read(1)[0] & 0xF0
    return ((shared << 32) | frames).to_bytes(5, "big")


def mp3_claims_length(file: BinaryIO) -> bool:
    """Tell whether an MP3 begins with a header that counts frames; the position is lost."""
    file.seek(0)
    head = file.read(10)
    start = 0
    if head[:3] == b"ID3" and len(head) == 10:
        start = 10
        for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=True):
            start += (byte & 0x7F) << shift
    file.seek(start)
    first_frame = file.read(_MP3_HEADER_BYTES)
    return any(word in first_frame for word in (b"Xing", b"Info", b"VBRI"))


def ogg_is_cut(file: BinaryIO) -> bool:
    """Tell whether an Ogg ends within a page; the position is lost."""
    file_bytes = file.seek(0, 2)
    file.seek(max(0, file_bytes - 2 * _OGG_PAGE_BYTES_MAX))
    tail = file.read()
    place = tail.rfind(b"OggS")
    if place < 0:
        return True
    page = tail[place:]
    if len(page) < _OGG_HEADER_BYTES:
        return True
    segments = page[_OGG_HEADER_BYTES - 1]
    lacing = page[_OGG_HEADER_BYTES : _OGG_HEADER_BYTES + segments]
    rest = page[_OGG_HEADER_BYTES + segments + sum(lacing) :]
    whole = len(page) >= _OGG_HEADER_BYTES + segments + sum(lacing)
    return not whole or (0 < len(rest) < 4 and b"OggS".startswith(rest))


def _total_bits(data: bytes) -> int:
    return int.from_bytes(data[:5], "big") & FLAC_TOTAL_MAX


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
