"""Lists of numbers, one for each sixteenth, in an argument or a file, as `--feel` takes them."""

import math
import os
import re
from collections.abc import Sequence
from typing import Final

from drumkit_cli.arguments import STEPS_MAX
from drumkit_cli.errors import BadDataError, MissingInputError, UsageError
from drumkit_cli.io.streams import open_input

_LIST: Final = re.compile(r"(?=.*\d)[-+.\d,\s]+", re.ASCII)


def read_number_list(
    text: str,
    option: str,
    lowest: float,
    highest: float,
    *,
    whole: bool = False,
    words: Sequence[str] = (),
) -> tuple[float, ...]:
    """Read a list such as ``5,2,3,2``, or a file of numbers with comments after "#".

    Args:
        text: the list, or the name of a file ("-" for stdin); an existing file takes precedence.
        option: name of the option, for messages.
        lowest: smallest allowed value.
        highest: largest allowed value.
        whole: whether values must be whole numbers.
        words: other values of the option, for messages.

    Raises:
        UsageError: the list has something else.
        BadDataError: the file has something else, or no numbers; the message names the line.
        MissingInputError: there is no such file; the message says what the option takes.
    """
    if _LIST.fullmatch(text) and not os.path.lexists(text):
        try:
            return _numbers(text, lowest, highest, whole=whole)
        except ValueError as error:
            raise UsageError(f"{option}: {error}") from error
    try:
        return _read_file(text, option, lowest, highest, whole=whole)
    except MissingInputError as error:
        takes = ", ".join((*words, "a list of numbers or a file of them"))
        raise MissingInputError(error.cause, f"{option} takes {takes}") from error


def _read_file(
    path: str, option: str, lowest: float, highest: float, *, whole: bool
) -> tuple[float, ...]:
    values: list[float] = []
    with open_input(path) as source:
        try:
            lines = source.read_bytes().decode("utf-8-sig").splitlines()
        except UnicodeDecodeError as error:
            raise BadDataError(f"{source.name} is no text", _remedy(option)) from error
        for number, line in enumerate(lines, 1):
            try:
                values += _numbers(line.partition("#")[0], lowest, highest, whole=whole)
            except ValueError as error:
                raise BadDataError(
                    f"{source.name}, line {number}: {error}", _remedy(option)
                ) from error
        if not 0 < len(values) <= STEPS_MAX:
            raise BadDataError(f"{source.name} has {len(values):,} values", _remedy(option))
    return tuple(values)


def _numbers(text: str, lowest: float, highest: float, *, whole: bool) -> tuple[float, ...]:
    """Parse numbers separated by commas or white space.

    Raises:
        ValueError: something is not a number, or out of range.
    """
    values = []
    for word in text.replace(",", " ").split():
        try:
            value = float(word)
        except ValueError:
            raise ValueError(f"{word[:20]!r} is no number") from None
        if not math.isfinite(value) or not lowest <= value <= highest:
            raise ValueError(f"{word[:20]} is not within {lowest:g} and {highest:g}")
        if whole and not value.is_integer():
            raise ValueError(f"{word[:20]} is no whole number")
        values.append(value)
    return tuple(values)


def _remedy(option: str) -> str:
    return f"{option} takes a number for each sixteenth"
