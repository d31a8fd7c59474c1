"""Bytes in and out: paths, "-", sniffing, spooled stdin, atomic files, terminals refused.

The only module that touches stdin and stdout. An input is always a seekable file at its start,
whatever it came from; an output file appears whole or not at all.
"""

import errno
import hashlib
import io
import os
import secrets
import stat
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from drumkit_cli.errors import (
    BadDataError,
    DrumkitError,
    MissingInputError,
    OutputError,
    StreamError,
    UsageError,
)

if TYPE_CHECKING:
    from typing_extensions import Buffer

STDIN_NAME: Final = "<stdin>"
STDOUT_NAME: Final = "<stdout>"
HEAD_BYTES: Final = 64
"""How much of a file's start is shown to `sniff`; it needs 12 bytes."""

_COPY_BYTES: Final = 1 << 20
_MPEG_VERSIONS: Final = (0b00, 0b10, 0b11)


class Kind(StrEnum):
    """What a file is, as its first bytes say."""

    WAV = "WAV"
    FLAC = "FLAC"
    OGG = "Ogg"
    MP3 = "MP3"
    AIFF = "AIFF"
    MIDI = "MIDI"
    NPY = "NPY"
    UNKNOWN = "unknown"


AUDIO_SUFFIXES: Final = frozenset({".wav", ".flac", ".ogg", ".mp3", ".aiff", ".aif"})
"""How the names of audio files end, where a folder is searched for them."""


class Encoding(StrEnum):
    """How a sample is stored in a WAV file."""

    FLOAT32 = "float32"
    PCM16 = "pcm16"
    PCM24 = "pcm24"
    PCM32 = "pcm32"


@dataclass
class Input:
    """An open input.

    Attributes:
        name: the path as given, or "<stdin>"; for messages.
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

    def read_bytes(self) -> bytes:
        """Return the whole input; for kinds that are small."""
        self.file.seek(0)
        return self.file.read()


def sniff(head: bytes) -> Kind:
    """Tell what a file is from its first bytes (`HEAD_BYTES` of them), never from its name."""
    if head[:4] in (b"RIFF", b"RF64", b"RIFX") and head[8:12] == b"WAVE":
        return Kind.WAV
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return Kind.AIFF
    for magic, kind in (
        (b"fLaC", Kind.FLAC),
        (b"OggS", Kind.OGG),
        (b"MThd", Kind.MIDI),
        (b"\x93NUMPY", Kind.NPY),
        (b"ID3", Kind.MP3),
    ):
        if head.startswith(magic):
            return kind
    return Kind.MP3 if _is_mpeg_frame(head) else Kind.UNKNOWN


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
    """Open a path, or stdin for "-", as a seekable file at its start.

    Pipes (stdin, FIFOs, process substitution) are spooled to an unlinked temporary file, so that
    memory stays constant; it lies in TMPDIR.

    Raises:
        MissingInputError: it does not exist, is a folder, or may not be read.
        BadDataError: it is empty.
        StreamError: reading failed, or there is no room for the spool.
        UsageError: stdin is a terminal.
    """
    name = STDIN_NAME if path == "-" else path
    if path == "-" and _is_terminal(0):
        raise UsageError("stdin is a terminal", "name a FILE, or pipe one in")
    try:
        source = cast(BinaryIO, io.FileIO(0 if path == "-" else path, closefd=path != "-"))
    except (OSError, ValueError) as failure:
        raise _input_failure(name, failure) from failure
    with source:
        file = source if _is_plain_file_at_start(source, name) else _spool(source, name)
        try:
            try:
                head = file.read(HEAD_BYTES)
                file.seek(0)
            except OSError as failure:
                raise _input_failure(name, failure) from failure
            if not head:
                raise BadDataError(f"{name} is empty")
            yield Input(name, file, sniff(head))
        finally:
            file.close()


@contextmanager
def open_output(path: str | None, *, text: bool = False) -> Iterator[BinaryIO]:
    """Open an output for writing: a path, or stdout for None and "-".

    A regular file is written under a temporary name in the same folder, synced, and renamed over
    the old one when the block ends. When the block fails, or a signal ends it, the temporary file
    is removed and the old one is untouched. A symbolic link is followed; the permissions of an
    existing file are kept. Devices and FIFOs are written directly. Folders are never made.

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
        yield cast(BinaryIO, _Sink(1, STDOUT_NAME, seekable=False))
        return
    if not path:
        raise UsageError("an output's name is empty")
    target = Path(path)
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        mode = None
    except (OSError, ValueError) as failure:
        raise _output_failure(path, failure) from failure
    if mode is not None and stat.S_ISDIR(mode):
        raise OutputError(f"{path} is a folder", "name a file")
    if mode is not None and not stat.S_ISREG(mode):
        with _direct(path, text=text) as sink:
            yield sink
        return
    with _atomic(path, mode) as sink:
        yield sink


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
    status = None
    try:
        target = Path(os.path.realpath(path))
        with suppress(FileNotFoundError):
            status = Path(path).stat()
    except (OSError, ValueError) as failure:
        raise _output_failure(path, failure) from failure
    if status is not None and stat.S_ISDIR(status.st_mode):
        raise OutputError(f"{path} is a folder", "name a file")
    if status is not None and not stat.S_ISREG(status.st_mode):
        # A pipe's real path ("/proc/9/fd/pipe:[8]") names nothing, in a folder that none may write.
        if not os.access(path, os.W_OK):
            raise OutputError(f"cannot write {path}: {os.strerror(errno.EACCES)}")
        return
    if not target.parent.is_dir():
        raise _output_failure(path, FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)))
    if not os.access(target if target.exists() else target.parent, os.W_OK):
        raise OutputError(f"cannot write {path}: {os.strerror(errno.EACCES)}")


