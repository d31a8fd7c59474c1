"""Plot of the grades of drums, like the paper's Figures 3 and 4."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from drumkit_cli.grading.buckets import BUCKETS, NAMES
from drumkit_cli.grading.grader import Grade

TOP_GRADE = BUCKETS[-1].high


def draw_grades(grades: Mapping[str, Sequence[Grade]]) -> Figure:
    """Shares of clips with each grade, rounded, and in each bucket of grades.

    Args:
        grades: those of the clips of each sound, by its name.
    """
    figure = Figure(figsize=(11, 4.5), dpi=120, layout="constrained")
    left, right = figure.subplots(1, 2)
    rounded = {name: [int(clip.grade + 0.5) for clip in of] for name, of in grades.items()}
    _draw_shares(left, rounded, [str(grade) for grade in range(TOP_GRADE + 1)])
    left.set(title="Grades of clips, rounded", xlabel="grade", ylabel="share of the clips")
    buckets = {name: [NAMES.index(clip.bucket) for clip in of] for name, of in grades.items()}
    _draw_shares(right, buckets, NAMES)
    right.set(title="Buckets of grades", xlabel="grades")
    figure.legend(*left.get_legend_handles_labels(), loc="outside right upper")
    return figure


def _draw_shares(axes: Axes, values: Mapping[str, Sequence[int]], labels: Sequence[str]) -> None:
    """Bars side by side: for each name the shares of its values among 0, 1, 2, ..."""
    width = 0.8 / len(values)
    for number, (name, of) in enumerate(values.items()):
        shares = np.bincount(of, minlength=len(labels)) / max(len(of), 1)
        places = np.arange(len(labels)) + (number - (len(values) - 1) / 2) * width
        axes.bar(places, shares, width, label=name)
    axes.set_xticks(range(len(labels)), labels)
    axes.set_ylim(0, 1)
