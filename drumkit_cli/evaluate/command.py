"""The `evaluate` command: parse, hand over to the feature, print its table."""

import importlib
from typing import TYPE_CHECKING

from drumkit_cli import options, streams

if TYPE_CHECKING:
    from drumkit_cli.tables import Table


def evaluate(
    feature: options.EvaluatedFeature,
    data: options.DataFolder,
    json: options.Json = False,
    weights: options.Weights = None,
    threads: options.Threads = 0,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Measure the model of a command on a folder of data, beside baselines and published figures.

    The table goes to stdout, as text or as JSON.
    """
    folder = streams.require_folder(data)
    if threads:
        import torch

        torch.set_num_threads(threads)
    module = importlib.import_module(f"drumkit_cli.{feature}.evaluate")
    table: Table = module.evaluate(folder, weights)
    streams.write_text(table.to_json() + "\n" if json else table.to_text())