def spool_failure(name: str, failure: OSError) -> StreamError:
    """Return the error of a temporary file, of what is so named, that has no room in TMPDIR."""
    try:
        folder = tempfile.gettempdir()
    except OSError:  # none can be written to
        folder = os.environ.get("TMPDIR", "/tmp")
    return StreamError(
        f"cannot buffer {name} in {folder}: {failure.strerror or failure}",
        "set TMPDIR to a folder with room",
    )


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
        raise _write_failure(STDOUT_NAME, failure) from failure


def abandon_stdout() -> None:
    """Point stdout at /dev/null, so that the flush at the interpreter's end cannot fail."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)


class _Sink(io.RawIOBase):
    """A descriptor to write to: whole writes only, failures as `DrumkitError`s."""

    def __init__(self, descriptor: int, name: str, *, seekable: bool) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._name = name
        self._seekable = seekable

    @property
    def name(self) -> str:
        return self._name

    def fileno(self) -> int:
        return self._descriptor

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._seekable

    def write(self, data: "Buffer") -> int:
        try:
            return _write_all(self._descriptor, data)
        except BrokenPipeError:
            raise
        except OSError as failure:
            raise _write_failure(self._name, failure) from failure

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if not self._seekable:
            raise io.UnsupportedOperation(f"{self._name} cannot seek")
        return os.lseek(self._descriptor, offset, whence)

    def tell(self) -> int:
        return self.seek(0, os.SEEK_CUR)

    def truncate(self, size: int | None = None) -> int:
        size = self.tell() if size is None else size
        os.ftruncate(self._descriptor, size)
        return size


@contextmanager
def _direct(path: str, *, text: bool) -> Iterator[BinaryIO]:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    except OSError as failure:
        raise _output_failure(path, failure) from failure
    try:
        if not text and os.isatty(descriptor):
            raise UsageError(f"{path} is a terminal", "binary data needs -o FILE or a pipe")
        yield cast(BinaryIO, _Sink(descriptor, path, seekable=False))
    finally:
        os.close(descriptor)


@contextmanager
def _atomic(path: str, mode: int | None) -> Iterator[BinaryIO]:
    target = Path(os.path.realpath(path))
    if mode is not None and not os.access(target, os.W_OK):
        raise OutputError(f"cannot write {path}: {os.strerror(errno.EACCES)}")
    # The name is chosen before the file is made, so that a signal in between cannot leave one.
    temporary = target.with_name(f".drumkit-{secrets.token_hex(8)}.tmp")
    descriptor = -1
    try:
        try:
            descriptor = os.open(
                temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666
            )
            if mode is not None:
                os.fchmod(descriptor, stat.S_IMODE(mode))
        except OSError as failure:
            raise _output_failure(path, failure) from failure
        yield cast(BinaryIO, _Sink(descriptor, path, seekable=True))
        try:
            _sync(descriptor)
            temporary.replace(target)
        except OSError as failure:
            raise _write_failure(path, failure) from failure
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def _sync(descriptor: int) -> None:
    try:
        os.fsync(descriptor)
    except OSError as failure:  # some network and FUSE file systems cannot
        if failure.errno not in (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS):
            raise


def _is_terminal(descriptor: int) -> bool:
    try:
        return os.isatty(descriptor)
    except OSError:
        return False


def _is_mpeg_frame(head: bytes) -> bool:
    """Tell whether a valid MPEG audio layer III frame header comes first."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return False
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    bit_rate, rate = head[2] >> 4, head[2] >> 2 & 3
    return version in _MPEG_VERSIONS and layer == 1 and 0 < bit_rate < 15 and rate < 3


