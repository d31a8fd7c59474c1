"""Grades that people gave, in place of the ladder's: the regressions are fitted to them anew.

The grades are a CSV file with the columns ``drums`` and ``grade`` (0 to 9), and perhaps
``reference`` and ``bass``: paths of audio files, relative to the CSV file. The network and its
Gaussians of real drums stay as they are.
"""

import math
from dataclasses import asdict
from pathlib import Path
from typing import Final

import numpy as np

from drumkit_cli import console
from drumkit_cli.errors import BadDataError
from drumkit_cli.grading.buckets import BUCKETS, bucket_of
from drumkit_cli.grading.config import GraderConfig
from drumkit_cli.grading.grader import Grader
from drumkit_cli.grading.songs import load_mono
from drumkit_cli.grading.windows import sound_of, windows_of
from drumkit_cli.io.arrays import Floats
from drumkit_cli.learning.checkpoint import load_weights, save_weights
from drumkit_cli.learning.index_files import read_index
from drumkit_cli.score.regression import fit_regressions

LEAST_FILES: Final = 8


def fit_grades(table: Path, output: Path) -> None:
    """Fit the regressions of the installed weights to graded files; write weights.

    Raises:
        MissingInputError: the table or a file of it cannot be read.
        BadDataError: it lacks a column, holds fewer than eight files or grades of one bucket only,
            or a grade is no number from 0 to 9; or a file is damaged.
        OutputError: the weights cannot be written.
        UnavailableError: no weights are installed.
    """
    rows = read_index(table, "drums", "grade")
    grades = [_grade(row["grade"], table) for row in rows]
    if len(rows) < LEAST_FILES or len({bucket_of(grade) for grade in grades}) < 2:
        raise BadDataError(f"{table}: fewer than {LEAST_FILES} files, or grades of one bucket only")
    checkpoint = load_weights("score")
    grader, config = Grader(checkpoint), checkpoint.restore(GraderConfig)
    features, targets = [], []
    with console.progress(len(rows), "measuring drums") as bar:
        for row, grade in zip(rows, grades, strict=True):
            of_file = _features(row, table.parent, grader)
            features += of_file
            targets += [grade] * len(of_file)
            bar.advance(1)
    fitted = fit_regressions(config, np.stack(features), np.array(targets, np.float32))
    save_weights(
        output,
        {**checkpoint.tensors, **vars(fitted)},
        feature="score",
        config=asdict(config),
        card={**checkpoint.card, "grades": f"{len(rows)} files of {table.name}"},
        graphs=checkpoint.graphs,
        half=False,
    )


def _grade(text: str, table: Path) -> float:
    try:
        grade = float(text)
    except ValueError as error:
        raise BadDataError(
            f"{table}: {text!r} is no grade", "write a number from 0 to 9"
        ) from error
    if not BUCKETS[0].low <= grade <= BUCKETS[-1].high or math.isnan(grade):
        raise BadDataError(f"{table}: a grade of {text} is not within 0 to 9")
    return grade


def _features(row: dict[str, str], folder: Path, grader: Grader) -> list[Floats]:
    """Features of each window of a file; those of sounds that are not given are 0."""
    made = load_mono(folder / row["drums"])
    real, low = (
        sound_of(load_mono(folder / name) if (name := row.get(column)) else None)
        for column in ("reference", "bass")
    )
    return [grader.measure(*window)[0] for window in windows_of(lambda: [made], real, low)]
