"""Plot of metrical trends and genre confusion, like the paper's Figures 4 and 5."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from drumkit_cli.groove.network.windowing import GENRES

POSITIONS: Final = ("1", "e", "&", "a")

Trends = Mapping[str, Mapping[str, NDArray[np.float64]]]


def draw_groove(real: Trends, made: Trends, confusions: Mapping[str, NDArray[np.int64]]) -> Figure:
    """Mean velocity and timing at each sixteenth of a beat, and confusion matrices.

    Args:
        real: means and deviations ``[4, 2]`` of "velocity" and "timing" of test data, by genre.
        made: the same of reconstructions.
        confusions: title to counts ``[6, 6]``; rows are genres of templates, columns predictions.
    """
    figure = Figure(figsize=(11, 9), dpi=120, layout="constrained")
    grid = figure.subplots(2, 2)
    for axes, kind, unit in zip(
        grid[0], ("velocity", "timing"), ("0 to 1", "in half sixteenths"), strict=True
    ):
        _draw_trends(axes, real, made, kind)
        axes.set(title=f"Mean {kind} at each place of a beat", ylabel=f"{kind}, {unit}")
    figure.legend(*grid[0][0].get_legend_handles_labels(), loc="outside right upper")
    for axes, (title, counts) in zip(grid[1], confusions.items(), strict=True):
        _draw_confusion(axes, counts)
        axes.set(title=title, xlabel="classified as", ylabel="template of")
    return figure


def _draw_trends(axes: Axes, real: Trends, made: Trends, kind: str) -> None:
    for number, genre in enumerate(GENRES):
        if genre in real:
            color = f"C{number}"
            axes.plot(POSITIONS, made[genre][kind][:, 0], "o-", color=color, label=genre)
            label = f"{genre}, test data"
            axes.plot(POSITIONS, real[genre][kind][:, 0], "x:", color=color, label=label)


def _draw_confusion(axes: Axes, counts: NDArray[np.int64]) -> None:
    """Draw the shares of each row as shades and numbers; a row without templates stays blank."""
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    ticks = range(len(GENRES))
    axes.set_xticks(ticks, GENRES, rotation=30)
    axes.set_yticks(ticks, GENRES)
    for row, column in np.ndindex(*counts.shape):
        if counts[row].any():
            shade = "white" if shares[row, column] > 0.5 else "black"
            share = f"{shares[row, column]:.2f}"
            axes.text(column, row, share, ha="center", va="center", color=shade, fontsize="small")
