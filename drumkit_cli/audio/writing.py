"""Audio out in any of the formats: WAV streamed by `WavWriter`, the others by libsndfile."""

import shutil
import tempfile
from collections.abc import Sequence
from types import TracebackType
from typing import BinaryIO, Final, Self

import numpy as np
import soundfile

from drumkit_cli.audio.encoding import Encoding, Format
from drumkit_cli.audio.wav import Samples, WavWriter
from drumkit_cli.errors import UsageError
from drumkit_cli.io.spools import spool_failure

_FORMATS: Final = {
    Format.FLAC: ("FLAC", {Encoding.PCM16: "PCM_16"}, "PCM_24"),
    Format.OGG: ("OGG", {}, "VORBIS"),
    Format.MP3: ("MP3", {}, "MPEG_LAYER_III"),
}
"""libsndfile's name of a format, of its encodings of ours, and of the one for all others."""
_MEMORY_BYTES: Final = 1 << 20
"""What is for a pipe is collected in a temporary file from so many bytes on."""


class EncodedWriter:
    """Writes FLAC, Ogg Vorbis or MP3 block by block; a context manager like `WavWriter`.

    FLAC has 16 bits where they are asked for, else 24. What lies beyond full scale is clipped.

    Attributes:
        clipped_samples: how many samples lay beyond full scale.
    """

    def __init__(
        self,
        sink: BinaryIO,
        form: Format,
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
        container, encodings, usual = _FORMATS[form]
        self._sink = sink
        self._spool = (
            None if sink.seekable() else tempfile.SpooledTemporaryFile(_MEMORY_BYTES)  # noqa: SIM115
        )
        how = encodings.get(encoding, usual)
        try:
            self._file = soundfile.SoundFile(
                self._spool or sink, "w", rate, channels, how, format=container
            )
        except soundfile.LibsndfileError as error:
            raise UsageError(
                f"{container} takes no {channels} channels at {rate} Hz", "take WAV"
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
        if self._spool is not None:
            with self._spool:
                if kind is None:
                    self._spool.seek(0)
                    shutil.copyfileobj(self._spool, self._sink)

    def write(self, block: Samples) -> None:
        """Write float32 [C, n]."""
        self.clipped_samples += int(np.count_nonzero(np.abs(block) > 1))
        try:
            self._file.write(block.T)
        except (OSError, soundfile.LibsndfileError) as failure:
            if self._spool is None:
                raise
            raise spool_failure("the output", OSError(str(failure))) from failure


def open_writer(
    sink: BinaryIO,
    form: Format,
    rate: int,
    channels: int,
    *,
    frames: int,
    encoding: Encoding = Encoding.FLOAT32,
    track_names: Sequence[str] = (),
    comment: str = "",
) -> WavWriter | EncodedWriter:
    """A writer of a format.

    Args:
        sink: the open output.
        form: the format.
        rate: samples a second.
        channels: C.
        frames: N, the frames that will be written in all.
        encoding: how samples of WAV and FLAC are stored.
        track_names: names of the channels of a WAV; or none.
        comment: how the output was made; or "".
    """
    if form is Format.WAV:
        return WavWriter(
            sink,
            rate,
            channels,
            frames=frames,
            encoding=encoding,
            track_names=track_names,
            comment=comment,
        )
    assert not track_names, f"{form} names no channels"
    return EncodedWriter(sink, form, rate, channels, encoding=encoding, comment=comment)
