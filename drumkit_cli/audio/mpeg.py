"""MPEG audio, layer III (MP3): the streams that a file joins, and the frames of each.

libsndfile learns the length of an MP3 from the Xing header in its first frame. Without one it
guesses, from the size of the file and the bit rate of one frame, and reads no further than that;
of several streams in one file it reads the first. So all frames are found here, and a stream whose
header does not count them gets one that does.

Sources: ISO/IEC 11172-3 and 13818-3 (frames); G. Bouvigne, "MP3 Info Tag revision 1" (the Xing
header with LAME's extension).
"""

import io
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final, NamedTuple, cast

_SYNC: Final = re.compile(rb"\xff[\xe2\xe3\xf2\xf3\xfa\xfb][\x10-\xef]")
"""A frame of layer III, of any version, with or without a check sum, of a stated bit rate."""
_KILOBITS: Final = (
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
)
_RATES: Final = (44100, 48000, 32000)
_HEAD_BYTES: Final = 64
_WINDOW_BYTES: Final = 1 << 16
_VBRI_OFFSET: Final = 36
_COUNT_FLAG: Final = 1
_DECODER_DELAY: Final = 529
"""Samples that decoders drop at the start besides those that LAME's extension states."""


class _Frame(NamedTuple):
    """A frame: where it lies in the file, its first `_HEAD_BYTES`, and what they say.

    Attributes:
        start: position of its first byte.
        stop: position of the byte behind its last one.
        head: its first bytes.
        rate: Hz.
        samples: of each channel: 1152, or 576 in MPEG-2 and 2.5.
        is_mono: whether it has one channel.
    """

    start: int
    stop: int
    head: bytes
    rate: int
    samples: int
    is_mono: bool

    def is_like(self, other: "_Frame | None") -> bool:
        """Tell whether both may be of one stream."""
        return other is not None and self[3:] == other[3:]

    @property
    def xing_offset(self) -> int:
        """Where a Xing header begins: behind the side information, which is empty."""
        if self.samples == 1152:
            return 21 if self.is_mono else 36
        return 13 if self.is_mono else 21

    @property
    def is_header(self) -> bool:
        """Whether it describes the stream in place of holding sound."""
        return self.head.startswith((b"Xing", b"Info"), self.xing_offset) or self._is_vbri

    @property
    def count_offset(self) -> int:
        """Where a Xing header holds the number of frames; 0 where it holds none."""
        flags = self.head[self.xing_offset + 7]
        return 0 if self._is_vbri or not flags & _COUNT_FLAG else self.xing_offset + 8

    @property
    def _is_vbri(self) -> bool:
        return self.head.startswith(b"VBRI", _VBRI_OFFSET)


@dataclass
class Stream:
    """Frames of one rate and number of channels.

    Attributes:
        header: the frame before them that describes them, where there is one.
        first: the first frame with sound.
        runs: the bytes of frames with sound that follow each other without a gap.
        frames: how many frames with sound there are.
    """

    header: _Frame | None
    first: _Frame
    runs: list[range]
    frames: int = 0

    @property
    def is_counted(self) -> bool:
        """Whether its header counts at least the frames that are there."""
        if self.header is None or not self.header.count_offset:
            return False
        place = self.header.count_offset
        return int.from_bytes(self.header.head[place : place + 4], "big") >= self.frames

    @property
    def gap_bytes(self) -> int:
        """Bytes amid its frames that belong to none."""
        return self.runs[-1].stop - self.runs[0].start - sum(map(len, self.runs))

    def pieces(self) -> tuple[bytes | range, ...]:
        """Return the bytes, and ranges of the file's, that together are a stream that is counted.

        A header that counts too few is corrected, so that the delays that it states stay.
        """
        if self.header is None or not self.header.count_offset:
            return _counting_header(self.first, self.frames), *self.runs
        if self.is_counted:
            return (range(self.header.start, self.runs[-1].stop),)
        place = self.header.start + self.header.count_offset
        count = struct.pack(">I", self.frames)
        return (
            range(self.header.start, place),
            count,
            range(place + 4, self.header.stop),
            *self.runs,
        )


