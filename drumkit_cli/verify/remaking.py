"""Makes an output again from how it was made, and compares the two."""

import contextlib
import math
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from drumkit_cli import __version__, cli, console
from drumkit_cli.audio.encoding import Format, format_of
from drumkit_cli.audio.reader import AudioReader
from drumkit_cli.audio.samples import BLOCK_FRAMES
from drumkit_cli.batch.inputs import gather
from drumkit_cli.batch.records import named_files
from drumkit_cli.errors import BadDataError, MissingInputError
from drumkit_cli.io import calls, places, provenance
from drumkit_cli.io.calls import Call
from drumkit_cli.io.outputs import kind_of
from drumkit_cli.io.places import is_url
from drumkit_cli.io.sniffing import Kind
from drumkit_cli.io.streams import open_input
from drumkit_cli.verify.origins import Origin, origin_of

_SHAPE = ("rate", "channels", "frames")


def difference(path: str, given: str | None, tolerance_db: float | None) -> str:
    """Make a file again: "" if it is the same, else what differs.

    Args:
        path: the file.
        given: its input, where that came from a pipe or lies elsewhere by now; None as it was.
        tolerance_db: how loud the difference of two sounds may be, dB of full scale; None asks
            for the same bytes, or of Ogg, whose streams have a random number, the same samples.

    Raises:
        BadDataError: nothing says how it was made, or its input has changed.
        DrumkitError: as the command that made it.
    """
    if places.state_of(path) is None:
        raise MissingInputError(f"{path} is no file that is there")
    origin = origin_of(path)
    if tolerance_db is None and origin.sha256 and places.sha256(path) != origin.sha256:
        return "it was changed after it was made"
    target = _absolute(path)
    given = None if given is None else _absolute(given)
    with tempfile.TemporaryDirectory(prefix="drumkit-") as folder:
        with _elsewhere(origin.folder):
            made = _remake(origin, target, given, Path(folder))
        if places.sha256(made) == places.sha256(target):
            return ""
        if tolerance_db is None and format_of(target) is Format.OGG:
            tolerance_db = -math.inf
        if tolerance_db is not None:
            level = difference_db(target, made)
            return "" if level <= tolerance_db else f"{level:.1f} dB away"
    if origin.version != __version__:
        return f"it differs; it was made by drumkit {origin.version}"
    return "it differs"


def difference_db(one: str, other: str) -> float:
    """The peak of the difference of two sounds, dB of full scale; infinite for other shapes."""
    peak = 0.0
    with open_input(one) as first, open_input(other) as second:
        for source in (first, second):
            if source.kind in (Kind.MIDI, Kind.NPY, Kind.UNKNOWN):
                raise BadDataError(f"{source.name} is not audio", "leave --tolerance out")
        with AudioReader(first) as left, AudioReader(second) as right:
            if any(getattr(left, name) != getattr(right, name) for name in _SHAPE):
                return float("inf")
            blocks = zip(left.blocks(BLOCK_FRAMES), right.blocks(BLOCK_FRAMES), strict=True)
            for a, b in blocks:
                peak = max(peak, float(np.abs(a - b).max(initial=0.0)))
    return float("-inf") if peak == 0 else 20 * float(np.log10(peak))


def _absolute(name: str) -> str:
    return name if is_url(name) else str(Path(name).absolute())


def _remake(origin: Origin, target: str, given: str | None, folder: Path) -> str:
    """Run the command again into a folder; returns the file that stands for the target."""
    call = cli.parse(origin.arguments)
    subfolders: dict[str, str] = {}
    if call.inputs and (source := given or _input_of(origin, call)):
        subfolders[source] = calls.folder_of(source)
        call = call.of_one(source)
    output = call.parameters.get("output")
    in_folder = bool(origin.place) or (output not in (None, "-") and not kind_of(str(output)))
    name = Path(target if output in (None, "-") else str(output)).name
    place = str(folder if in_folder else folder / name)
    call = replace(call, parameters={**call.parameters, "output": place})
    _check_inputs(origin, call.parameters, subfolders)
    provenance.record_command_line(origin.arguments)
    calls.record(call, subfolders)
    call.run()
    if origin.place:
        return str(folder / origin.place)
    sought = Path(target).name if in_folder else name
    found = [str(path) for path in folder.rglob(sought) if path.is_file()]
    if len(found) != 1:
        raise BadDataError(f"{target}: its command line makes no such file", "was it renamed?")
    return found[0]


def _input_of(origin: Origin, call: Call) -> str:
    """The input that a file was made of, among those of its command line; "" where it had none."""
    calls.record(call)
    named = call.parameters[call.inputs]
    if origin.input:
        gather(named, *Kind)
        return origin.input
    if len(named or []) == 1:
        return str(named[0])
    if not named and origin.inputs_sha256:
        raise BadDataError("its input came from a pipe", "--input FILE gives it")
    for path in named or []:
        if places.state_of(path) and places.sha256(path) in origin.inputs_sha256:
            return str(path)
    return ""


def _check_inputs(
    origin: Origin, parameters: Mapping[str, Any], subfolders: dict[str, str]
) -> None:
    """Require that what went in is what went in before."""
    there = set(named_files({**parameters, "": list(subfolders)}).values())
    if not origin.inputs_sha256 <= there:
        raise BadDataError("an input has changed or is gone", "--input FILE says where it is")


@contextlib.contextmanager
def _elsewhere(folder: Path) -> Iterator[None]:
    """Work in a folder, quietly, as another command; then go on as this one."""
    call, arguments = calls.current(), provenance.command_line()
    quiet, verbose = console.is_quiet(), console.is_verbose()
    here = Path.cwd()
    try:
        os.chdir(folder)
    except OSError as failure:
        raise MissingInputError(f"cannot work in {folder}: {failure.strerror}") from failure
    try:
        console.configure(quiet=True)
        yield
    finally:
        os.chdir(here)
        console.configure(quiet=quiet, verbose=verbose)
        provenance.record_command_line(arguments)
        calls.record(call)
