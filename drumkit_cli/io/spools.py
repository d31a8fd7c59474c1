"""Temporary files that hold what cannot be gone back in; they lie in TMPDIR and have no name."""

import os
import tempfile
from collections.abc import Iterable
from typing import BinaryIO, cast

from drumkit_cli.errors import StreamError
from drumkit_cli.io.sinks import write_all


def spool(name: str, blocks: Iterable[bytes]) -> BinaryIO:
    """Write blocks to an unlinked temporary file, and return it at its start, unbuffered.

    Args:
        name: of what the blocks are, for messages.
        blocks: the content; what getting them raises passes.

    Raises:
        StreamError: there is no room.
    """
    try:
        file = tempfile.TemporaryFile(prefix="drumkit-", buffering=0)  # noqa: SIM115 - closed by the caller
    except OSError as failure:
        raise spool_failure(name, failure) from failure
    try:
        for block in blocks:
            try:
                write_all(file.fileno(), block)
            except OSError as failure:
                raise spool_failure(name, failure) from failure
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return cast(BinaryIO, file)


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
