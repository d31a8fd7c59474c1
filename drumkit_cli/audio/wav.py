"""WAV out: streamed to a pipe or a file, its length known beforehand."""

import io
from collections.abc import Sequence
from types import TracebackType
from typing import BinaryIO, Final, Self

import numpy as np
import numpy.typing as npt

from drumkit_cli import __version__
from drumkit_cli.audio import riff
from drumkit_cli.audio.encoding import Encoding

Samples = npt.NDArray[np.float32]

_BLOCK_FRAMES: Final = 1 << 16
_FULL_SCALE: Final = {Encoding.PCM16: 1 << 15, Encoding.PCM24: 1 << 23, Encoding.PCM32: 1 << 31}


class WavWriter:
    """Writes a WAV of known length block by block, to a pipe or a file; a context manager.

    Attributes:
        clipped_samples: how many samples lay beyond full scale and were clipped (integers only).
    """

    def __init__(
        self,
        sink: BinaryIO,
        rate: int,
        channels: int,
        *,
        frames: int,
        encoding: Encoding = Encoding.FLOAT32,
        track_names: Sequence[str] = (),
        comment: str = "",
    ) -> None:
        """Write the header.

        Args:
            sink: where to; it need not be seekable, and stays open.
            rate: samples a second.
            channels: C.
            frames: N, the frames that will be written in all.
            encoding: how samples are stored.
            track_names: one a channel, for an iXML chunk; or none.
            comment: a line for LIST/INFO; or "".
        """
        assert not track_names or len(track_names) == channels
        self.clipped_samples = 0
        self._sink = sink
        self._channels = channels
        self._frames_left = frames
        self._encoding = encoding
        self._odd = bool(frames * channels * riff.SAMPLE_BYTES[encoding] % 2)
        header = riff.wave_header(
            rate=rate,
            channels=channels,
            frames=frames,
            encoding=encoding,
            track_names=track_names,
            comment=comment,
            software=f"drumkit {__version__}" if comment else "",
        )
        sink.write(header)

    def __enter__(self) -> Self:
        """Return the writer."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close it, unless it is left by an exception."""
        if kind is None:
            self.close()

    def write(self, block: Samples) -> None:
        """Write float32 [C, n]."""
        channels, frames = block.shape
        assert channels == self._channels, f"{channels} channels, not {self._channels}"
        assert frames <= self._frames_left, "more frames than the header says"
        self._frames_left -= frames
        for start in range(0, frames, _BLOCK_FRAMES):
            self._sink.write(self._encode(block[:, start : start + _BLOCK_FRAMES].T))

    def close(self) -> None:
        """End the file; all its frames must have been written."""
        assert self._frames_left == 0, f"{self._frames_left} frames of the header are missing"
        if self._odd:
            self._sink.write(b"\0")
            self._odd = False

    def _encode(self, frames: Samples) -> bytes:
        """Return the bytes of float32 [n, C], rounded to nearest and clipped."""
        if self._encoding is Encoding.FLOAT32:
            return frames.astype("<f4").tobytes()
        self.clipped_samples += int(np.count_nonzero(np.abs(frames) > 1.0))
        scale = _FULL_SCALE[self._encoding]
        scaled = np.clip(np.rint(frames.astype(np.float64) * scale), -scale, scale - 1)
        if self._encoding is Encoding.PCM16:
            return scaled.astype("<i2").tobytes()
        integers = np.ascontiguousarray(scaled.astype("<i4"))
        if self._encoding is Encoding.PCM32:
            return integers.tobytes()
        return integers.view(np.uint8).reshape(*integers.shape, 4)[..., :3].tobytes()


def wav_bytes(
    samples: Samples, rate: int, *, encoding: Encoding = Encoding.FLOAT32, comment: str = ""
) -> bytes:
    """A whole WAV of samples ``[C, N]``, for those that are short."""
    sink = io.BytesIO()
    channels, frames = samples.shape
    with WavWriter(
        sink, rate, channels, frames=frames, encoding=encoding, comment=comment
    ) as writer:
        writer.write(samples)
    return sink.getvalue()
