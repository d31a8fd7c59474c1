"""Grades of files as lines of JSON and as tables, and what many files come to together."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np

from drumkit_cli.grading.buckets import NAMES
from drumkit_cli.grading.features import PARTS
from drumkit_cli.grading.grader import Grade
from drumkit_cli.io.tables import Cell, Table

RESAMPLINGS: Final = 2000
COVERAGE: Final = 0.95
SHOWN: Final = (
    "activity",
    "onset_agreement",
    "beat_agreement",
    "spectral_distance_db",
    "contamination",
    "bass_following",
)
"""Parts that the table of many files has room for."""


@dataclass(frozen=True)
class Item:
    """A file and its grade.

    Attributes:
        file: as given.
        grade: of its drums.
        reference: the file of real drums that it was compared with; None for none.
        bass: the file of the bass; None for none.
    """

    file: str
    grade: Grade
    reference: str | None
    bass: str | None


def json_lines(items: Sequence[Item], seed: int, weights: str) -> str:
    """An object a line for each file, and for several files one more with the summary."""
    made = {"weights": weights} if weights else {}
    lines: list[dict[str, object]] = [
        {
            "file": item.file,
            **asdict(item.grade),
            "reference": item.reference,
            "bass": item.bass,
            **made,
        }
        for item in items
    ]
    if len(items) > 1:
        low, high = interval([item.grade.grade for item in items], seed)
        lines.append(
            {"files": len(items), "mean": mean(items), "interval": [low, high], **tally(items)}
        )
    return "".join(json.dumps(line) + "\n" for line in lines)


def text_table(items: Sequence[Item], seed: int, weights: str) -> str:
    """A table of one file's grade and parts, or of the grades of many with their mean."""
    notes = [f"weights: sha256 {weights[:16]}"] if weights else []
    if any(item.reference is None for item in items):
        notes.insert(0, "without --reference: judged by the sound alone, not by the song's drums")
    if len(items) == 1:
        return _of_one(items[0].grade, notes).to_text()
    low, high = interval([item.grade.grade for item in items], seed)
    counts = ", ".join(f"{name}: {count}" for name, count in tally(items)["buckets"].items())
    covered = f"{COVERAGE:.0%} interval, bootstrap over files"
    notes = [
        f"mean grade {mean(items):.2f}, {low:.2f} to {high:.2f} ({covered})",
        f"files by bucket: {counts}",
        *notes,
    ]
    rows: list[list[Cell]] = [
        [
            item.file,
            item.grade.grade,
            item.grade.bucket,
            *(item.grade.parts[name] for name in SHOWN),
        ]
        for item in items
    ]
    columns = ["file", "grade", "bucket", *(name.replace("_", " ") for name in SHOWN)]
    return Table(f"Grades of {len(items)} files, 0 to 9", columns, rows, notes).to_text()


def mean(items: Sequence[Item]) -> float:
    """The mean grade."""
    return round(float(np.mean([item.grade.grade for item in items])), 4)


def tally(items: Sequence[Item]) -> dict[str, dict[str, int]]:
    """How many files there are in each bucket."""
    counts = Counter(item.grade.bucket for item in items)
    return {"buckets": {name: counts[name] for name in NAMES}}


def interval(grades: Sequence[float], seed: int) -> tuple[float, float]:
    """The bootstrap interval of the mean: B. Efron, "Bootstrap methods" (1979), percentiles."""
    chance = np.random.default_rng(seed)
    drawn = chance.choice(np.asarray(grades), (RESAMPLINGS, len(grades)))
    edges = np.quantile(drawn.mean(1), [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
    return round(float(edges[0]), 4), round(float(edges[1]), 4)


def _of_one(grade: Grade, notes: Sequence[str]) -> Table:
    rows: list[list[Cell]] = [["grade, 0 to 9", f"{grade.grade:.2f}"], ["bucket", grade.bucket]]
    rows += [
        [f"probability of {name}", f"{share:.2f}"] for name, share in grade.probabilities.items()
    ]
    rows += [
        [name.replace("_", " "), "-" if value is None else f"{value:.2f}"]
        for name, value in ((name, grade.parts[name]) for name in PARTS)
    ]
    return Table("Grade of the drums", ["", "value"], rows, notes)
