"""Tables of figures, for people (aligned text) and for programs (JSON)."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

Cell = str | int | float | None


@dataclass(frozen=True)
class Table:
    """A table of figures with what a reader must know of them below.

    A cell that is None, NaN or infinite has no figure: "-" in text and null in JSON. Raises
    ValueError for a row whose length is not that of the columns.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    notes: Sequence[str] = ()

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"{len(row)} cells under {len(self.columns)} columns: {row}")

    def to_text(self) -> str:
        """The title, a header, aligned rows (numbers to the right) and the notes, as lines."""
        cells = [[_words(column) for column in self.columns]]
        cells += [[_text(cell) for cell in row] for row in self.rows]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        right = [_is_numeric(column) for column in zip(*self.rows, strict=True)]
        right = right or [False] * len(widths)
        lines = [
            "  ".join(
                cell.rjust(width) if to_right else cell.ljust(width)
                for cell, width, to_right in zip(row, widths, right, strict=True)
            ).rstrip()
            for row in cells
        ]
        rule = "  ".join("-" * width for width in widths)
        lines = [_words(self.title), "", lines[0], rule, *lines[1:]]
        if self.notes:
            lines += ["", *(_words(note) for note in self.notes)]
        return "\n".join(lines) + "\n"

    def to_json(self) -> str:
        """One line of JSON: an object of title, columns, rows and notes, floats unrounded."""
        return json.dumps(
            {
                "title": self.title,
                "columns": list(self.columns),
                "rows": [[_finite(cell) for cell in row] for row in self.rows],
                "notes": list(self.notes),
            },
            ensure_ascii=False,
            allow_nan=False,
        )


def _is_numeric(column: Sequence[Cell]) -> bool:
    """Whether a column holds figures, some of which may be missing."""
    return all(cell is None or isinstance(cell, int | float) for cell in column)


def _finite(cell: Cell) -> Cell:
    """The cell, None for a float that is no figure."""
    return None if isinstance(cell, float) and not math.isfinite(cell) else cell


def _text(cell: Cell) -> str:
    """A cell for people: two decimals, or two significant digits below 0.01."""
    cell = _finite(cell)
    if cell is None:
        return "-"
    if isinstance(cell, float):
        return f"{cell:.2g}" if 0 < abs(cell) < 0.01 else f"{cell:.2f}"
    return _words(str(cell))


def _words(text: str) -> str:
    """The text in one line."""
    return " ".join(text.split())
