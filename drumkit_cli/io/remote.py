"""Files behind URLs such as ``s3://bucket/song.wav``: fetched whole, and put whole.

fsspec knows the stores; it is imported when a URL is met. What a store raises becomes one line.
"""

import errno
import hashlib
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, cast

from drumkit_cli.errors import (
    DrumkitError,
    MissingInputError,
    OutputError,
    StreamError,
    UnavailableError,
    UsageError,
)
from drumkit_cli.io.extras import require_extra
from drumkit_cli.io.sinks import Sink
from drumkit_cli.io.spools import spool

_BLOCK_BYTES: Final = 8 << 20
"""What is asked of a store at once; S3 takes uploads in parts of at least 5 MiB."""
_STAMPS: Final = (
    "ETag", "etag", "md5Hash", "Content-MD5", "mtime", "LastModified", "Last-Modified",
    "last_modified", "created",
)  # fmt: skip
"""What stores call the checksum of a file or, where there is none, the time of its last change."""


@dataclass(frozen=True)
class State:
    """What tells without reading a file whether it has changed.

    Attributes:
        size: in bytes.
        stamp: a checksum or time, as its store says it; "" where it says none.
    """

    size: int
    stamp: str


_known: Final[dict[str, tuple[State, str]]] = {}
"""SHA-256 of what this process has read or written, by URL, and the state it was in."""


def blocks(url: str) -> Iterator[bytes]:
    """The content of a file, block by block.

    Raises:
        MissingInputError: it does not exist, is a folder, or may not be read.
        StreamError: the store cannot be reached, or reading failed.
        UnavailableError: the package for its store is not installed.
        UsageError: there is no such store.
    """
    with _told(url, "read", MissingInputError):
        store, path = _store(url)
        before, digest = state_of(url), hashlib.sha256()
        if before is None and store.isdir(path):
            raise IsADirectoryError(path)
        with store.open(path, "rb", block_size=_BLOCK_BYTES) as file:
            while block := file.read(_BLOCK_BYTES):
                digest.update(block)
                yield block
        _remember(url, before, digest.hexdigest())


@contextmanager
def open_whole(url: str) -> Iterator[BinaryIO]:
    """Open a temporary file that is put at the URL when the block ends without failure.

    Raises:
        OutputError: the URL may not be written to.
        StreamError: there is no room, or the store cannot be reached.
    """
    with spool(url, ()) as file:
        name = f"{url} (in {tempfile.gettempdir()} until it is whole)"
        yield cast(BinaryIO, Sink(file.fileno(), name, seekable=True))
        with _told(url, "write", OutputError):
            store, path = _store(url)
            try:
                sha256 = _put(file, store, path)
            except FileNotFoundError:  # of a store that has folders
                _make_folder(store, path)
                sha256 = _put(file, store, path)
        _remember(url, state_of(url), sha256)


def state_of(url: str) -> State | None:
    """The state of a file; None where no file is. Raises as `blocks`."""
    with _told(url, "read", MissingInputError):
        store, path = _store(url)
        try:
            facts = store.info(path)
        except FileNotFoundError:
            return None
        if facts["type"] == "directory":
            return None
        stamp = next((str(facts[name]) for name in _STAMPS if facts.get(name)), "")
        return State(facts.get("size") or 0, stamp)


def sha256(url: str) -> str:
    """The SHA-256 of a file, which is read only if this process has not done so; as `blocks`."""
    state, known = state_of(url), _known.get(url)
    if state is not None and state.stamp and known is not None and known[0] == state:
        return known[1]
    digest = hashlib.sha256()
    for block in blocks(url):
        digest.update(block)
    return digest.hexdigest()


def is_folder(url: str) -> bool:
    """Whether it is a folder, or what a store of objects calls so. Raises as `blocks`."""
    with _told(url, "read", MissingInputError):
        store, path = _store(url)
        return bool(store.isdir(path))


