"""Weights files of older versions, which hold no graphs, to files that inference can run."""

from importlib import import_module
from pathlib import Path
from typing import Final, cast

from drumkit_cli.errors import BadDataError, UsageError
from drumkit_cli.learning.checkpoint import read_weights, save_weights
from drumkit_cli.learning.export import export_graphs
from drumkit_cli.learning.torch_network import Definition, load_network

DEFINITIONS: Final = {
    "transcribe": "drumkit_cli.listening.model",
    "groove": "drumkit_cli.groove.model",
    "arrange": "drumkit_cli.arrange.model",
    "arrange-pix2pix": "drumkit_cli.arrange.model",
    "separate": "drumkit_cli.separate.model",
    "kick": "drumkit_cli.kick.model",
    "score": "drumkit_cli.grading.model",
    "swirl": "drumkit_cli.swirl.model",
    "interpolate": "drumkit_cli.interpolate.model",
    "synth": "drumkit_cli.sounds.networks",
    "synth-mcnn": "drumkit_cli.sounds.mcnn",
}
"""The modules that define the models, by the names that weights files give."""


def convert(feature: str, old: Path, new: Path) -> None:
    """Write a weights file again with the graphs of its networks; the tensors stay the same.

    Raises:
        MissingInputError, BadDataError: as `read_weights`, or the weights are of another model.
        UsageError: nothing runs these weights without PyTorch.
        OutputError: the new file cannot be made.
    """
    checkpoint = read_weights(old)
    if checkpoint.feature.split("-")[0] != feature:  # synth-mcnn is of synth
        raise BadDataError(f"{old}: weights of {checkpoint.feature}, not of {feature}")
    if checkpoint.feature not in DEFINITIONS:
        raise UsageError(f"{old}: weights of {checkpoint.feature} need no graphs")
    definition = cast(Definition, import_module(DEFINITIONS[checkpoint.feature]))
    save_weights(
        new,
        checkpoint.tensors,
        feature=checkpoint.feature,
        config=checkpoint.config,
        card=checkpoint.card,
        graphs=export_graphs(load_network(checkpoint, definition), definition),
        half=False,
    )
