"""The files that `drumkit score` reads: drums, and what they are compared with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from drumkit_cli.errors import MissingInputError, UsageError
from drumkit_cli.io.streams import check_input

if TYPE_CHECKING:
    from drumkit_cli.audio.reader import AudioReader
    from drumkit_cli.io.arrays import Floats
    from drumkit_cli.io.streams import Input

BLOCK_FRAMES: Final = 1 << 16


@dataclass(frozen=True)
class Companions:
    """Where the sounds that a file is compared with are: a file for all, or a folder.

    Attributes:
        path: of the file or the folder; None where nothing is compared.
        stem: which stem of a stems stream it is.
        option: that names it.
    """

    path: str | None
    stem: str
    option: str

    def check(self) -> None:
        """Refuse one that is not there, or standard input."""
        if self.path == "-":
            raise UsageError(f"{self.option} - : stdin is for the drums", "name a file")
        if self.path is not None and not Path(self.path).is_dir():
            check_input(self.path)

    def of(self, file: str) -> str | None:
        """The companion of a file: in a folder, the audio file of its name less the suffix.

        Raises:
            MissingInputError: the folder has none, or several.
        """
        if self.path is None or not Path(self.path).is_dir():
            return self.path
        name = Path(file).stem
        found = sorted(path for path in Path(self.path).iterdir() if path.stem == name)
        if len(found) != 1:
            count = "several files" if found else "no file"
            raise MissingInputError(
                f"{self.path} holds {count} for {file}", f"{self.option} takes a file, too"
            )
        return str(found[0])


@dataclass(frozen=True)
class Stem:
    """A stem of an audio file, or all of one that holds no stems."""

    reader: AudioReader
    part: slice

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.reader.seconds

    def blocks(self) -> Iterator[Floats]:
        """Its mono blocks at `MEL.rate`, from its start."""
        from drumkit_cli.audio.reader import resampled
        from drumkit_cli.spectral.onsets import MEL

        self.reader.rewind()
        mono = (block[self.part].mean(0) for block in self.reader.blocks(BLOCK_FRAMES))
        return resampled(mono, self.reader.rate, MEL.rate)


def open_stem(stack: ExitStack, source: Input, stem: str) -> Stem:
    """The sound of an open file, which is read once to find what cannot be computed with."""
    from drumkit_cli.audio.reader import AudioReader
    from drumkit_cli.audio.stems import select_stem

    reader = stack.enter_context(AudioReader(source))
    part = select_stem(reader, stem) or slice(0, reader.channels)
    reader.check_finite()
    return Stem(reader, part)
