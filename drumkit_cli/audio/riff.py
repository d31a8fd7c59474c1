"""The chunks of WAV and AIFF files: what a header claims, what is there, and headers of our own.

Pure functions on bytes and seekable files. Reading tells how many bytes of sound really lie in a
file, which libsndfile does not; writing makes the header of a WAV whose length is known beforehand,
so that it can be streamed to a pipe.

Sources: Microsoft, "Multiple Channel Audio Data and WAVE Files" (WAVE_FORMAT_EXTENSIBLE); EBU Tech
3306 (RF64); the iXML specification 3.0 (TRACK_LIST).
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import BinaryIO, Final
from xml.etree import ElementTree

from drumkit_cli.audio.encoding import Encoding

SAMPLE_BYTES: Final[dict[Encoding, int]] = {
    Encoding.FLOAT32: 4,
    Encoding.PCM16: 2,
    Encoding.PCM24: 3,
    Encoding.PCM32: 4,
}
UINT32_MAX: Final = 0xFFFFFFFF
MPEG_LAYER_3: Final = 0x55
"""Format tag of a WAV that holds MP3."""

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_LINEAR_FORMATS: Final = (_PCM, _FLOAT, 6, 7)  # with A-law and mu-law: a frame is a fixed size
_GUID_TAIL: Final = bytes.fromhex("000000001000800000aa00389b71")
_SPEAKERS: Final = {1: 0x4, 2: 0x3}
_STREAMED_AT_LEAST: Final = 0x7FFF0000
"""Data sizes from here on are what sox, ffmpeg, arecord and mpg123 write when they stream."""
_CHUNKS_MAX: Final = 4096
_IXML_BYTES_MAX: Final = 1 << 20
_COMMENT_BYTES_MAX: Final = 1 << 20


@dataclass(frozen=True)
class Chunk:
    """One chunk: its four-byte name, where its body starts, and the size that it claims."""

    name: bytes
    start: int
    size: int


@dataclass(frozen=True)
class SoundLayout:
    """Where the sound of a WAV or AIFF file lies.

    Attributes:
        claimed_bytes: of sound, by the header; what there is, where the header was streamed.
        present_bytes: of sound that the file holds.
        frame_bytes: of one frame; 0 where frames have no fixed size.
        start: position of the first.
        claims_nothing: the header of a WAV claims 0 bytes, yet sound follows.
        format_tag: how a WAV's samples are encoded; 0 of an AIFF.
        is_bw64: it is a WAV with the name that ITU-R BS.2088 gives to RF64.
        track_names: of the channels, in their order, by the iXML chunk; () when it names none.
        comment: of the LIST/INFO chunk of a WAV that is no RIFX; "" where it has none.
    """

    claimed_bytes: int
    present_bytes: int
    frame_bytes: int
    start: int
    claims_nothing: bool
    track_names: tuple[str, ...] = ()
    format_tag: int = 0
    is_bw64: bool = False
    comment: str = ""

    @property
    def is_truncated(self) -> bool:
        """Tell whether the header claims more than the file holds."""
        return self.present_bytes < self.claimed_bytes


def read_layout(file: BinaryIO) -> SoundLayout | None:
    """Read the layout of a WAV (RIFF, RIFX, RF64, BW64) or AIFF file; its position is lost.

    Returns:
        None when there is no sound chunk, or the file is of another kind.
    """
    file_bytes = file.seek(0, 2)
    file.seek(0)
    form = file.read(12)
    big_endian = form[:4] in (b"RIFX", b"FORM")
    chunks = list(_walk(file, 12, file_bytes, big_endian=big_endian))
    is_wave = form[8:12] == b"WAVE"
    sound = _find(chunks, b"data" if is_wave else b"SSND")
    if sound is None or not (is_wave or form[:4] == b"FORM"):
        return None
    claimed, tag, frame_bytes = sound.size, 0, 0
    if is_wave:
        is_64_bit = form[:4] in (b"RF64", b"BW64")
        claimed = _claimed_wave_bytes(file, chunks, sound, file_bytes, is_64_bit=is_64_bit)
        tag, frame_bytes = _wave_format(file, chunks, big_endian=big_endian)
    present = min(claimed, max(0, file_bytes - sound.start))
    return SoundLayout(
        claimed_bytes=claimed,
        present_bytes=present,
        frame_bytes=frame_bytes,
        start=sound.start,
        claims_nothing=sound.size == 0 and present > 0,
        track_names=_ixml_track_names(file, chunks) if is_wave else (),
        format_tag=tag,
        is_bw64=form[:4] == b"BW64",
        comment=_info_comment(file, chunks, file_bytes) if is_wave and not big_endian else "",
    )


def wave_header(
    *,
    rate: int,
    channels: int,
    frames: int,
    encoding: Encoding,
    track_names: Sequence[str] = (),
    comment: str = "",
    software: str = "",
) -> bytes:
    """Return all that precedes the samples of a WAV file of known length.

    16-bit mono and stereo are plain PCM; all else is WAVE_FORMAT_EXTENSIBLE. More than 4 GB make it
    RF64. `comment` and `software` go into LIST/INFO (ICMT, ISFT), `track_names` into iXML.
    """
    sample_bytes = SAMPLE_BYTES[encoding]
    frame_bytes = channels * sample_bytes
    is_float = encoding is Encoding.FLOAT32
    tag = _FLOAT if is_float else _PCM
    plain = encoding is Encoding.PCM16 and channels <= 2
    format_chunk = struct.pack(
        "<HHIIHH",
        tag if plain else _EXTENSIBLE,
        channels,
        rate,
        min(rate * frame_bytes, UINT32_MAX),
        frame_bytes,
        8 * sample_bytes,
    )
    if not plain:
        speakers = _SPEAKERS.get(channels, 0)
        format_chunk += struct.pack("<HHIH", 22, 8 * sample_bytes, speakers, tag) + _GUID_TAIL
    body = _chunk(b"fmt ", format_chunk)
    if not plain:
        body += _chunk(b"fact", struct.pack("<I", min(frames, UINT32_MAX)))
    body += _info_chunk(comment, software)
    if track_names:
        body += _chunk(b"iXML", _ixml(track_names))
    data_bytes = frames * frame_bytes
    form_bytes = 4 + len(body) + 8 + data_bytes + data_bytes % 2
    if form_bytes <= UINT32_MAX:
        return (
            struct.pack("<4sI4s", b"RIFF", form_bytes, b"WAVE")
            + body
            + struct.pack("<4sI", b"data", data_bytes)
        )
    sizes = struct.pack("<QQQI", form_bytes + 36, data_bytes, frames, 0)
    return (
        struct.pack("<4sI4s", b"RF64", UINT32_MAX, b"WAVE")
        + _chunk(b"ds64", sizes)
        + body
        + struct.pack("<4sI", b"data", UINT32_MAX)
    )


def _walk(file: BinaryIO, start: int, end: int, *, big_endian: bool) -> Iterator[Chunk]:
    """Yield the chunks that lie between two positions; the last may claim more than there is."""
    head = struct.Struct(">4sI" if big_endian else "<4sI")
    for _ in range(_CHUNKS_MAX):
        if start + head.size > end:
            return
        file.seek(start)
        name, size = head.unpack(file.read(head.size))
        yield Chunk(name, start + head.size, size)
        start += head.size + size + size % 2


def _find(chunks: Sequence[Chunk], name: bytes) -> Chunk | None:
    return next((chunk for chunk in chunks if chunk.name == name), None)


def _body(file: BinaryIO, chunk: Chunk | None, at_most: int) -> bytes:
    if chunk is None:
        return b""
    file.seek(chunk.start)
    return file.read(min(chunk.size, at_most))


def _claimed_wave_bytes(
    file: BinaryIO, chunks: Sequence[Chunk], data: Chunk, file_bytes: int, *, is_64_bit: bool
) -> int:
    present = max(0, file_bytes - data.start)
    if is_64_bit and data.size == UINT32_MAX:
        sizes = _body(file, _find(chunks, b"ds64"), 28)
        claimed = int(struct.unpack_from("<Q", sizes, 8)[0]) if len(sizes) >= 16 else 0
        return claimed if 0 < claimed < 1 << 62 else present
    if data.size == UINT32_MAX:
        return present
    if data.size >= _STREAMED_AT_LEAST:
        return min(data.size, present)
    if data.size == 0 and present and not _is_chunk_chain(file, data.start, file_bytes):
        return present
    return data.size


def _is_chunk_chain(file: BinaryIO, start: int, end: int) -> bool:
    """Tell whether well-formed chunks with printable names fill the range to its very end."""
    last = start
    for chunk in _walk(file, start, end, big_endian=False):
        if not all(32 <= byte < 127 for byte in chunk.name):
            return False
        last = chunk.start + chunk.size
    return last in (end, end - 1) and last > start


def _wave_format(file: BinaryIO, chunks: Sequence[Chunk], *, big_endian: bool) -> tuple[int, int]:
    """Return the format tag of a WAV, and the bytes of a frame: 0 where they are not fixed."""
    body = _body(file, _find(chunks, b"fmt "), 40)
    if len(body) < 16:
        return 0, 0
    order = ">" if big_endian else "<"
    tag, frame_bytes = struct.unpack_from(f"{order}H10xH", body)
    if tag == _EXTENSIBLE and len(body) >= 26:
        (tag,) = struct.unpack_from(f"{order}H", body, 24)
    return int(tag), int(frame_bytes) if tag in _LINEAR_FORMATS else 0


def _ixml_track_names(file: BinaryIO, chunks: Sequence[Chunk]) -> tuple[str, ...]:
    """Return the names by INTERLEAVE_INDEX; () when the iXML is absent, damaged or incomplete."""
    text = _body(file, _find(chunks, b"iXML"), _IXML_BYTES_MAX).rstrip(b"\0")
    if not text or b"<!DOCTYPE" in text:
        return ()
    try:
        tree = ElementTree.fromstring(text)
        named = {
            int(track.findtext("INTERLEAVE_INDEX", "")): track.findtext("NAME", "")
            for track in tree.iterfind("TRACK_LIST/TRACK")
        }
    except (ElementTree.ParseError, ValueError, LookupError):
        return ()
    if sorted(named) != list(range(1, len(named) + 1)):
        return ()
    return tuple(named[index] for index in sorted(named))


def _info_comment(file: BinaryIO, chunks: Sequence[Chunk], file_bytes: int) -> str:
    """Return the comment of the first LIST chunk of INFO; "" where there is none."""
    for chunk in chunks:
        if chunk.name == b"LIST" and _body(file, chunk, 4) == b"INFO":
            end = min(chunk.start + chunk.size, file_bytes)
            entries = list(_walk(file, chunk.start + 4, end, big_endian=False))
            text = _body(file, _find(entries, b"ICMT"), _COMMENT_BYTES_MAX)
            return text.partition(b"\0")[0].decode("utf-8", "replace")
    return ""


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack("<4sI", name, len(body)) + body + b"\0" * (len(body) % 2)


def _info_chunk(comment: str, software: str) -> bytes:
    entries = b""
    for name, text in ((b"ICMT", comment), (b"ISFT", software)):
        if text:
            body = text.encode("utf-8", "backslashreplace") + b"\0"
            entries += _chunk(name, body + b"\0" * (len(body) % 2))
    return _chunk(b"LIST", b"INFO" + entries) if entries else b""


def _ixml(track_names: Sequence[str]) -> bytes:
    tracks = "".join(
        f"<TRACK><CHANNEL_INDEX>{index}</CHANNEL_INDEX>"
        f"<INTERLEAVE_INDEX>{index}</INTERLEAVE_INDEX>"
        f"<NAME>{escape(name, quote=False)}</NAME></TRACK>"
        for index, name in enumerate(track_names, 1)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><BWFXML><IXML_VERSION>2.0</IXML_VERSION>'
        f"<TRACK_LIST><TRACK_COUNT>{len(track_names)}</TRACK_COUNT>{tracks}</TRACK_LIST></BWFXML>"
    ).encode()
