"""Grades of clips of drums by the grader, as CycleDRUMS gives them in its Figures 3 and 4."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from drumkit_cli.grading.buckets import NAMES
from drumkit_cli.grading.features import WINDOW_SAMPLES
from drumkit_cli.grading.grader import Grade, Grader
from drumkit_cli.io.arrays import Floats

GRADE_FIGURES: Final = (*NAMES, "6-9", "grade")
"""Shares of the clips in the buckets and in the upper two, and their mean grade."""


def grade_clips(
    grader: Grader, drums: Floats, bass: Floats, reference: Floats | None = None
) -> list[Grade]:
    """Grade mono drums `[n]`, clip by clip, beside the bass and perhaps the real drums.

    Clips are as long as a window of the grader, 5.9 s; what is left at the end is not graded.
    """
    starts = range(0, max(len(drums) - WINDOW_SAMPLES, 0) + 1, WINDOW_SAMPLES)
    clips = [slice(start, start + WINDOW_SAMPLES) for start in starts]
    return [
        grader.grade(drums[clip], None if reference is None else reference[clip], bass[clip])
        for clip in clips
    ]


def mean_grade(grades: Sequence[Grade]) -> float:
    """The mean of one or more grades."""
    return float(np.mean([grade.grade for grade in grades]))


def summarise(grades: Sequence[Grade]) -> list[float]:
    """The values of `GRADE_FIGURES` of one or more clips."""
    shares = [float(np.mean([grade.bucket == name for grade in grades])) for name in NAMES]
    return [*shares, sum(shares[2:]), mean_grade(grades)]
