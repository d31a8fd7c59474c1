"""Where bytes go: descriptors, devices, and files that appear whole or not at all."""

import errno
import fcntl
import io
import os
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from drumkit_cli.errors import DrumkitError, OutputError, StreamError, UsageError

if TYPE_CHECKING:
    from typing_extensions import Buffer


_PREFIX: Final = ".drumkit-"
_SUFFIX: Final = ".tmp"
_NEW_SECONDS: Final = 0.1
"""A file younger than this may not be locked yet by the process that made it."""


class Sink(io.RawIOBase):
    """A descriptor to write to: whole writes only, failures as `DrumkitError`s."""

    def __init__(self, descriptor: int, name: str, *, seekable: bool) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._name = name
        self._seekable = seekable

    @property
    def name(self) -> str:
        """Return the name of the output, for messages."""
        return self._name

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._descriptor

    def writable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Tell whether the output is a regular file."""
        return self._seekable

    def write(self, data: "Buffer") -> int:
        """Write all of `data`.

        Raises:
            StreamError: no space is left, or an I/O error.
            BrokenPipeError: the reader has gone.
        """
        try:
            return write_all(self._descriptor, data)
        except BrokenPipeError:
            raise
        except OSError as failure:
            raise write_failure(self._name, failure) from failure

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a position, as files do."""
        if not self._seekable:
            raise io.UnsupportedOperation(f"{self._name} cannot seek")
        return os.lseek(self._descriptor, offset, whence)

    def tell(self) -> int:
        """Return the position."""
        return self.seek(0, os.SEEK_CUR)

    def truncate(self, size: int | None = None) -> int:
        """Cut the file off at `size`, or at the position."""
        size = self.tell() if size is None else size
        os.ftruncate(self._descriptor, size)
        return size


@contextmanager
def open_device(path: str, *, text: bool) -> Iterator[BinaryIO]:
    """Open a device or FIFO, which is written to directly.

    Raises:
        UsageError: it is a terminal and the data is not text.
        OutputError: it cannot be opened.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    except OSError as failure:
        raise output_failure(path, failure) from failure
    try:
        if not text and os.isatty(descriptor):
            raise UsageError(f"{path} is a terminal", "binary data needs -o FILE or a pipe")
        yield cast(BinaryIO, Sink(descriptor, path, seekable=False))
    finally:
        os.close(descriptor)


@contextmanager
def open_atomic(path: str, mode: int | None) -> Iterator[BinaryIO]:
    """Open a temporary file that replaces `path` when the block ends without failure.

    Args:
        path: of a regular file; a symbolic link is followed.
        mode: the permissions of the file that is there, or None where there is none.

    Raises:
        OutputError: the file cannot be made.
        StreamError: it cannot be synced or renamed.
    """
    target = Path(os.path.realpath(path))
    if mode is not None and not os.access(target, os.W_OK):
        raise OutputError(f"cannot write {path}: {os.strerror(errno.EACCES)}")
    # The name is chosen before the file is made, so that a signal in between cannot leave one.
    temporary = target.with_name(f"{_PREFIX}{secrets.token_hex(8)}{_SUFFIX}")
    descriptor = -1
    try:
        try:
            descriptor = os.open(
                temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666
            )
            _lock(descriptor)
            if mode is not None:
                os.fchmod(descriptor, stat.S_IMODE(mode))
        except OSError as failure:
            raise output_failure(path, failure) from failure
        yield cast(BinaryIO, Sink(descriptor, path, seekable=True))
        try:
            _sync(descriptor)
            temporary.replace(target)
        except OSError as failure:
            raise write_failure(path, failure) from failure
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def remove_abandoned(folder: str) -> None:
    """Remove the temporary files in and below a folder whose writers are gone.

    A writer holds a lock on its file, which ends with its process however that ends.
    """
    for place, _, names in os.walk(folder):
        for name in names:
            if name.startswith(_PREFIX) and name.endswith(_SUFFIX):
                with suppress(OSError), Path(place, name).open("rb+") as file:
                    if time.time() - os.fstat(file.fileno()).st_ctime > _NEW_SECONDS:
                        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        Path(place, name).unlink()


def _lock(descriptor: int) -> None:
    with suppress(OSError):  # a file system without locks
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def write_all(descriptor: int, data: "Buffer") -> int:
    """Write all of `data`, however often it takes; return its length."""
    rest = memoryview(data).cast("B")
    total = len(rest)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
    return total


def output_failure(path: str, failure: OSError | ValueError) -> DrumkitError:
    """Return the error of an output that cannot be made."""
    if isinstance(failure, ValueError):
        return OutputError(f"cannot write {path!r}: {failure}")
    if failure.errno == errno.ENOENT:
        return OutputError(f"cannot write {path}: its folder does not exist", "make it first")
    return OutputError(f"cannot write {path}: {failure.strerror or failure}")


def write_failure(name: str, failure: OSError) -> StreamError:
    """Return the error of writing that failed on the way."""
    return StreamError(f"cannot write {name}: {failure.strerror or failure}")


def _sync(descriptor: int) -> None:
    try:
        os.fsync(descriptor)
    except OSError as failure:  # some network and FUSE file systems cannot
        if failure.errno not in (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS):
            raise
