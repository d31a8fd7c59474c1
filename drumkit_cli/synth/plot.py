"""Plot of the spectrograms of real, reconstructed and generated sounds."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from drumkit_cli.io.arrays import Floats


def draw_sounds(rows: Mapping[str, Sequence[Floats]], classes: Sequence[str]) -> Figure:
    """Levels ``[F, T]``: titled rows, with one column for each class."""
    figure = Figure(figsize=(1.5 * len(classes), 1.7 * len(rows)), dpi=100, layout="constrained")
    grid = figure.subplots(len(rows), len(classes), squeeze=False, sharex=True, sharey=True)
    for line, (title, images) in zip(grid, rows.items(), strict=True):
        line[0].set_ylabel(title)
        for axes, image in zip(line, images, strict=True):
            axes.imshow(image, origin="lower", aspect="auto", vmin=0.2, vmax=1)
            axes.set(xticks=[], yticks=[])
    for axes, name in zip(grid[0], classes, strict=True):
        axes.set_title(name)
    return figure
