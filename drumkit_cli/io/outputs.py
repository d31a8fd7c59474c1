"""Where a command's outputs go: a pipe, one file, or a folder with files named after the inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from drumkit_cli.errors import OutputError, UsageError
from drumkit_cli.io.streams import STDIN_NAME, check_output

FILE_SUFFIXES = (
    ".wav", ".flac", ".ogg", ".mp3", ".aiff", ".mid", ".npy", ".png", ".json", ".groove"
)  # fmt: skip


@dataclass(frozen=True)
class Destination:
    """What `-o` means for a command.

    Without it, or with "-", the output goes to stdout. A name that ends in `suffix`, or of
    something there that is no folder (a device, a FIFO), is a file; any other is a folder.

    Attributes:
        output: as given to `-o`.
        suffix: of the files that the command writes, ".wav".
        template: of the names within a folder, where {song} is the input's name less its suffix;
            more fields come from `place`.
    """

    output: str | None
    suffix: str
    template: str = "{song}"

    @property
    def is_folder(self) -> bool:
        """Whether files are made in a folder."""
        if self.output is None or self.output == "-" or self.output.lower().endswith(self.suffix):
            return False
        path = Path(self.output)
        return path.is_dir() or not path.exists()

    def check(
        self, inputs: Sequence[str], *fields: dict[str, str], references: Sequence[str] = ()
    ) -> None:
        """Refuse before any work what cannot succeed, or would overwrite what should stay.

        Args:
            inputs: as the command got them; "-" is stdin.
            fields: those of `place`, for every output that an input has.
            references: other files that are read and must stay, each one for all inputs.

        Raises:
            UsageError: several inputs without a folder, two outputs in one place, an output in the
                place of an input, another kind of file, a template with unknown fields.
            OutputError: the file cannot be made.
        """
        if self.output == "":
            raise UsageError("an output's name is empty")
        if not self.is_folder:
            if len(inputs) > 1:
                raise UsageError("several inputs need a folder", "-o DIR")
            if self.output is not None and self.output != "-":
                self._refuse_other_kinds()
                check_output(self.output)
                _spare_inputs(Path(self.output), [*inputs, *references])
            return
        self._refuse_other_kinds()
        places: dict[Path, str] = {}
        for name in inputs:
            for values in fields or ({},):
                place = self._path(STDIN_NAME if name == "-" else name, values)
                if place in places:
                    raise UsageError(
                        f"{name} and {places[place]} would both write {place}"
                        if name != places[place]
                        else f"several outputs of {name} would be {place}",
                        "name them apart",
                    )
                places[place] = name
                _spare_inputs(place, [*inputs, *references])

    def place(self, name: str, **fields: str) -> str | None:
        """The output of the input called `name`, for `open_output`; its folder is made.

        Raises:
            OutputError: the folder cannot be made.
        """
        if not self.is_folder:
            return self.output
        path = self._path(name, fields)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = error.strerror
            raise OutputError(f"cannot make the folder {path.parent}: {reason}") from error
        return str(path)

    def _refuse_other_kinds(self) -> None:
        """Refuse a name of other files, above all where such a one is there and would be lost."""
        path = Path(str(self.output))
        kind = path.suffix.lower()
        is_other = kind in FILE_SUFFIXES and not str(self.output).lower().endswith(self.suffix)
        if is_other and (path.is_file() or not path.exists()):
            raise UsageError(f"cannot write {kind} files", f"name a {self.suffix} file or a folder")

    def _path(self, name: str, fields: dict[str, str]) -> Path:
        song = "stdin" if name == STDIN_NAME else Path(name).stem
        try:
            relative = self.template.format(song=song, **fields)
        except (KeyError, IndexError, ValueError, AttributeError) as error:
            known = ", ".join(f"{{{field}}}" for field in ("song", *fields))
            raise UsageError(f"the template {self.template!r} may hold only {known}") from error
        if not relative.lower().endswith(self.suffix):
            relative += self.suffix
        if Path(relative).is_absolute() or ".." in Path(relative).parts:
            raise UsageError(f"the template {self.template!r} leaves the folder")
        return Path(str(self.output)) / relative


def _spare_inputs(place: Path, inputs: Sequence[str]) -> None:
    """Refuse a place where an input lies."""
    if not place.is_file():
        return
    for name in inputs:
        if name != "-" and Path(name).is_file() and place.samefile(name):
            raise UsageError(f"{place} is an input itself", "write somewhere else")
