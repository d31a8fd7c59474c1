"""Bytes in and out: paths, URLs, "-", spooled stdin, atomic files, terminals refused.

The only module that touches stdin and stdout. An input is always a seekable file at its start,
whatever it came from; an output file appears whole or not at all.
"""

import errno
import hashlib
import io
import os
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final, cast

from drumkit_cli.errors import (
    BadDataError,
    DrumkitError,
    MissingInputError,
    OutputError,
    StreamError,
    UsageError,
)
from drumkit_cli.io import calls, remote
from drumkit_cli.io.places import is_url
from drumkit_cli.io.sinks import Sink, open_atomic, open_device, output_failure, write_failure
from drumkit_cli.io.sniffing import HEAD_BYTES, Kind, sniff
from drumkit_cli.io.spools import spool

STDIN_NAME: Final = "<stdin>"
STDOUT_NAME: Final = "<stdout>"
_COPY_BYTES: Final = 1 << 20


@dataclass
class Input:
    """An open input.

    Attributes:
        name: the path or URL as given, or "<stdin>"; for messages.
        file: seekable, binary, unbuffered (its descriptor is shared); at its start when opened.
        kind: what its first bytes say it is.
    """

    name: str
    file: BinaryIO
    kind: Kind
    _sha256: str = field(default="", repr=False)

    def sha256(self) -> str:
        """Return the SHA-256 of the whole input in hexadecimal; the position stays."""
        if not self._sha256:
            position = self.file.tell()
            self.file.seek(0)
            digest = hashlib.sha256()
            while block := self.file.read(_COPY_BYTES):
                digest.update(block)
            self._sha256 = digest.hexdigest()
            self.file.seek(position)
        return self._sha256

    def require(self, kind: Kind, what: str, remedy: str) -> None:
        """Raise BadDataError unless this is of a kind, which is called ``what`` in the message."""
        if self.kind is not kind:
            found = "" if self.kind is Kind.UNKNOWN else f" but {self.kind}"
            raise BadDataError(f"{self.name} is not {what}{found}", remedy)

    def read_bytes(self) -> bytes:
        """Return the whole input; for kinds that are small."""
        self.file.seek(0)
        return self.file.read()


def resolve_inputs(paths: Sequence[str]) -> list[str]:
    """Return the inputs to read: those given, or "-" when none is and stdin is not a terminal.

    Raises:
        UsageError: none given at a terminal, or "-" given twice.
    """
    if not paths:
        if _is_terminal(0):
            raise UsageError("no input", "name a FILE, or pipe one in")
        return ["-"]
    if list(paths).count("-") > 1:
        raise UsageError("stdin (-) can be read only once")
    return list(paths)


@contextmanager
def open_input(path: str) -> Iterator[Input]:
    """Open a path, a URL, or stdin for "-", as a seekable file at its start.

    Pipes (stdin, FIFOs, process substitution) and what is behind URLs are spooled to an unlinked
    temporary file, so that memory stays constant; it lies in TMPDIR.

    Raises:
        MissingInputError: it does not exist, is a folder, or may not be read.
        BadDataError: it is empty.
        StreamError: reading failed, or there is no room for the spool.
        UnavailableError: a package for the URL's store is not installed.
        UsageError: stdin is a terminal, or the URL is of no known store.
    """
    name = STDIN_NAME if path == "-" else path
    if path == "-" and _is_terminal(0):
        raise UsageError("stdin is a terminal", "name a FILE, or pipe one in")
    with _open_seekable(path, name) as file:
        try:
            head = file.read(HEAD_BYTES)
            file.seek(0)
        except OSError as failure:
            raise _input_failure(name, failure) from failure
        if not head:
            raise BadDataError(f"{name} is empty")
        yield Input(name, file, sniff(head))


def check_input(path: str) -> None:
    """Refuse a file that `open_input` would refuse, before slow imports; pipes are not touched.

    Raises:
        DrumkitError: as `open_input`.
    """
    if path == "-":
        return
    if is_url(path):
        if remote.state_of(path) is None:
            raise MissingInputError(f"cannot read {path}: {os.strerror(errno.ENOENT)}")
        return
    try:
        mode = Path(path).stat().st_mode
    except (OSError, ValueError) as failure:
        raise _input_failure(path, failure) from failure
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        with open_input(path):
            pass


@contextmanager
def open_output(path: str | None, *, text: bool = False) -> Iterator[BinaryIO]:
    """Open an output for writing: a path, a URL, or stdout for None and "-".

    A regular file is written under a temporary name in the same folder, synced, and renamed over
    the old one when the block ends. When the block fails, or a signal ends it, the temporary file
    is removed and the old one is untouched. A symbolic link is followed; the permissions of an
    existing file are kept. Devices and FIFOs are written directly. Folders are never made. What
    goes to a URL is put there when the block ends, from an unlinked temporary file.

    Args:
        path: where to.
        text: the data is text, which a terminal may show.

    Yields:
        An unbuffered binary file; seekable where the output is a regular file.

    Raises:
        UsageError: binary data would go to a terminal.
        OutputError: the file cannot be made.
        StreamError: writing failed: no space left, an I/O error.
        BrokenPipeError: the reader has gone; the command line ends quietly on it.
    """
    if path is None or path == "-":
        if not text and _is_terminal(1):
            raise UsageError("binary data is not written to a terminal", "use -o FILE or a pipe")
        yield cast(BinaryIO, Sink(1, STDOUT_NAME, seekable=False))
        return
    if not path:
        raise UsageError("an output's name is empty")
    if is_url(path):
        with remote.open_whole(path) as sink:
            yield sink
        calls.note_output(path)
        return
    try:
        mode = Path(path).stat().st_mode
    except FileNotFoundError:
        mode = None
    except (OSError, ValueError) as failure:
        raise output_failure(path, failure) from failure
    if mode is not None and stat.S_ISDIR(mode):
        raise OutputError(f"{path} is a folder", "name a file")
    if mode is not None and not stat.S_ISREG(mode):
        with open_device(path, text=text) as sink:
            yield sink
        return
    with open_atomic(path, mode) as sink:
        yield sink
    calls.note_output(path)


