"""Audio in: any file that libsndfile decodes, as float32 blocks; and resampling.

Samples are float32 [C, N], full scale at 1.0. Reading goes block by block, so that a file's
length never decides how much memory is used.
"""

import contextlib
import io
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from types import TracebackType
from typing import BinaryIO, Final, Self, cast

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from drumkit_cli import console
from drumkit_cli.audio import framing, riff
from drumkit_cli.errors import BadDataError, StreamError
from drumkit_cli.io.sniffing import Kind
from drumkit_cli.io.streams import Input

Samples = npt.NDArray[np.float32]

RATE_MIN_HZ: Final = 1000
RATE_MAX_HZ: Final = 768_000
CHANNELS_MAX: Final = 64

_FORMATS: Final = {"WAV", "WAVEX", "RF64", "W64", "AIFF", "CAF", "AU", "FLAC", "OGG", "MPEG", "MP3"}
_COMPRESSED: Final = {Kind.FLAC, Kind.OGG, Kind.MP3}
_FLOAT_SUBTYPES: Final = {"FLOAT", "DOUBLE"}
_FRAMES_UNKNOWN: Final = 1 << 60
_BLOCK_FRAMES: Final = 1 << 16


@dataclass(frozen=True)
class Audio:
    """A sound in memory.

    Attributes:
        samples: float32 [C, N].
        rate: samples a second.
    """

    samples: Samples
    rate: int

    @property
    def channels(self) -> int:
        """Return C."""
        return int(self.samples.shape[0])

    @property
    def frames(self) -> int:
        """Return N."""
        return int(self.samples.shape[1])

    @property
    def seconds(self) -> float:
        """Return the length in seconds."""
        return self.frames / self.rate


