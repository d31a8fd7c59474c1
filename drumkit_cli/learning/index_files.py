"""CSV files that say what a folder of training data holds."""

from __future__ import annotations

import csv
from pathlib import Path

from drumkit_cli.errors import BadDataError, MissingInputError


def read_index(path: Path, *columns: str) -> list[dict[str, str]]:
    """The rows of a CSV file of the data, which has these columns.

    Raises:
        MissingInputError: it is not there.
        BadDataError: it lacks a column, or is no text.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            rows, names = list(reader), reader.fieldnames or ()
    except OSError as error:
        raise MissingInputError(f"cannot read {path}: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadDataError(f"{path}: not a table ({error})") from error
    for column in columns:
        if column not in names:
            raise BadDataError(f"{path}: no column {column}")
    return rows
