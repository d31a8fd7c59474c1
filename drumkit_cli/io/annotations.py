"""Text files that annotate recordings: a line an event, which is a time and a word."""

from pathlib import Path

from drumkit_cli.errors import BadDataError


def read_annotations(path: Path) -> list[tuple[float, str]]:
    """Seconds and word of each line of a text; further words and empty lines are left out.

    Raises:
        BadDataError: it is no text, or a line has no number and word.
    """
    events = []
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.strip():
                seconds, word = line.split()[:2]
                events.append((float(seconds), word))
    except ValueError as error:
        raise BadDataError(f"{path}: not lines of a time and a word") from error
    return events


def read_beats(path: Path) -> list[tuple[float, float]]:
    """Seconds, and number in the bar, of each line of a text.

    Raises:
        BadDataError: as `read_annotations`, or a word is no number.
    """
    try:
        return [(seconds, float(number)) for seconds, number in read_annotations(path)]
    except ValueError as error:
        raise BadDataError(f"{path}: not lines of a time and a number") from error