class AudioReader:
    """Reads an audio input block by block; a context manager.

    Every failure is a `BadDataError` that names the input. A file that holds less than its header
    claims is refused as truncated, either when it is opened (WAV, AIFF) or when its end is read
    (compressed files; `check_finite` reads it beforehand). Headers that streaming programs leave,
    which claim nothing or all, are read to the end of the file.

    Attributes:
        name: the input's, for messages.
        rate: samples a second.
        channels: C.
        frames: N; 0 is legal.
        track_names: of the channels, by the iXML chunk's TRACK_LIST; () when there is none.
    """

    def __init__(self, source: Input) -> None:
        """Open `source`, which stays open itself; one reader at a time, as they share its position.

        Raises:
            BadDataError: not audio, damaged, truncated, or beyond what drumkit takes.
        """
        self.name = source.name
        self._kind = source.kind
        if source.kind in (Kind.MIDI, Kind.NPY):
            raise BadDataError(f"{self.name} is {source.kind}, not audio")
        layout = riff.read_layout(source.file) if source.kind in (Kind.WAV, Kind.AIFF) else None
        if layout is not None and layout.is_truncated:
            raise BadDataError(
                f"{self.name} is truncated: its header claims {layout.claimed_bytes:,} bytes of "
                f"sound and it holds {layout.present_bytes:,}",
            )
        with ExitStack() as stack:
            file = source.file
            if layout is not None and layout.claims_nothing:
                file = stack.enter_context(_patched(file, layout.start - 4, b"\xff" * 4))
            elif source.kind is Kind.FLAC and framing.flac_claims_no_length(file):
                total = framing.flac_total_bytes(file, framing.flac_frames(file))
                file = stack.enter_context(_patched(file, framing.FLAC_TOTAL_OFFSET, total))
            elif source.kind is Kind.OGG and framing.ogg_is_cut(file):
                raise BadDataError(f"{self.name} is truncated: its last Ogg page is not whole")
            is_guess = source.kind is Kind.MP3 and not framing.mp3_claims_length(file)
            self._file = stack.enter_context(self._open(file, stack))
            self.rate, self.channels = int(self._file.samplerate), int(self._file.channels)
            self._check_limits()
            self.frames = self._count_by_decoding() if is_guess else self._count_frames(layout)
            self._resources = stack.pop_all()
        names = layout.track_names if layout is not None else ()
        self.track_names = names if len(names) == self.channels else ()

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
        self._resources.close()

    @property
    def seconds(self) -> float:
        """Return the length in seconds."""
        return self.frames / self.rate

    def check_finite(self) -> None:
        """Read all of a file that may hold a surprise, before any work is put into it.

        That is floats (NaN, infinities) and compressed formats (an end that is missing); for plain
        integers it does nothing. Afterwards the position is at the start.

        Raises:
            BadDataError: a sample is not finite (with its time), or the file is damaged.
        """
        if self._is_float or self._kind in _COMPRESSED:
            self.seek(0)
            for _ in self.blocks(_BLOCK_FRAMES):
                pass
        self.seek(0)

    def blocks(self, frames: int) -> Iterator[Samples]:
        """Yield float32 [C, n] from the position to the end, n = `frames` but for the last.

        Raises:
            BadDataError: a sample is not finite, or the file ends before its header says.
        """
        position = self._file.tell()
        while position < self.frames:
            block = self._read(min(frames, self.frames - position))
            if not len(block):
                raise BadDataError(
                    f"{self.name} is truncated or damaged: its header claims "
                    f"{self.seconds:.2f} s and it ends at {position / self.rate:.2f} s"
                )
            self._check_block(block, position)
            position += len(block)
            yield np.ascontiguousarray(block.T)

    def read(self) -> Audio:
        """Return all of it, from the start.

        Raises:
            BadDataError: as `blocks`.
        """
        self.seek(0)
        blocks = list(self.blocks(_BLOCK_FRAMES))
        empty = np.zeros((self.channels, 0), np.float32)
        return Audio(np.concatenate([empty, *blocks], axis=1), self.rate)

    def seek(self, frame: int) -> None:
        """Go to a frame, 0..frames.

        Raises:
            BadDataError: the file is damaged and cannot be sought.
        """
        try:
            with console.native_stderr_dropped(self._kind is Kind.MP3):
                self._file.seek(frame)
        except soundfile.LibsndfileError as failure:
            raise self._damaged(failure) from failure

    @property
    def _is_float(self) -> bool:
        return self._file.subtype in _FLOAT_SUBTYPES

    def _open(self, file: BinaryIO, stack: ExitStack) -> soundfile.SoundFile:
        """Hand libsndfile a descriptor; reading through Python calls would swallow a Ctrl-C."""
        file.seek(0)
        handle: BinaryIO | int = file
        with contextlib.suppress(io.UnsupportedOperation):
            handle = os.dup(file.fileno())
            stack.callback(os.close, handle)
        try:
            with console.native_stderr_dropped(self._kind is Kind.MP3):
                opened = soundfile.SoundFile(handle, closefd=False)
        except soundfile.LibsndfileError as failure:
            if self._kind is Kind.UNKNOWN:
                raise BadDataError(
                    f"{self.name} is not audio", "WAV, FLAC, Ogg, MP3 and AIFF are"
                ) from failure
            raise self._damaged(failure) from failure
        if opened.format not in _FORMATS or (self._kind is Kind.UNKNOWN and opened.format == "MP3"):
            opened.close()
            raise BadDataError(f"{self.name} is not audio", "WAV, FLAC, Ogg, MP3 and AIFF are")
        return opened

    def _check_limits(self) -> None:
        if not RATE_MIN_HZ <= self.rate <= RATE_MAX_HZ:
            raise BadDataError(
                f"{self.name} claims {self.rate:,} Hz, not within "
                f"{RATE_MIN_HZ:,}..{RATE_MAX_HZ:,} Hz"
            )
        if not 1 <= self.channels <= CHANNELS_MAX:
            raise BadDataError(
                f"{self.name} claims {self.channels} channels, not within 1..{CHANNELS_MAX}"
            )

    def _count_frames(self, layout: riff.SoundLayout | None) -> int:
        frames = int(self._file.frames)
        if layout is not None and layout.frame_bytes:
            return min(frames, layout.present_bytes // layout.frame_bytes)
        return frames if 0 <= frames < _FRAMES_UNKNOWN else 0

    def _count_by_decoding(self) -> int:
        count = 0
        while taken := len(self._read(_BLOCK_FRAMES)):
            count += taken
        self.seek(0)
        return count

    def _read(self, frames: int) -> Samples:
        """Return up to `frames` frames, float32 [n, C]; none when the file is at its end."""
        try:
            with console.native_stderr_dropped(self._kind is Kind.MP3):
                block: Samples = self._file.read(frames, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as failure:
            raise self._damaged(failure) from failure
        return block

    def _check_block(self, block: Samples, position: int) -> None:
        if not self._is_float:
            return
        finite = np.isfinite(block)
        if not finite.all():
            frame, channel = (int(index) for index in np.argwhere(~finite)[0])
            value = "NaN" if np.isnan(block[frame, channel]) else "infinite"
            raise BadDataError(
                f"{self.name} holds {value} samples, the first at "
                f"{(position + frame) / self.rate:.3f} s in channel {channel + 1}"
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
        self._ratio = Fraction(to_rate, from_rate)
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
        length = int(self._taken * self._ratio + Fraction(1, 2))
        room = length - self._given
        if last and ready.shape[1] < room:
            ready = np.pad(ready, ((0, 0), (0, room - ready.shape[1])))
        ready = np.ascontiguousarray(ready[:, :room] if last else ready)
        self._given += ready.shape[1]
        return ready


def resample(samples: Samples, from_rate: int, to_rate: int) -> Samples:
    """Convert the sample rate of float32 [C, N] to [C, M], M the nearest to N x to / from."""
    return Resampler(from_rate, to_rate, samples.shape[0]).push(samples, last=True)


def _patched(file: BinaryIO, place: int, data: bytes) -> BinaryIO:
    """Return a temporary copy of a file with `data` written over it at `place`."""
    copy = tempfile.TemporaryFile(prefix="drumkit-", buffering=0)  # noqa: SIM115 - given away
    try:
        file.seek(0)
        shutil.copyfileobj(file, copy, 1 << 20)
        copy.seek(place)
        copy.write(data)
    except OSError as failure:
        copy.close()
        raise StreamError(
            f"cannot buffer audio in {tempfile.gettempdir()}: {failure.strerror or failure}",
            "set TMPDIR to a folder with room",
        ) from failure
    return cast(BinaryIO, copy)
