"""Audio in: any file that libsndfile decodes, as float32 blocks; and resampling.

Samples are float32 [C, N], full scale at 1.0. Reading goes block by block, so that a file's
length never decides how much memory is used.
"""

import shlex
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import PurePath
from types import TracebackType
from typing import Final, Self

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from drumkit_cli.audio import riff
from drumkit_cli.audio.decoder import Decoder
from drumkit_cli.audio.sections import find_sections
from drumkit_cli.errors import BadDataError
from drumkit_cli.io.sniffing import HEAD_BYTES, Kind, foreign_format
from drumkit_cli.io.streams import STDIN_NAME, Input

Samples = npt.NDArray[np.float32]

RATE_MIN_HZ: Final = 1000
RATE_MAX_HZ: Final = 768_000
CHANNELS_MAX: Final = 64
LEVEL_MAX: Final = 1e6
"""Magnitude of a sample, full scale being 1, beyond which the power of a sound may overflow."""

_CONTAINERS: Final = {
    "WAV", "WAVEX", "RF64", "W64", "AIFF", "CAF", "AU", "FLAC", "OGG", "MPEG", "MP3"
}  # fmt: skip
_INTEGERS: Final = {"PCM_S8", "PCM_U8", "PCM_16", "PCM_24", "PCM_32", "ULAW", "ALAW"}
_MPEG_LAYERS: Final = {
    "MPEG_LAYER_I": "MPEG audio layer I", "MPEG_LAYER_II": "MPEG audio layer II (MP2)"
}  # fmt: skip
_WAV_FORMATS: Final = {1, 2, 3, 6, 7, 0x11, 0x31, 0x38, 0x40, riff.MPEG_LAYER_3}
"""Format tags that libsndfile decodes."""
_BLOCK_FRAMES: Final = 1 << 16