def names_below(url: str) -> list[str]:
    """The files below a folder that are not empty, by name within it. Raises as `blocks`."""
    with _told(url, "read", MissingInputError):
        store, path = _store(url)
        found: dict[str, Any] = {}
        with suppress(FileNotFoundError):
            found = store.find(path, detail=True)
        root = path.rstrip("/") + "/"
        return sorted(
            name.removeprefix(root) for name, facts in found.items() if facts.get("size") != 0
        )


def heads(urls: Sequence[str], count: int) -> list[bytes | None]:
    """The first bytes of files of one store; None for one that cannot be read."""
    if not urls:
        return []
    with _told(urls[0], "read", MissingInputError):
        store = _store(urls[0])[0]
        paths = [store._strip_protocol(url) for url in urls]
        found = store.cat_ranges(paths, 0, count, on_error="return")
        return [head if isinstance(head, bytes) else None for head in found]


def check_output(url: str) -> None:
    """Refuse a URL that plainly cannot be written to, as a file or a folder.

    Raises:
        OutputError: it may not be written to.
        DrumkitError: as `blocks`.
    """
    if url.startswith(("http://", "https://")):
        raise OutputError(f"cannot write {url}: a web server is only read from")
    with _told(url, "write", OutputError), suppress(FileNotFoundError):
        store, path = _store(url)
        store.info(path)


def _store(url: str) -> tuple[Any, str]:
    """The file system of a URL and the path in it."""
    require_extra("remote", url)
    from fsspec.core import url_to_fs

    scheme = url.partition("://")[0]
    try:
        return cast(tuple[Any, str], url_to_fs(url, use_listings_cache=False))
    except ImportError as failure:
        remedy = "pip install 'drumkit[remote]'" if scheme == "s3" else ""
        raise UnavailableError(f"{url}: {failure}", remedy) from failure
    except ValueError as failure:
        raise UsageError(f"{url}: {failure}", f"a file of that name is ./{url}") from failure


def _put(file: BinaryIO, store: Any, path: str) -> str:  # noqa: ANN401 - fsspec has no types
    """Write a file at once, or nothing if that fails; its SHA-256."""
    digest = hashlib.sha256()
    file.seek(0)
    with store.transaction, store.open(path, "wb", block_size=_BLOCK_BYTES) as sink:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
            sink.write(block)
    return digest.hexdigest()


def _make_folder(store: Any, path: str) -> None:  # noqa: ANN401 - as above
    """Make the folder of a path; but no bucket, since that may cost, and may be misspelt."""
    first = re.match("/?[^/]*", path)
    if first is None or not store.isdir(first[0]):
        raise FileNotFoundError(path)
    store.makedirs(path.rpartition("/")[0], exist_ok=True)


def _remember(url: str, state: State | None, sha256: str) -> None:
    if state is not None:
        _known[url] = state, sha256


@contextmanager
def _told(url: str, verb: str, refused: type[DrumkitError]) -> Iterator[None]:
    """Turn what a store raises into a `DrumkitError`."""
    try:
        yield
    except (DrumkitError, MemoryError):
        raise
    except IsADirectoryError as failure:
        raise refused(f"{url} is a folder", "name a file") from failure
    except (FileNotFoundError, NotADirectoryError) as failure:
        if isinstance(failure.__cause__, OSError):  # fsspec's for HTTP says so of any failure
            raise StreamError(f"cannot {verb} {url}: {failure.__cause__}") from failure
        raise refused(f"cannot {verb} {url}: {os.strerror(errno.ENOENT)}") from failure
    except PermissionError as failure:
        raise refused(f"cannot {verb} {url}: {os.strerror(errno.EACCES)}") from failure
    except NotImplementedError as failure:
        raise refused(f"cannot {verb} {url}: its store does not do that") from failure
    except Exception as failure:
        reason = str(failure) or type(failure).__name__
        raise StreamError(f"cannot {verb} {url}: {reason}") from failure
