"""Where a command's outputs go: a pipe, one file, or a folder with files named after the inputs.

The name of an output says what it holds; a name that says something else is refused.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from drumkit_cli.errors import OutputError, UsageError
from drumkit_cli.io import calls
from drumkit_cli.io.places import is_url, join
from drumkit_cli.io.streams import STDIN_NAME, check_output

PICTURE_SUFFIXES: Final = (".png", ".pdf", ".svg")
_SYNONYMS: Final = {".midi": ".mid", ".wave": ".wav"}
_KNOWN_SUFFIXES: Final = frozenset((
    ".aac", ".aif", ".aifc", ".aiff", ".au", ".caf", ".flac", ".m4a", ".mp3", ".oga", ".ogg",
    ".opus", ".rf64", ".w64", ".wav", ".wma",
    ".kar", ".mid", ".rmi", ".smf",
    ".bmp", ".eps", ".gif", ".jpeg", ".jpg", ".pdf", ".png", ".ps", ".svg", ".tif", ".tiff",
    ".webp", ".csv", ".groove", ".json", ".jsonl", ".npy", ".npz", ".toml", ".tsv", ".txt", ".xml",
    ".yaml", ".ckpt", ".gz", ".h5", ".onnx", ".pt", ".pth", ".safetensors", ".tar", ".zip",
))  # fmt: skip
"""How names of files end that are known to hold something."""


@dataclass(frozen=True)
class Destination:
    """What `-o` means for a command.

    Without it, or with "-", the output goes to stdout. A name that ends in `suffix` or a synonym of
    it, or of something there that is no folder (a device, a FIFO), is a file; any other is a
    folder.

    Attributes:
        output: as given to `-o`; a URL that does not end in `suffix` is a folder, too.
        suffix: of the files that the command writes: ".wav", ".mid" (not ".midi").
        template: of the names within a folder, where {song} is the input's name less its suffix;
            more fields come from `place`.
    """

    output: str | None
    suffix: str
    template: str = "{song}"

    @property
    def is_folder(self) -> bool:
        """Whether files are made in a folder."""
        if self.output is None or self.output == "-" or kind_of(self.output) == self.suffix:
            return False
        path = Path(self.output)
        return is_url(self.output) or path.is_dir() or not path.exists()

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
        read = {*inputs, *references}
        if not self.is_folder:
            if len(inputs) > 1:
                raise UsageError("several inputs need a folder", "-o DIR")
            if self.output is not None and self.output != "-":
                check_file(self.output, self.suffix)
                _spare_inputs(self.output, read)
            return
        refuse_other_kinds(str(self.output), f"name a {self.suffix} file or a folder", self.suffix)
        if is_url(str(self.output)):
            check_output(str(self.output))
        places: dict[str, str] = {}
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
                _spare_inputs(place, read)

    def place(self, name: str, **fields: str) -> str | None:
        """The output of the input called `name`, for `open_output`; its folder is made.

        Raises:
            OutputError: the folder cannot be made.
        """
        if not self.is_folder:
            return self.output
        place = self._path(name, fields)
        if is_url(place):
            return place
        folder = Path(place).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"cannot make the folder {folder}: {error.strerror}") from error
        return place

    def _path(self, name: str, fields: dict[str, str]) -> str:
        song = "stdin" if name == STDIN_NAME else Path(name).stem
        try:
            relative = self.template.format(song=song, **fields)
        except (KeyError, IndexError, ValueError, AttributeError) as error:
            known = ", ".join(f"{{{field}}}" for field in ("song", *fields))
            raise UsageError(f"the template {self.template!r} may hold only {known}") from error
        if kind_of(relative) != self.suffix:
            relative += self.suffix
        if Path(relative).is_absolute() or ".." in Path(relative).parts:
            raise UsageError(f"the template {self.template!r} leaves the folder")
        return join(str(self.output), str(Path(calls.folder_of(name), relative)))


def kind_of(path: str) -> str:
    """The suffix that says what a file holds: ".mid" of "a.MIDI"."""
    suffix = Path(path).suffix.lower()
    return _SYNONYMS.get(suffix, suffix)


def refuse_other_kinds(path: str, remedy: str, *suffixes: str) -> None:
    """Refuse a name that says another kind of file, unless a folder is so named.

    Raises:
        UsageError: it ends like a file of another kind than those of `suffixes`.
    """
    kind = kind_of(path)
    if kind in _KNOWN_SUFFIXES and kind not in suffixes and not Path(path).is_dir():
        raise UsageError(f"{path}: cannot write {kind} files", remedy)


def check_file(path: str | None, *suffixes: str) -> None:
    """Refuse before any work an output file that cannot be made, or whose name is of another kind.

    Args:
        path: as given to an option; None and "-" are stdout.
        suffixes: of the kinds that can be written: ".mid", ".npy".

    Raises:
        UsageError: the name is empty or says another kind.
        OutputError: the file cannot be made.
    """
    if path is None or path == "-":
        return
    refuse_other_kinds(path, f"name a {' or '.join(suffixes)} file", *suffixes)
    check_output(path)


def _spare_inputs(place: str, inputs: Set[str]) -> None:
    """Refuse a place where an input lies."""
    path = Path(place)
    same = place in inputs
    if path.is_file():
        others = (Path(name) for name in inputs if name != "-")
        same = any(other.is_file() and path.samefile(other) for other in others)
    if same:
        raise UsageError(f"{place} is an input itself", "write somewhere else")
