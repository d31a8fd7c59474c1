"""Records of what was made: they let a restarted run skip outputs that are as it would make them.

A folder of outputs holds one small JSON file for each input, in its hidden folder ``.drumkit``.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from drumkit_cli import __version__
from drumkit_cli.errors import DrumkitError, MissingInputError
from drumkit_cli.io import calls, places
from drumkit_cli.io.calls import Call
from drumkit_cli.io.places import is_url, join, within
from drumkit_cli.io.remote import State
from drumkit_cli.io.streams import open_input, open_output
from drumkit_cli.patterns.names import shipped_pattern

FOLDER: Final = ".drumkit"
UNREADABLE: Final = (
    OSError, ValueError, TypeError, KeyError, AttributeError, MissingInputError,
)  # fmt: skip
"""What reading a damaged record, or one of another version, raises."""


@dataclass(frozen=True)
class Made:
    """An output: its SHA-256, and the size and stamp (`State`) that spare computing it again."""

    sha256: str
    size: int
    stamp: str


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
        self._root = folder
        self._call = calls.current()

    def made_already(self, path: str) -> list[str] | None:
        """Paths of an input's outputs if all are there as the command would make them now."""
        record = self._read(path)
        if record is None:
            return None
        if not all(self._is_there(name, made) for name, made in record.outputs.items()):
            return None
        if not record.matches(self._record(path, record.weights_sha256, {})):
            return None
        return [join(self._root, name) for name in record.outputs]

    def keep(self, path: str, outputs: Sequence[str]) -> None:
        """Write down what an input gave: paths of files, all of them whole."""
        from drumkit_cli.learning import checkpoint

        made = {within(self._root, output): _made(output) for output in outputs}
        record = self._record(path, checkpoint.loaded_features(), made)
        _write(record, self._place(path))

    def _record(self, path: str, weights: Iterable[str], outputs: Mapping[str, Made]) -> Record:
        """What the command makes of an input, with the present weights of the features named."""
        record = _record_of(self._call, weights, outputs)
        if shipped_pattern(path) is not None:
            return replace(record, input=path)
        if is_url(path):
            return replace(record, input=path, input_sha256=places.sha256(path))
        with open_input(path) as source:
            return replace(record, input=path, input_sha256=source.sha256())

    def _read(self, path: str) -> Record | None:
        try:
            return _read(self._place(path))
        except UNREADABLE:
            return None

    def _place(self, path: str) -> str:
        name = Path(calls.folder_of(path), Path(path).name)
        return _place(self._root, f"{self._call.name}\0{name}")

    def _is_there(self, name: str, made: Made) -> bool:
        path = join(self._root, name)
        state = places.state_of(path)
        if state is None or state.size != made.size:
            return False
        if state.stamp and state.stamp == made.stamp:
            return True
        with suppress(OSError):
            return places.sha256(path) == made.sha256
        return False


def keep_output(path: str) -> None:
    """Write down how the command that runs made a file, in the folder of the file."""
    from drumkit_cli.learning import checkpoint

    root = places.parents(path)[0]
    record = _record_of(
        calls.current(), checkpoint.loaded_features(), {Path(path).name: _made(path)}
    )
    _write(record, _place(root, Path(path).name))


def records_in(root: str) -> Iterator[Record]:
    """The records that a folder holds, but for damaged ones and those of another version."""
    for place in places.files_in(join(root, FOLDER)):
        with suppress(*UNREADABLE):
            yield _read(place)


def named_files(parameters: Mapping[str, Any]) -> dict[str, str]:
    """SHA-256 of the files that parameters name, but for weights, by path.

    A parameter may be a path, or NAME=PATH, or NAME=PATH,PATH; a kit may be a folder.
    """
    named: list[str] = []
    for name, value in parameters.items():
        values = value if isinstance(value, list | tuple) else [value]
        if name not in ("weights", "output"):
            texts = [each for each in values if isinstance(each, str)]
            named += texts
            named += [path for text in texts for path in text.partition("=")[2].split(",")]
        if name == "kit" and isinstance(value, str) and Path(value).is_dir():
            named += [str(file) for file in sorted(Path(value).rglob("*"))]
    return {path: places.sha256(path) for path in named if places.state_of(path) is not None}


def _record_of(call: Call, weights: Iterable[str], outputs: Mapping[str, Made]) -> Record:
    """What a command makes, with the present files and weights."""
    parameters = {name: _plain(value) for name, value in call.essential().items()}
    override = parameters.get("weights")
    return Record(
        __version__,
        call.name,
        parameters,
        str(Path.cwd()),
        call.arguments,
        "",
        "",
        named_files(parameters),
        {feature: _weights_sha256(feature, override) for feature in weights},
        outputs,
    )


def _place(root: str, key: str) -> str:
    return join(root, f"{FOLDER}/{hashlib.sha256(os.fsencode(key)).hexdigest()[:16]}.json")


def _write(record: Record, place: str) -> None:
    if not is_url(place):
        Path(place).parent.mkdir(parents=True, exist_ok=True)
    with open_output(place, text=True) as file:
        file.write(json.dumps(asdict(record), indent=1, sort_keys=True).encode())


def _read(place: str) -> Record:
    values = json.loads(places.read_bytes(place))
    outputs = {name: Made(**made) for name, made in values.pop("outputs").items()}
    return Record(**values, outputs=outputs)


def _made(path: str) -> Made:
    state = places.state_of(path) or State(0, "")
    return Made(places.sha256(path), state.size, state.stamp)


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
    return places.sha256(path)


def _plain(value: Any) -> Any:  # noqa: ANN401 - a parameter's value, of any type
    """A value as JSON gives it back."""
    value = value.value if isinstance(value, Enum) else value
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value
