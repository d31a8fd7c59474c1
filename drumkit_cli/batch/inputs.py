"""The inputs of a command: files, folders, and lists of files, by path or URL."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from drumkit_cli.errors import BadDataError, MissingInputError, UsageError
from drumkit_cli.io import calls, remote
from drumkit_cli.io.places import is_url, join, plain, within
from drumkit_cli.io.sniffing import HEAD_BYTES, Kind, sniff
from drumkit_cli.io.streams import open_input, resolve_inputs

AUDIO: Final = (Kind.WAV, Kind.FLAC, Kind.OGG, Kind.MP3, Kind.AIFF)


def gather(files: Sequence[str] | None, *kinds: Kind) -> list[str]:
    """The inputs of the command that runs: what it names, what its folders and lists hold.

    With ``--recursive`` a folder stands for the files in it that are of one of `kinds` by their
    first bytes, in order of their names; those of hidden folders and of the output's folder are
    left out. ``--from-file`` names a list of one path a line. Outputs of files in folders, and of
    relative paths in a list, keep their sub-folders.

    Args:
        files: as given; None or empty stands for stdin unless there is a list.
        kinds: those that the command reads.

    Raises:
        UsageError: no input, or stdin twice.
        MissingInputError: a folder or list is not there, or a folder holds no such file.
        BadDataError: a list is empty or no text.
    """
    parameters = calls.current().parameters
    named = list(files or [])
    folders: dict[str, str] = {}
    if (source := parameters.get("from_file")) is not None:
        if "-" in named and source == "-":
            raise UsageError("stdin (-) can be read only once")
        for path in _listed(source):
            named.append(path)
            folders[path] = _kept(path)
    named = named if parameters.get("from_file") is not None else resolve_inputs(named)
    if named.count("-") > 1:
        raise UsageError("stdin (-) can be read only once")
    if not parameters.get("recursive"):
        for path in named:
            if path != "-" and Path(path).is_dir():
                raise MissingInputError(f"{path} is a folder", "--recursive takes what is in it")
        calls.record_folders(folders)
        return named
    found: list[str] = []
    output = parameters.get("output")
    for path in named:
        if path == "-" or not (remote.is_folder(path) if is_url(path) else Path(path).is_dir()):
            found.append(path)
            continue
        if is_url(path):
            inside = _below(path, output, kinds)
        else:
            inside = [file for file in _walk(path, output) if _is_one(file, kinds)]
        if not inside:
            raise MissingInputError(f"{path} holds no file that this command reads")
        for file in inside:
            parent = Path(folders.get(path, ""), Path(within(path, file)).parent)
            folders[file] = "" if parent == Path() else str(parent)
        found += inside
    calls.record_folders(folders)
    return found


def _listed(source: str) -> list[str]:
    with open_input(source) as file:
        try:
            lines = os.fsdecode(file.read_bytes()).splitlines()
        except UnicodeDecodeError as failure:
            raise BadDataError(f"{file.name} is no list of paths") from failure
        paths = [plain(line) for line in lines if line]
        if not paths or any("\0" in path for path in paths):
            raise BadDataError(f"{file.name} is no list of paths", "one a line")
    return paths


def _kept(path: str) -> str:
    """The sub-folder that outputs of a listed path keep."""
    parent = Path(path).parent
    leaves = is_url(path) or parent.is_absolute() or ".." in parent.parts
    return "" if leaves else str(parent)


def _walk(folder: str, output: str | None) -> Iterator[str]:
    """The files below a folder, by name; symbolic links to folders are not followed."""

    def refuse(failure: OSError) -> None:
        reason = failure.strerror or failure
        raise MissingInputError(f"cannot read {failure.filename}: {reason}") from failure

    spared = None if output is None else os.path.realpath(output)
    for place, inner, files in os.walk(folder, onerror=refuse):
        inner[:] = sorted(
            name
            for name in inner
            if not name.startswith(".") and os.path.realpath(Path(place, name)) != spared
        )
        yield from (str(Path(place, name)) for name in sorted(files) if not name.startswith("."))


def _below(folder: str, output: str | None, kinds: Sequence[Kind]) -> list[str]:
    """The files of some kinds below a folder by URL, as `_walk` and `_is_one` find them in one."""
    spared = join(output or "-", "")
    files = [
        join(folder, name)
        for name in remote.names_below(folder)
        if not any(part.startswith(".") for part in Path(name).parts)
    ]
    if spared != join(folder, ""):
        files = [file for file in files if not file.startswith(spared)]
    found = zip(files, remote.heads(files, HEAD_BYTES), strict=True)
    return [file for file, head in found if head is None or sniff(head) in kinds]


def _is_one(path: str, kinds: Sequence[Kind]) -> bool:
    """Whether a file is of one of the kinds; one that cannot be read is left for the command."""
    try:
        with Path(path).open("rb") as file:
            return sniff(file.read(HEAD_BYTES)) in kinds
    except OSError:
        return True
