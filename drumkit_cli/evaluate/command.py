"""The `evaluate` command: parse, hand over to the feature, print its table."""

import importlib
from typing import TYPE_CHECKING, Final

from drumkit_cli import options
from drumkit_cli.errors import UsageError
from drumkit_cli.io import streams
from drumkit_cli.io.extras import require_extra
from drumkit_cli.io.pictures import check_picture, write_figure

if TYPE_CHECKING:
    from drumkit_cli.io.tables import Table

PLOTTED_FEATURES: Final = ("arrange", "interpolate", "groove", "synth")
"""Features whose `evaluate` module has a `draw` beside its table."""


def evaluate(
    feature: options.EvaluatedFeature,
    data: options.DataFolder,
    json: options.Json = False,
    plot: options.Plot = None,
    weights: options.Weights = None,
    threads: options.Threads = 0,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Measure the model of a command on a folder of data, beside baselines and published figures.

    The table goes to stdout, as text or as JSON. --plot is for arrange, histograms of the grades of
    clips, for interpolate, a picture of all the patterns and of some transitions among them, for
    groove, the mean velocity and timing at each place of a beat, and which genre is heard in what
    is played, and for synth, spectrograms of sounds of each class.
    """
    if plot is not None and feature not in PLOTTED_FEATURES:
        raise UsageError(f"there is no picture of {feature}", "leave out --plot")
    require_extra("evaluate", "evaluate")
    check_picture(plot)
    folder = streams.require_folder(data)
    module = importlib.import_module(f"drumkit_cli.{feature}.evaluate")
    if threads:
        import torch

        torch.set_num_threads(threads)
    table: Table = module.evaluate(folder, weights)
    if plot is not None:
        write_figure(module.draw(folder, weights), plot)
    streams.write_text(table.to_json() + "\n" if json else table.to_text())
