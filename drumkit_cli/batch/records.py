"""Records of what was made: they let a restarted run skip outputs that are as it would make them.

A folder of outputs holds one small JSON file for each input, in its hidden folder ``.drumkit``.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from drumkit_cli import __version__
from drumkit_cli.errors import DrumkitError
from drumkit_cli.io import calls
from drumkit_cli.io.streams import open_input, open_output

FOLDER: Final = ".drumkit"


@dataclass(frozen=True)
class Made:
    """An output: its SHA-256, and the size and time that spare computing it again."""

    sha256: str
    size: int
    modified_ns: int


@dataclass(frozen=True)
class Record:
    """How the outputs of an input were made.

    Attributes:
        version: of drumkit.
        command: its name.
        parameters: those that the outputs depend on, as JSON can say them.
        folder: that the command was run in, which relative paths start from.
        arguments: the command line as typed.
        input: path of the input as given.
        input_sha256: of the input.
        files_sha256: of the files that parameters name.
        weights_sha256: of the weights that were loaded, by feature.
        outputs: what was made, by path within the folder of outputs.
    """

    version: str
    command: str
    parameters: Mapping[str, Any]
    folder: str
    arguments: Sequence[str]
    input: str
    input_sha256: str
    files_sha256: Mapping[str, str]
    weights_sha256: Mapping[str, str]
    outputs: Mapping[str, Made]

    def matches(self, other: "Record") -> bool:
        """Whether the other would make the same: weights are compared as far as both name them."""
        weights = other.weights_sha256
        return (
            (self.version, self.command, self.input_sha256) ==
            (other.version, other.command, other.input_sha256)
            and dict(self.parameters) == dict(other.parameters)
            and dict(self.files_sha256) == dict(other.files_sha256)
            and all(weights.get(name) == sha256 for name, sha256 in self.weights_sha256.items())
        )  # fmt: skip


class Keeper:
    """Reads and writes the records of one folder of outputs, for the command that runs.

    Raises:
        DrumkitError: an input or a file that a parameter names cannot be read, from all methods.
    """

    def __init__(self, folder: str) -> None:
        """Keep the records of this folder of outputs."""
        self._root = Path(folder)
        self._call = calls.current()
        self._parameters = {k: _plain(v) for k, v in self._call.essential().items()}

    def made_already(self, path: str) -> list[str] | None:
        """Paths of an input's outputs if all are there as the command would make them now."""
        record = self._read(path)
        if record is None:
            return None
        if not all(self._is_there(name, made) for name, made in record.outputs.items()):
            return None
        if not record.matches(self._record(path, record.weights_sha256, {})):
            return None
        return [str(self._root / name) for name in record.outputs]

    def keep(self, path: str, outputs: Sequence[str]) -> None:
        """Write down what an input gave: paths of files, all of them whole."""
        from drumkit_cli.learning import checkpoint

        places = {os.path.relpath(output, self._root): _made(output) for output in outputs}
        record = self._record(path, checkpoint.loaded_features(), places)
        place = self._place(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        with open_output(str(place), text=True) as file:
            file.write(json.dumps(asdict(record), indent=1, sort_keys=True).encode())

    def _record(self, path: str, weights: Iterable[str], outputs: Mapping[str, Made]) -> Record:
        """What the command makes of an input, with the present weights of the features named."""
        override = self._parameters.get("weights")
        files = {
            name: _file_sha256(value)
            for name, value in self._parameters.items()
            if isinstance(value, str) and name != "weights" and Path(value).is_file()
        }
        return Record(
            __version__,
            self._call.name,
            self._parameters,
            str(Path.cwd()),
            self._call.arguments,
            path,
            _file_sha256(path),
            files,
            {feature: _weights_sha256(feature, override) for feature in weights},
            outputs,
        )

    def _read(self, path: str) -> Record | None:
        try:
            return read_record(self._place(path))
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None  # there is none, or one of another version

    def _place(self, path: str) -> Path:
        name = Path(calls.folder_of(path), Path(path).name)
        key = hashlib.sha256(os.fsencode(f"{self._call.name}\0{name}")).hexdigest()[:16]
        return self._root / FOLDER / f"{key}.json"

    def _is_there(self, name: str, made: Made) -> bool:
        path = self._root / name
        with suppress(OSError):
            status = path.stat()
            if (status.st_size, status.st_mtime_ns) == (made.size, made.modified_ns):
                return True
            return status.st_size == made.size and _file_sha256(str(path)) == made.sha256
        return False


def read_record(path: Path) -> Record:
    """Read a record.

    Raises:
        OSError: it cannot be read.
        ValueError, TypeError, KeyError, AttributeError: it is damaged or of another version.
    """
    values = json.loads(path.read_text())
    outputs = {name: Made(**made) for name, made in values.pop("outputs").items()}
    return Record(**values, outputs=outputs)


def _made(path: str) -> Made:
    status = Path(path).stat()
    return Made(_file_sha256(path), status.st_size, status.st_mtime_ns)


def _file_sha256(path: str) -> str:
    with open_input(path) as source:
        return source.sha256()


def _weights_sha256(feature: str, override: str | None) -> str:
    from drumkit_cli.learning import checkpoint

    try:
        path = checkpoint.find_weights(feature, override)
        status = path.stat()
    except (DrumkitError, OSError):
        return ""
    return _weights_file_sha256(str(path), status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=16)
def _weights_file_sha256(path: str, _modified_ns: int, _size: int) -> str:
    return _file_sha256(path)


def _plain(value: Any) -> Any:  # noqa: ANN401 - a parameter's value, of any type
    """A value as JSON gives it back."""
    value = value.value if isinstance(value, Enum) else value
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value
