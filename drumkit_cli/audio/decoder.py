"""libsndfile on the sections of a file, which become one sound."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import BinaryIO, Final, cast

import numpy as np
import numpy.typing as npt
import soundfile

from drumkit_cli import console
from drumkit_cli.audio.sections import Section
from drumkit_cli.errors import BadDataError
from drumkit_cli.io.sinks import write_all
from drumkit_cli.io.spools import spool_failure
from drumkit_cli.io.streams import Input

Samples = npt.NDArray[np.float32]

_FRAMES_UNKNOWN: Final = 1 << 60
_COPY_BYTES: Final = 1 << 20


class Decoder:
    """Decodes the sections of a file, one after the other.

    Attributes:
        rate: samples a second.
        channels: C.
        frames: N, by the headers.
        container: libsndfile's name of it: "WAV", "MP3".
        encoding: libsndfile's name of it: "PCM_16", "VORBIS".
        comment: in the tags of the file, as libsndfile reads them.
    """

    def __init__(self, source: Input, sections: list[Section]) -> None:
        """Open the file, which stays open itself; one at a time, as decoders share its position.

        Raises:
            soundfile.LibsndfileError: a section cannot be decoded; so do the methods.
            StreamError: there is no room for the copy of a section; so do the methods.
            BadDataError: the sections differ in rate or number of channels.
        """
        self._source = source
        self._sections = sections
        self._open_section = ExitStack()
        self._index = self._left = self._position = 0
        try:
            sound = self._open(0)
            self.rate, self.channels = int(sound.samplerate), int(sound.channels)
            self.container, self.encoding = str(sound.format), str(sound.subtype)
            self.comment = str(sound.comment)
            self.frames = self._left
            for index in range(1, len(sections)):
                self._check_alike(self._open(index))
                self.frames += self._left
            if len(sections) > 1:
                self._open(0)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close libsndfile's decoder, and remove the copy of a section."""
        self._open_section.close()

    def rewind(self) -> None:
        """Go to the start."""
        if self._index == 0 and self._sound.seekable():
            with console.native_stderr_dropped(self.container == "MP3"):
                self._sound.seek(0)
            self._left = _length(self._sound)
        elif self._position:  # a few encodings cannot be sought
            self._open(0)
        self._position = 0

    def read(self, frames: int) -> Samples:
        """Return the next frames, `[n, C]`: fewer where the sound ends or is damaged."""
        block = self._read_section(frames)
        while len(block) < frames and not self._left and self._index + 1 < len(self._sections):
            self._open(self._index + 1)
            block = np.concatenate([block, self._read_section(frames - len(block))])
        self._position += len(block)
        return block

    def _read_section(self, frames: int) -> Samples:
        with console.native_stderr_dropped(self.container == "MP3"):
            wanted = min(frames, self._left)
            block: Samples = self._sound.read(wanted, dtype="float32", always_2d=True)
        self._left -= len(block)
        return block

    def _open(self, index: int) -> soundfile.SoundFile:
        """Open a section in place of the one that is open."""
        self._open_section.close()
        file = self._open_section.enter_context(_section_file(self._source, self._sections[index]))
        file.seek(0)
        with console.native_stderr_dropped():
            # A descriptor, since reading through a Python object would swallow a Ctrl-C.
            self._sound = soundfile.SoundFile(file.fileno(), closefd=False)
        self._open_section.enter_context(self._sound)
        self._index = index
        self._left = _length(self._sound)
        return self._sound

    def _check_alike(self, sound: soundfile.SoundFile) -> None:
        if (sound.samplerate, sound.channels) != (self.rate, self.channels):
            raise BadDataError(
                f"{self._source.name} joins a sound of {self.rate:,} Hz and {self.channels} "
                f"channels with one of {sound.samplerate:,} Hz and {sound.channels} channels",
                "make them alike first",
            )


def _length(sound: soundfile.SoundFile) -> int:
    """Return the frames that a header states; 0 where it states none."""
    frames = int(sound.frames)
    return frames if 0 <= frames < _FRAMES_UNKNOWN else 0


@contextmanager
def _section_file(source: Input, section: Section) -> Iterator[BinaryIO]:
    """Yield the file itself where a section is the whole of it, else a temporary copy."""
    if section == (range(source.file.seek(0, 2)),):
        yield source.file
        return
    with ExitStack() as stack:
        try:
            # Unbuffered, so that a full disk is told where it is written to, not at the close.
            copy = stack.enter_context(tempfile.TemporaryFile(prefix="drumkit-", buffering=0))
            for piece in section:
                for data in [piece] if isinstance(piece, bytes) else _blocks(source.file, piece):
                    write_all(copy.fileno(), data)
        except OSError as failure:
            raise spool_failure(source.name, failure) from failure
        yield cast(BinaryIO, copy)


def _blocks(file: BinaryIO, piece: range) -> Iterator[bytes]:
    """Read a range of a file, a mebibyte at a time."""
    file.seek(piece.start)
    for start in range(piece.start, piece.stop, _COPY_BYTES):
        yield file.read(min(_COPY_BYTES, piece.stop - start))