def require_folder(path: str) -> Path:
    """Return the path of a folder that is there to be read.

    Raises:
        MissingInputError: it is missing, no folder, or may not be read.
    """
    folder = Path(path)
    try:
        with os.scandir(folder):
            return folder
    except NotADirectoryError as failure:
        raise MissingInputError(f"{path} is not a folder") from failure
    except (OSError, ValueError) as failure:
        raise _input_failure(path, failure) from failure


def check_output(path: str) -> None:
    """Refuse an output that plainly cannot be made, before hours of work go into it.

    Raises:
        UsageError: the name is empty.
        OutputError: it is a folder, or its folder is missing or may not be written to.
    """
    if not path:
        raise UsageError("an output's name is empty")
    if is_url(path):
        remote.check_output(path)
        return
    status = None
    try:
        target = Path(os.path.realpath(path))
        with suppress(FileNotFoundError):
            status = Path(path).stat()
    except (OSError, ValueError) as failure:
        raise output_failure(path, failure) from failure
    if status is not None and stat.S_ISDIR(status.st_mode):
        raise OutputError(f"{path} is a folder", "name a file")
    if status is not None and not stat.S_ISREG(status.st_mode):
        # A pipe's real path ("/proc/9/fd/pipe:[8]") names nothing, in a folder that none may write.
        if not os.access(path, os.W_OK):
            raise OutputError(f"cannot write {path}: {os.strerror(errno.EACCES)}")
        return
    if not target.parent.is_dir():
        raise output_failure(path, FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)))
    if not os.access(target if target.exists() else target.parent, os.W_OK):
        raise OutputError(f"cannot write {path}: {os.strerror(errno.EACCES)}")


def write_text(text: str, path: str | None = None) -> None:
    """Write a text as UTF-8 to a path, or to stdout, which may be a terminal.

    Raises:
        DrumkitError: as `open_output`.
    """
    with open_output(path, text=True) as file:
        file.write(text.encode("utf-8", "backslashreplace"))


def claim_standard_streams() -> None:
    """Make sure that descriptors 0 to 2 exist, so that no file of ours ever becomes stdout.

    A closed one is opened on /dev/null the wrong way round: using it fails, as it should.
    """
    for descriptor, flags in ((0, os.O_WRONLY), (1, os.O_RDONLY), (2, os.O_RDONLY)):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, flags)


def flush_stdout() -> None:
    """Flush what Python's own stdout holds (help texts).

    Raises:
        StreamError: it cannot be written.
        BrokenPipeError: the reader has gone.
    """
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as failure:
        raise write_failure(STDOUT_NAME, failure) from failure


def abandon_stdout() -> None:
    """Point stdout at /dev/null, so that the flush at the interpreter's end cannot fail."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)


def _is_terminal(descriptor: int) -> bool:
    try:
        return os.isatty(descriptor)
    except OSError:
        return False


@contextmanager
def _open_seekable(path: str, name: str) -> Iterator[BinaryIO]:
    """Open a file that can be sought in; a copy where the source itself cannot."""
    if is_url(path):
        with spool(name, remote.blocks(path)) as file:
            yield file
        return
    try:
        source = cast(BinaryIO, io.FileIO(0 if path == "-" else path, closefd=path != "-"))
    except (OSError, ValueError) as failure:
        raise _input_failure(name, failure) from failure
    with source:
        if _is_plain_file_at_start(source, name):
            yield source
            return
        with spool(name, _blocks(source, name)) as file:
            yield file


def _is_plain_file_at_start(source: BinaryIO, name: str) -> bool:
    try:
        status = os.fstat(source.fileno())
        if stat.S_ISDIR(status.st_mode):
            raise MissingInputError(f"{name} is a folder", "name a file")
        return stat.S_ISREG(status.st_mode) and os.lseek(source.fileno(), 0, os.SEEK_CUR) == 0
    except OSError as failure:
        raise _input_failure(name, failure) from failure


def _blocks(source: BinaryIO, name: str) -> Iterator[bytes]:
    try:
        while block := os.read(source.fileno(), _COPY_BYTES):
            yield block
    except OSError as failure:
        raise _input_failure(name, failure) from failure


def _input_failure(name: str, failure: OSError | ValueError) -> DrumkitError:
    if isinstance(failure, ValueError):  # a null character in the path
        return MissingInputError(f"cannot read {name!r}: {failure}")
    reason = failure.strerror or str(failure)
    if failure.errno == errno.EISDIR:
        return MissingInputError(f"{name} is a folder", "name a file")
    if failure.errno in (errno.EIO, errno.EBADF, errno.ENOMEM, errno.ESTALE):
        return StreamError(f"cannot read {name}: {reason}")
    return MissingInputError(f"cannot read {name}: {reason}")
