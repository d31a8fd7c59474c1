"""Plot of kick tracks, like the paper's Figure 2."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib.figure import Figure

from drumkit_cli.kick.context import Context
from drumkit_cli.kick.curves import INPUTS
from drumkit_cli.kick.infer import Played
from drumkit_cli.spectral.onset_strength import FRAME_RATE

SECONDS: Final = 16.0
"""How much of a song is drawn: more would be too fine to be seen."""


def draw_tracks(context: Context, tracks: Sequence[Played]) -> Figure:
    """The curves of a song's start, then the curve and the hits of each kick track."""
    frames = min(int(SECONDS * FRAME_RATE), context.curves.shape[1])
    seconds = np.arange(frames) / FRAME_RATE
    rows = len(INPUTS) + len(tracks)
    figure = Figure(figsize=(10, 1 + 0.6 * rows), dpi=120, layout="constrained")
    axes = figure.subplots(rows, 1, sharex=True, squeeze=False)[:, 0]
    for row, (axis, name) in enumerate(zip(axes, INPUTS, strict=False)):
        axis.fill_between(seconds, context.curves[row, :frames], color="0.6", linewidth=0)
        axis.set_ylabel(name, rotation=0, ha="right", va="center")
    for number, (axis, track) in enumerate(zip(axes[len(INPUTS) :], tracks, strict=True), 1):
        axis.plot(seconds, track.curve[:frames], color="tab:red", linewidth=0.8)
        axis.vlines(track.hits[0], 0, track.curve.max(initial=1), color="black", linewidth=0.6)
        axis.set_ylabel(f"kick {number}", rotation=0, ha="right", va="center")
    for axis in axes:
        axis.set(yticks=[], xlim=(0, max(frames - 1, 1) / FRAME_RATE))
    axes[0].set_title("Onset strength of the song, and kick tracks with their hits")
    axes[-1].set_xlabel("seconds")
    return figure
