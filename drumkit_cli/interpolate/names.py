"""What START and GOAL of a transition name: a file or a shipped pattern, and measures of it."""

import os
import re
from typing import Final

from drumkit_cli.errors import UsageError
from drumkit_cli.midi.selection import WHOLE, Selection, parse_selection

_MEASURES: Final = re.compile(r"(.+)@(\d[\d,-]*)", re.DOTALL | re.ASCII)


def split_measures(name: str, otherwise: Selection = WHOLE) -> tuple[str, Selection]:
    """The file or pattern that a name stands for, and the part of it.

    "@17", "@1-4" or "@1-2,7-8" after it takes these measures of it, counted from 1. A file whose
    own name ends in "@17" is read as a whole.

    Args:
        name: as given.
        otherwise: the part where the name tells no measures, whose drums hold for all.

    Raises:
        UsageError: measures that cannot be.
    """
    match = _MEASURES.fullmatch(name)
    if not match or os.path.lexists(name):
        return name, otherwise
    try:
        told = parse_selection(match[2], None)
    except UsageError as error:
        raise UsageError(f"{name}: measures count from 1, as in {match[1]}@1-4") from error
    return match[1], Selection(told.bars, otherwise.pitches)
