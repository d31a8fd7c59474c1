"""Audio out in the format that a name says: WAV streamed by `WavWriter`, the rest by libsndfile."""

import io
from types import TracebackType
from typing import BinaryIO, Final, Self

import numpy as np
import soundfile

from drumkit_cli.audio.encoding import Encoding, audio_suffix
from drumkit_cli.audio.wav import Samples, WavWriter
from drumkit_cli.errors import UsageError

_FORMATS: Final = {
    ".flac": ("FLAC", {Encoding.PCM16: "PCM_16"}, "PCM_24"),
    ".ogg": ("OGG", {}, "VORBIS"),
    ".mp3": ("MP3", {}, "MPEG_LAYER_III"),
}
"""libsndfile's name of a format, of its encodings of ours, and of the one for all others."""
MP3_RATES: Final = (8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)


class EncodedWriter:
    """Writes FLAC, Ogg Vorbis or MP3 block by block; a context manager like `WavWriter`.

    FLAC has 16 bits where they are asked for, else 24. What lies beyond full scale is clipped.

    Attributes:
        clipped_samples: how many samples lay beyond full scale.
    """

    def __init__(
        self,
        sink: BinaryIO,
        suffix: str,
        rate: int,
        channels: int,
        *,
        encoding: Encoding = Encoding.FLOAT32,
        comment: str = "",
    ) -> None:
        """Open the file; `sink` stays open itself, and need not be seekable.

        Raises:
            UsageError: the format has no such rate or so many channels.
        """
        self.clipped_samples = 0
        container, encodings, usual = _FORMATS[suffix]
        self._sink = sink
        self._buffer = None if sink.seekable() else io.BytesIO()
        how = encodings.get(encoding, usual)
        try:
            self._file = soundfile.SoundFile(
                self._buffer or sink, "w", rate, channels, how, format=container
            )
        except soundfile.LibsndfileError as error:
            raise UsageError(
                f"{container} takes no {channels} channels at {rate} Hz", "name a .wav file"
            ) from error
        if comment:
            self._file.comment = comment

    def __enter__(self) -> Self:
        """Return the writer."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close it; what is left by an exception is not passed on."""
        self._file.close()
        if kind is None and self._buffer is not None:
            self._sink.write(self._buffer.getvalue())

    def write(self, block: Samples) -> None:
        """Write float32 [C, n]."""
        self.clipped_samples += int(np.count_nonzero(np.abs(block) > 1))
        self._file.write(block.T)


def open_writer(
    sink: BinaryIO,
    path: str | None,
    rate: int,
    channels: int,
    *,
    frames: int,
    encoding: Encoding = Encoding.FLOAT32,
    comment: str = "",
) -> WavWriter | EncodedWriter:
    """A writer in the format that the name of an output says, WAV for stdout and other names.

    Args:
        sink: the open output.
        path: its name; None for stdout.
        rate: samples a second.
        channels: C.
        frames: N, the frames that will be written in all.
        encoding: how samples of WAV and FLAC are stored.
        comment: how the output was made; or "".
    """
    suffix = audio_suffix(path)
    if suffix == ".wav":
        return WavWriter(sink, rate, channels, frames=frames, encoding=encoding, comment=comment)
    return EncodedWriter(sink, suffix, rate, channels, encoding=encoding, comment=comment)


def require_format(path: str | None, rate: int) -> None:
    """Refuse before any work a rate that the format of an output does not have.

    Raises:
        UsageError: it is an MP3 of another rate than those of the format.
    """
    if audio_suffix(path) == ".mp3" and rate not in MP3_RATES:
        raise UsageError(f"MP3 has no rate of {rate} Hz", "name a .flac or .wav file")