def _is_plain_file_at_start(source: BinaryIO, name: str) -> bool:
    try:
        status = os.fstat(source.fileno())
        if stat.S_ISDIR(status.st_mode):
            raise MissingInputError(f"{name} is a folder", "name a file")
        return stat.S_ISREG(status.st_mode) and os.lseek(source.fileno(), 0, os.SEEK_CUR) == 0
    except OSError as failure:
        raise _input_failure(name, failure) from failure


def _spool(source: BinaryIO, name: str) -> BinaryIO:
    """Copy a pipe to an unlinked temporary file."""
    try:
        spool = tempfile.TemporaryFile(prefix="drumkit-", buffering=0)  # noqa: SIM115 - closed by the caller
    except OSError as failure:
        raise spool_failure(name, failure) from failure
    try:
        while block := _read_some(source, name):
            try:
                _write_all(spool.fileno(), block)
            except OSError as failure:
                raise spool_failure(name, failure) from failure
        spool.seek(0)
    except BaseException:
        spool.close()
        raise
    return cast(BinaryIO, spool)


def _read_some(source: BinaryIO, name: str) -> bytes:
    try:
        return os.read(source.fileno(), _COPY_BYTES)
    except OSError as failure:
        raise _input_failure(name, failure) from failure


def _write_all(descriptor: int, data: "Buffer") -> int:
    rest = memoryview(data).cast("B")
    total = len(rest)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
    return total


def _input_failure(name: str, failure: OSError | ValueError) -> DrumkitError:
    if isinstance(failure, ValueError):  # a null character in the path
        return MissingInputError(f"cannot read {name!r}: {failure}")
    reason = failure.strerror or str(failure)
    if failure.errno == errno.EISDIR:
        return MissingInputError(f"{name} is a folder", "name a file")
    if failure.errno in (errno.EIO, errno.EBADF, errno.ENOMEM, errno.ESTALE):
        return StreamError(f"cannot read {name}: {reason}")
    return MissingInputError(f"cannot read {name}: {reason}")


def _output_failure(path: str, failure: OSError | ValueError) -> DrumkitError:
    if isinstance(failure, ValueError):
        return OutputError(f"cannot write {path!r}: {failure}")
    if failure.errno == errno.ENOENT:
        return OutputError(f"cannot write {path}: its folder does not exist", "make it first")
    return OutputError(f"cannot write {path}: {failure.strerror or failure}")


def _write_failure(name: str, failure: OSError) -> StreamError:
    return StreamError(f"cannot write {name}: {failure.strerror or failure}")
