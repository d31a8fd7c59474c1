"""CSV files that describe the contents of folders of training data."""

import csv
from pathlib import Path

from drumkit_cli.errors import BadDataError, MissingInputError


def read_index(path: Path, *columns: str) -> list[dict[str, str]]:
    """Read the rows of a CSV file with a header.

    Raises:
        MissingInputError: the file cannot be read.
        BadDataError: it is not a table, or lacks one of the columns.
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
