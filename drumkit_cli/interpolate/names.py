"""What START and GOAL of a transition name: a file or a shipped pattern, and measures of it."""

import os
import re
from typing import Final, NamedTuple

from drumkit_cli.errors import MissingInputError, UsageError
from drumkit_cli.io.streams import check_input
from drumkit_cli.patterns.genres import GENRES

_NAME: Final = re.compile(r"([a-z]+):(\d{1,9})")
_MEASURES: Final = re.compile(r"(.+)@(\d{1,9})(?:-(\d{1,9}))?", re.DOTALL)


class Named(NamedTuple):
    """A file, or the genre and number of a shipped pattern, and the measures of it to take."""

    path: str
    shipped: tuple[str, int] | None
    measures: range | None


def find_named(name: str) -> Named:
    """Tell what a name stands for: a MIDI or NPY file, stdin for "-", or a shipped pattern.

    "@17" or "@1-4" after it takes these measures of it, counted from 1. A file that is called like
    a pattern must be named with its folder (./techno:3); a file whose own name ends in "@17" is
    read as a whole.

    Raises:
        UsageError: no pattern of that number; measures that cannot be.
        MissingInputError: neither a file nor a pattern.
        BadDataError: the file is empty.
    """
    path, measures = name, None
    match = _MEASURES.fullmatch(name)
    if match and not os.path.lexists(name):
        path, first, last = match.groups()
        measures = range(int(first), int(last or first) + 1)
        if not measures or not measures[0]:
            raise UsageError(f"{name}: measures count from 1, as in {path}@1-4")
    shipped = _NAME.fullmatch(path)
    if shipped and shipped[1] in GENRES:
        genre, number, count = shipped[1], int(shipped[2]), GENRES[shipped[1]].count
        if not 1 <= number <= count:
            raise UsageError(f"no pattern {genre}:{number}", f"{genre}:1 to {genre}:{count} ship")
        return Named(path, (genre, number), measures)
    try:
        check_input(path)
    except MissingInputError as error:
        if not os.path.lexists(path) and (shipped or "/" not in path):
            raise MissingInputError(
                f"{path}: no such file or pattern", "drumkit interpolate --list names the patterns"
            ) from error
        raise
    return Named(path, None, measures)
