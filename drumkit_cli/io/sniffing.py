"""What a file is, by its first bytes."""

from enum import StrEnum
from typing import Final

HEAD_BYTES: Final = 64
"""How much of a file's start is shown to `sniff`; it needs 12 bytes."""

_FOREIGN: Final = (
    (4, b"ftyp", "MPEG-4 (M4A, MP4)"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "Windows Media (WMA)"),
    (0, b"\x1aE\xdf\xa3", "Matroska or WebM"),
    (0, b"wvpk", "WavPack"),
    (0, b"MAC ", "Monkey's Audio"),
    (0, b"\x0b\x77", "Dolby Digital (AC-3)"),
    (0, b"DSD ", "DSD (DSF)"),
    (8, b"AVI ", "AVI"),
)
"""Formats that other programs read: where their magic bytes are, those, and their names."""
_MPEG_VERSIONS: Final = (0b00, 0b10, 0b11)


class Kind(StrEnum):
    """What a file is, as its first bytes say."""

    WAV = "WAV"
    FLAC = "FLAC"
    OGG = "Ogg"
    MP3 = "MP3"
    AIFF = "AIFF"
    MIDI = "MIDI"
    NPY = "NPY"
    UNKNOWN = "unknown"


AUDIO_SUFFIXES: Final = frozenset({".wav", ".flac", ".ogg", ".mp3", ".aiff", ".aif"})
"""How the names of audio files end, where a folder is searched for them."""


def sniff(head: bytes) -> Kind:
    """Tell what a file is from its first bytes (`HEAD_BYTES` of them), never from its name."""
    if head[:4] in (b"RIFF", b"RF64", b"BW64", b"RIFX") and head[8:12] == b"WAVE":
        return Kind.WAV
    if head[:4] == b"RIFF" and head[8:12] == b"RMID":
        return Kind.MIDI
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return Kind.AIFF
    for magic, kind in (
        (b"fLaC", Kind.FLAC),
        (b"OggS", Kind.OGG),
        (b"MThd", Kind.MIDI),
        (b"\x93NUMPY", Kind.NPY),
        (b"ID3", Kind.MP3),
    ):
        if head.startswith(magic):
            return kind
    return Kind.MP3 if _is_mpeg_frame(head) else Kind.UNKNOWN


def foreign_format(head: bytes) -> str:
    """Name a format of sound or video that drumkit does not read; "" where it is not known."""
    if len(head) > 2 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0 and head[2] >> 2 & 15 < 13:
        return "AAC (ADTS)"
    names = (name for place, magic, name in _FOREIGN if head.startswith(magic, place))
    return next(names, "")


def _is_mpeg_frame(head: bytes) -> bool:
    """Tell whether a valid MPEG audio layer III frame header comes first."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return False
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    bit_rate, rate = head[2] >> 4, head[2] >> 2 & 3
    return version in _MPEG_VERSIONS and layer == 1 and 0 < bit_rate < 15 and rate < 3
