"""Names of files, which may be paths of this machine or URLs, and what is there."""

import hashlib
import os
import posixpath
import re
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from drumkit_cli.io import remote
from drumkit_cli.io.remote import State

_URL: Final = re.compile("[A-Za-z][A-Za-z0-9+.-]*://")
_LOCAL: Final = "file://"


def is_url(name: str) -> bool:
    """Whether a name begins as a URL does; ``./s3://x`` is a path."""
    return _URL.match(name) is not None


def plain(name: str) -> str:
    """The path that a ``file://`` URL stands for; any other name as it is."""
    return name.removeprefix(_LOCAL)


def join(folder: str, name: str) -> str:
    """The file that has a name within a folder; an absolute name or URL stands for itself."""
    if is_url(name):
        return name
    return posixpath.join(folder, name) if is_url(folder) else str(Path(folder, name))


def within(folder: str, name: str) -> str:
    """The name of a file as seen from a folder: `join` turns it back."""
    if is_url(folder):
        return name.removeprefix(join(folder, "")) if is_url(name) else str(Path(name).absolute())
    return name if is_url(name) else os.path.relpath(name, folder)


def parents(name: str) -> list[str]:
    """The folders that a file is in, the inmost first."""
    if not is_url(name):
        return [str(folder) for folder in Path(name).parents]
    start = name.index("://") + 3
    cuts = [place for place in range(start, len(name)) if name[place] == "/"]
    return [name[:place] for place in reversed(cuts)]


def state_of(name: str) -> State | None:
    """The size of a file and its time of change, or a checksum from its store; None without one.

    Raises:
        DrumkitError: a store cannot be reached.
    """
    if is_url(name):
        return remote.state_of(name)
    try:
        status = Path(name).stat()
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return State(status.st_size, str(status.st_mtime_ns))


def sha256(name: str) -> str:
    """The SHA-256 of a file, which may be empty.

    Raises:
        OSError: of a path, it cannot be read.
        DrumkitError: of a URL, it cannot be read.
    """
    if is_url(name):
        return remote.sha256(name)
    with Path(name).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_bytes(name: str) -> bytes:
    """The content of a small file; raises as `sha256`."""
    return b"".join(remote.blocks(name)) if is_url(name) else Path(name).read_bytes()


def files_in(folder: str) -> list[str]:
    """The files of a folder, by name; none where there is no such folder. Raises as `state_of`."""
    if is_url(folder):
        return [join(folder, name) for name in remote.names_below(folder)]
    with suppress(OSError):
        return sorted(str(path) for path in Path(folder).iterdir() if path.is_file())
    return []
