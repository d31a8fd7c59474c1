"""What this process was asked to do: the command, its parameters, and the inputs it was given.

The command line keeps it here once; workers get it from the process that started them.
"""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final

APART: Final = frozenset({
    "output", "jobs", "cluster", "force", "recursive", "from_file", "lines", "quiet", "verbose",
    "threads",
})  # fmt: skip
"""Parameters that change no byte of an output: they say where it goes and who makes it."""

_ALONE: Final = {"recursive": False, "from_file": None, "jobs": 1, "cluster": None, "lines": False}
"""Values of the parameters that are of use for several inputs only."""


@dataclass(frozen=True)
class Call:
    """A command with its parameters.

    Attributes:
        module: where its function is.
        name: of the command and of its function.
        inputs: the parameter that holds its inputs; "" where it has none.
        parameters: of the function, as parsed.
        arguments: the command line as typed, without the program's name.
    """

    module: str = ""
    name: str = ""
    inputs: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()

    def run(self) -> None:
        """Run the command's function; raises what it raises."""
        getattr(importlib.import_module(self.module), self.name)(**self.parameters)

    def of_one(self, path: str) -> "Call":
        """The same command for a single input, in this process."""
        values = {**self.parameters, self.inputs: [path], **_ALONE}
        return replace(self, parameters={name: values[name] for name in self.parameters})

    def essential(self) -> dict[str, Any]:
        """The parameters that an output depends on, besides its input."""
        apart = {*APART, self.inputs}
        return {name: value for name, value in self.parameters.items() if name not in apart}


class _State:
    call = Call()
    outputs: Final[list[str]] = []
    folders: Mapping[str, str] = MappingProxyType({})


def record(call: Call, folders: Mapping[str, str] | None = None) -> None:
    """Keep what is asked for, and forget what was before.

    Args:
        call: the command.
        folders: as `record_folders`.
    """
    _State.call = call
    _State.folders = dict(folders or {})


def current() -> Call:
    """The command that this process runs; an empty one in a program that calls functions."""
    return _State.call


def record_folders(folders: Mapping[str, str]) -> None:
    """Keep, for inputs found in folders, the sub-folder that each one's outputs go to."""
    _State.folders = {**_State.folders, **folders}


def folder_of(name: str) -> str:
    """The sub-folder for the outputs of an input; "" for one that was named by itself."""
    return _State.folders.get(name, "")


def note_output(path: str) -> None:
    """Keep the path of a file that was written whole."""
    _State.outputs.append(path)


def take_outputs() -> list[str]:
    """The paths that were kept since the last call."""
    taken = list(_State.outputs)
    _State.outputs.clear()
    return taken
