"""The sections of a file: what libsndfile is given to decode, one after the other.

Most files are one section. Of a file that joins several streams libsndfile would read the first
alone, so that each stream is a section. Where a header states no length, or one that is too small,
the section has a header that states the right one.
"""

from typing import Final

from drumkit_cli import console
from drumkit_cli.audio import framing, mpeg, riff
from drumkit_cli.errors import BadDataError
from drumkit_cli.io.sniffing import Kind
from drumkit_cli.io.streams import Input

Section = tuple[bytes | range, ...]
"""Bytes, and ranges of the bytes of a file, that together are what libsndfile decodes."""

_TO_THE_END: Final = b"\xff" * 4
"""The size of a WAV's data chunk whose end is not known."""


def find_sections(source: Input, layout: riff.SoundLayout | None) -> list[Section]:
    """Return the sections of an audio file, at least one; the file's position is lost.

    Args:
        source: the file.
        layout: of a WAV or AIFF file.

    Raises:
        BadDataError: it is an Ogg file whose last page is not whole.
    """
    whole = range(source.file.seek(0, 2))
    if layout is not None:
        return _riff_sections(source, layout, whole)
    if source.kind is Kind.MP3:
        return _mpeg_sections(source, whole) or [(whole,)]
    if source.kind is Kind.FLAC:
        return [_flac_section(source, stream) for stream in framing.flac_streams(source.file)]
    if source.kind is Kind.OGG:
        streams = framing.ogg_streams(source.file)
        if streams[-1].stop > whole.stop:
            raise BadDataError(f"{source.name} is truncated: its last Ogg page is not whole")
        return [(stream,) for stream in streams] if len(streams) > 1 else [(whole,)]
    return [(whole,)]


def _riff_sections(source: Input, layout: riff.SoundLayout, whole: range) -> list[Section]:
    sound = range(layout.start, layout.start + layout.present_bytes)
    if layout.format_tag == riff.MPEG_LAYER_3 and (sections := _mpeg_sections(source, sound)):
        return sections
    patches = [(0, b"RF64")] if layout.is_bw64 else []
    if layout.claims_nothing:
        patches.append((layout.start - 4, _TO_THE_END))
    return [_overlaid(whole, *patches)]


def _flac_section(source: Input, stream: range) -> Section:
    if not framing.flac_claims_no_length(source.file, stream):
        return (stream,)
    total = framing.flac_total_bytes(source.file, stream, framing.flac_frames(source.file, stream))
    return _overlaid(stream, (framing.FLAC_TOTAL_OFFSET, total))


def _mpeg_sections(source: Input, sound: range) -> list[Section]:
    """Return a section for each stream of MP3 in a range of a file; none where it has no frames."""
    streams = mpeg.find_streams(source.file, sound.start, sound.stop)
    if len(streams) == 1 and streams[0].is_counted:
        return [(sound,)]
    skipped_bytes = sum(stream.gap_bytes for stream in streams if not stream.is_counted)
    if skipped_bytes:
        console.warn(f"{source.name}: {skipped_bytes:,} bytes amid its MP3 frames are skipped")
    return [stream.pieces() for stream in streams]


def _overlaid(stream: range, *patches: tuple[int, bytes]) -> Section:
    """Return a range of a file with bytes written over it; places count from its start."""
    pieces: list[bytes | range] = []
    place = 0
    for start, data in patches:
        pieces += [stream[place:start], data]
        place = start + len(data)
    return (*pieces, stream[place:])
