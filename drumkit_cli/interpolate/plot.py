"""Plot of transitions among the training patterns, like the paper's Figure 5."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from drumkit_cli.io.arrays import Floats
from drumkit_cli.patterns.statistics import principal_components


def draw_transitions(patterns: Floats, paths: Mapping[str, Floats]) -> Figure:
    """Patterns ``[N, V, T]`` as dots, and named paths ``[L + 1, V, T]``, by PCA."""
    mean, components = principal_components(patterns, 2)

    def place(of: Floats) -> Floats:
        return np.asarray((of.reshape(len(of), -1) - mean) @ components.T, np.float32)

    figure = Figure(figsize=(8, 6.5), dpi=120, layout="constrained")
    axes = figure.add_subplot()
    axes.plot(*place(patterns).T, ".", color="0.2", markersize=1.5, alpha=0.35, label="training")
    for number, (name, path) in enumerate(paths.items()):
        color, points = f"C{number % 10}", place(path)
        axes.plot(*points.T, "o-", color=color, markersize=4, linewidth=1.5, label=name)
        axes.plot(*points[-1], "s", color=color, markersize=8)
    axes.set(xlabel="first component", ylabel="second component", aspect="equal")
    axes.set(title="Transitions among the training patterns (PCA)")
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), title="from, to (square)")
    return figure
