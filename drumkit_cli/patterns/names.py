"""Names of what is read: a file, or a pattern that ships, such as techno:3."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from drumkit_cli.errors import MissingInputError, UsageError
from drumkit_cli.io.streams import check_input
from drumkit_cli.patterns.genres import GENRES

_NAME: Final = re.compile(r"([a-z]+):(\d{1,9})", re.ASCII)


def shipped_pattern(name: str) -> tuple[str, int] | None:
    """The genre and number of a pattern that ships; None for any other name.

    A file that is called like a pattern must be named with its folder (./techno:3).

    Raises:
        UsageError: no pattern of that number.
    """
    match = _NAME.fullmatch(name)
    if not match or match[1] not in GENRES:
        return None
    genre, number, count = match[1], int(match[2]), GENRES[match[1]].count
    if not 1 <= number <= count:
        raise UsageError(f"no pattern {name}", f"{genre}:1 to {genre}:{count} ship")
    return genre, number


def check_song(name: str) -> None:
    """Refuse before slow imports what is neither a file to be read nor a pattern that ships.

    Raises:
        UsageError: no pattern of that number.
        MissingInputError: neither a file nor a pattern.
        BadDataError: the file is empty.
    """
    if shipped_pattern(name) is None:
        with told_of_patterns(name):
            check_input(name)


@contextmanager
def told_of_patterns(name: str) -> Iterator[None]:
    """Tell of patterns, too, where a name without folder is not there."""
    try:
        yield
    except MissingInputError as error:
        if "/" in name or os.path.lexists(name):
            raise
        raise MissingInputError(
            f"{name}: no such file or pattern", "drumkit interpolate --list names the patterns"
        ) from error