def find_streams(file: BinaryIO, start: int, stop: int) -> list[Stream]:
    """Return the streams in a range of a file; its position is lost.

    A stream begins with a header, or where the rate or the number of channels changes. What is no
    frame (tags, damage) is passed over, as is a last frame that is cut short.
    """
    streams: list[Stream] = []
    header: _Frame | None = None
    for frame in _frames(file, start, stop):
        if frame.is_header:
            header = frame
            continue
        if header or not streams or not frame.is_like(streams[-1].first):
            streams.append(Stream(header, frame, [range(frame.start, frame.start)]))
            header = None
        stream = streams[-1]
        if stream.runs[-1].stop != frame.start:
            stream.runs.append(range(frame.start, frame.start))
        stream.runs[-1] = range(stream.runs[-1].start, frame.stop)
        stream.frames += 1
    return streams


def _frames(file: BinaryIO, start: int, stop: int) -> Iterator[_Frame]:
    buffered = io.BufferedReader(cast(io.RawIOBase, file))
    reading = cast(BinaryIO, buffered)
    try:
        last: _Frame | None = None
        while frame := _next_frame(reading, last.stop if last else start, stop, last):
            yield frame
            last = frame
    finally:
        buffered.detach()


def _next_frame(file: BinaryIO, place: int, stop: int, last: _Frame | None) -> _Frame | None:
    """Find the next whole frame from `place` on, where the frame `last` ended.

    What looks like a frame is one where it follows `last` and is like it. Elsewhere it is one only
    where another one like it follows, or the end.
    """
    frame = _parse(file, place)
    if frame and frame.is_like(last) and frame.stop <= stop:
        return frame
    while place < stop:
        if tag_bytes := _id3_bytes(_read(file, place)):
            place += tag_bytes
        window = _read(file, place, min(_WINDOW_BYTES, stop - place))
        for match in _SYNC.finditer(window):
            frame = _parse(file, place + match.start())
            if (
                frame
                and frame.stop <= stop
                and (frame.stop == stop or frame.is_like(_parse(file, frame.stop)))
            ):
                return frame
        place += max(len(window) - 2, 1)
    return None


def _parse(file: BinaryIO, start: int) -> _Frame | None:
    return _parse_head(_read(file, start), start)


def _parse_head(head: bytes, start: int) -> _Frame | None:
    """Parse the first `_HEAD_BYTES` of what may be a frame."""
    if len(head) < 4 or not _SYNC.match(head) or head[2] >> 2 & 3 == 3:
        return None
    version = head[1] >> 3 & 3  # 3 is MPEG-1, 2 is MPEG-2, 0 is MPEG-2.5
    samples = 1152 if version == 3 else 576
    rate = _RATES[head[2] >> 2 & 3] >> (3 - version if version else 2)
    bits_a_second = 1000 * _KILOBITS[version == 3][head[2] >> 4]
    size = samples // 8 * bits_a_second // rate + (head[2] >> 1 & 1)
    is_mono = head[3] >> 6 == 3
    return _Frame(start, start + size, head.ljust(_HEAD_BYTES, b"\0"), rate, samples, is_mono)


def _id3_bytes(head: bytes) -> int:
    """Return the size of an ID3v2 tag, whose pictures may hold anything; 0 where there is none."""
    if not head.startswith(b"ID3") or len(head) < 10:
        return 0
    return 10 + sum((byte & 0x7F) << 7 * (9 - place) for place, byte in enumerate(head[6:10], 6))


def _read(file: BinaryIO, place: int, size: int = _HEAD_BYTES) -> bytes:
    file.seek(place)
    return file.read(size)


def _counting_header(first: _Frame, frames: int) -> bytes:
    """Return an Info header for so many frames like `first`, and a silent frame.

    Decoders drop 529 samples and the encoder's delay from the start of what such a header
    describes. They get a silent frame to drop, so that nothing of the others is lost.
    """
    start = (0xFF, first.head[1] | 1, 0x90 | first.head[2] & 0x0C, first.head[3])  # no check sum
    silent = cast(_Frame, _parse_head(bytes(start), 0))
    delay, padding = first.samples - _DECODER_DELAY, _DECODER_DELAY
    info = struct.pack(">4sII21s", b"Info", _COUNT_FLAG, frames + 1, b"drumkit")
    info += (delay << 12 | padding).to_bytes(3, "big")
    header = silent.head[: silent.xing_offset] + info
    return header.ljust(silent.stop, b"\0") + silent.head.ljust(silent.stop, b"\0")
