"""Plot of a path in noise space, like the paper's Figure 6."""

import numpy as np
from matplotlib.figure import Figure

from drumkit_cli.io.arrays import Floats


def draw_path(whole: Floats, walked: Floats) -> Figure:
    """The whole path ``[N, 2]`` and the part that was played, from dot to square."""
    figure = Figure(figsize=(6, 6), dpi=120, layout="constrained")
    axes = figure.add_subplot()
    axes.plot(*whole.T, color="0.8", linewidth=0.6)
    axes.plot(*walked.T, color="tab:red", linewidth=1.2)
    axes.plot(*walked[0], "o", color="black", label="first measure")
    axes.plot(*walked[-1], "s", color="tab:red", label="last measure")
    reach = 1.05 * float(np.abs(whole).max())
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    axes.set(xlabel="Re f", ylabel="Im f", title="Swirl in noise space (Eq. 8)")
    axes.legend(loc="upper right")
    return figure