class AudioReader:
    """Reads an audio input block by block; a context manager.

    Every failure is a `BadDataError` that names the input. A file that holds less than its header
    claims is refused as truncated, either when it is opened (WAV, AIFF) or when its end is read
    (compressed files; `check_finite` reads it beforehand). Headers that streaming programs leave,
    which claim nothing or all, are read to the end of the file, and streams that were joined in one
    file are read as one sound.

    Attributes:
        name: the input's, for messages.
        rate: samples a second.
        channels: C.
        frames: N; 0 is legal.
        format: "WAV", "FLAC"; libsndfile's name of it where drumkit has none.
        encoding: libsndfile's name of it: "PCM_16", "VORBIS".
        track_names: of the channels, by the iXML chunk's TRACK_LIST; () when there is none.
        comment: in the LIST/INFO chunk of a WAV, or the tags of other files; "" without one.
    """

    def __init__(self, source: Input) -> None:
        """Open `source`, which stays open itself; one reader at a time, as they share its position.

        Raises:
            BadDataError: not audio, damaged, truncated, or beyond what drumkit takes.
        """
        self.name = source.name
        self._kind = source.kind
        self._position = 0
        if source.kind in (Kind.MIDI, Kind.NPY):
            raise BadDataError(f"{self.name} is {source.kind}, not audio")
        layout = riff.read_layout(source.file) if source.kind in (Kind.WAV, Kind.AIFF) else None
        if layout is not None and layout.is_truncated:
            raise BadDataError(
                f"{self.name} is truncated: its header claims {layout.claimed_bytes:,} bytes of "
                f"sound and it holds {layout.present_bytes:,}"
            )
        try:
            self._decoder = Decoder(source, find_sections(source, layout))
        except soundfile.LibsndfileError as failure:
            raise self._not_decoded(source, layout, failure) from failure
        self.rate, self.channels = self._decoder.rate, self._decoder.channels
        try:
            self._check_format()
        except BadDataError:
            self._decoder.close()
            raise
        self.encoding = self._decoder.encoding
        self.format = self._decoder.container if self._kind is Kind.UNKNOWN else self._kind.value
        self.frames = self._decoder.frames
        if layout is not None and layout.frame_bytes:
            self.frames = min(self.frames, layout.present_bytes // layout.frame_bytes)
        names = layout.track_names if layout is not None else ()
        self.track_names = names if len(names) == self.channels else ()
        self.comment = self._decoder.comment if layout is None else layout.comment

    def __enter__(self) -> Self:
        """Return the reader."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the decoder."""
        self._decoder.close()

    @property
    def seconds(self) -> float:
        """Return the length in seconds."""
        return self.frames / self.rate

    def check_finite(self) -> None:
        """Read all of a file that may hold a surprise, before any work is put into it.

        That is floats (NaN, infinities, levels that overflow) and compressed formats (an end that
        is missing); for plain integers it does nothing. Afterwards the position is at the start.

        Raises:
            BadDataError: a sample is not finite or beyond `LEVEL_MAX` (with its time), or the file
                is damaged.
        """
        self.rewind()
        if not self._is_plain:
            for _ in self.blocks(_BLOCK_FRAMES):
                pass
            self.rewind()

    def blocks(self, frames: int) -> Iterator[Samples]:
        """Yield float32 [C, n] from the position to the end, n = `frames` but for the last.

        Raises:
            BadDataError: as `check_finite`.
        """
        while self._position < self.frames:
            block = self._read(min(frames, self.frames - self._position))
            if not len(block):
                raise BadDataError(
                    f"{self.name} is truncated or damaged: its header claims "
                    f"{self.seconds:.2f} s and it ends at {self._position / self.rate:.2f} s"
                )
            self._check_levels(block)
            self._position += len(block)
            yield np.ascontiguousarray(block.T)

    def read(self) -> Samples:
        """Return all of it, float32 [C, N], from the start.

        Raises:
            BadDataError: as `check_finite`.
        """
        self.rewind()
        empty = np.zeros((self.channels, 0), np.float32)
        return np.concatenate([empty, *self.blocks(_BLOCK_FRAMES)], axis=1)

    def rewind(self) -> None:
        """Go to the start."""
        try:
            self._decoder.rewind()
        except soundfile.LibsndfileError as failure:
            raise self._damaged(failure) from failure
        self._position = 0

    @property
    def _is_plain(self) -> bool:
        """Whether it holds plain integers, whose number and range are known without reading."""
        return self.encoding in _INTEGERS and self._decoder.container != "FLAC"

    def _read(self, frames: int) -> Samples:
        """Return up to `frames` frames, float32 [n, C]; none where the sound ends."""
        try:
            return self._decoder.read(frames)
        except soundfile.LibsndfileError as failure:
            raise self._damaged(failure) from failure

    def _check_format(self) -> None:
        container, encoding = self._decoder.container, self._decoder.encoding
        if encoding in _MPEG_LAYERS:
            raise self._foreign(_MPEG_LAYERS[encoding])
        if container not in _CONTAINERS or (self._kind is Kind.UNKNOWN and container == "MP3"):
            raise self._not_audio()
        if not RATE_MIN_HZ <= self.rate <= RATE_MAX_HZ:
            raise BadDataError(
                f"{self.name} claims {self.rate:,} Hz, not within "
                f"{RATE_MIN_HZ:,}..{RATE_MAX_HZ:,} Hz"
            )
        if not 1 <= self.channels <= CHANNELS_MAX:
            raise BadDataError(
                f"{self.name} claims {self.channels} channels, not within 1..{CHANNELS_MAX}"
            )

    def _check_levels(self, block: Samples) -> None:
        """Refuse samples [n, C] that are not finite, or too large to compute with."""
        if self.encoding in _INTEGERS:
            return
        if not (block.min() >= -LEVEL_MAX and block.max() <= LEVEL_MAX):  # nor is NaN
            is_good = np.abs(block) <= LEVEL_MAX
            frame, channel = (int(index) for index in np.argwhere(~is_good)[0])
            value = block[frame, channel]
            what = "NaN" if np.isnan(value) else "infinite" if np.isinf(value) else f"{value:.3g}"
            raise BadDataError(
                f"{self.name} holds {what} samples, the first at "
                f"{(self._position + frame) / self.rate:.3f} s in channel {channel + 1}",
                f"full scale is 1, and up to {LEVEL_MAX:,.0f} is read",
            )

    def _not_decoded(
        self, source: Input, layout: riff.SoundLayout | None, failure: soundfile.LibsndfileError
    ) -> BadDataError:
        """Return the error of a file that libsndfile cannot open."""
        if layout is not None and source.kind is Kind.WAV and layout.format_tag not in _WAV_FORMATS:
            return self._foreign(f"a WAV with sound of format {layout.format_tag:#06x}")
        if source.kind is not Kind.UNKNOWN:
            return self._damaged(failure)
        source.file.seek(0)
        name = foreign_format(source.file.read(HEAD_BYTES))
        return self._foreign(name) if name else self._not_audio()

    def _not_audio(self) -> BadDataError:
        return BadDataError(f"{self.name} is not audio", "WAV, FLAC, Ogg, MP3 and AIFF are")

    def _foreign(self, format_name: str) -> BadDataError:
        """Return the error of a format that other programs read."""
        if self.name == STDIN_NAME:
            line = "ffmpeg -i FILE -f wav - | drumkit ..."
        else:
            path = PurePath(self.name)
            suffix = ".wav" if self._kind is Kind.UNKNOWN else ".flac"
            line = (
                f"ffmpeg -i {shlex.quote(self.name)} {shlex.quote(str(path.with_suffix(suffix)))}"
            )
        return BadDataError(
            f"{self.name} is {format_name}, which drumkit does not read", f"convert it: {line}"
        )

    def _damaged(self, failure: soundfile.LibsndfileError) -> BadDataError:
        reason = failure.error_string.strip().rstrip(".") or "cannot be decoded"
        return BadDataError(f"{self.name} is damaged or truncated {self._kind} ({reason})")


class Resampler:
    """Converts the sample rate of a sound that comes in blocks (soxr, high quality).

    N samples become the nearest integer to N x to / from, whatever the blocks.
    """

    def __init__(self, from_rate: int, to_rate: int, channels: int) -> None:
        """Prepare for [C, n] blocks at `from_rate`."""
        self._rates = from_rate, to_rate
        self._taken = self._given = 0
        self._stream = (
            soxr.ResampleStream(from_rate, to_rate, channels, dtype="float32", quality="HQ")
            if from_rate != to_rate
            else None
        )

    def push(self, block: Samples, *, last: bool = False) -> Samples:
        """Take float32 [C, n], return the float32 [C, m] that are ready; `last` flushes."""
        if self._stream is None:
            return block
        self._taken += block.shape[1]
        ready: Samples = self._stream.resample_chunk(np.ascontiguousarray(block.T), last=last).T
        length = resampled_frames(self._taken, *self._rates)
        room = length - self._given
        if last and ready.shape[1] < room:
            ready = np.pad(ready, ((0, 0), (0, room - ready.shape[1])))
        ready = np.ascontiguousarray(ready[:, :room] if last else ready)
        self._given += ready.shape[1]
        return ready


def resampled_frames(frames: int, from_rate: int, to_rate: int) -> int:
    """The length of a sound of so many samples at another rate."""
    return int(frames * Fraction(to_rate, from_rate) + Fraction(1, 2))


def resampled_channels(
    blocks: Iterable[Samples], channels: int, from_rate: int, to_rate: int
) -> Iterator[Samples]:
    """Convert the sample rate of a sound that comes in float32 blocks [C, n]."""
    if from_rate == to_rate:
        yield from blocks
        return
    resampler = Resampler(from_rate, to_rate, channels)
    for block in blocks:
        yield resampler.push(block)
    yield resampler.push(np.zeros((channels, 0), np.float32), last=True)


def resampled(blocks: Iterable[Samples], from_rate: int, to_rate: int) -> Iterator[Samples]:
    """Convert the sample rate of a sound that comes in mono float32 blocks [n]."""
    made = resampled_channels((block[None] for block in blocks), 1, from_rate, to_rate)
    return (block[0] for block in made)


def resample(samples: Samples, from_rate: int, to_rate: int) -> Samples:
    """Convert the sample rate of float32 [C, N] to [C, M], M the nearest to N x to / from."""
    return Resampler(from_rate, to_rate, samples.shape[0]).push(samples, last=True)
