"""Weights of a file that a training run starts from, in place of random ones."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from torch import nn

from drumkit_cli.errors import BadDataError
from drumkit_cli.learning.checkpoint import load_weights
from drumkit_cli.learning.torch_network import Definition, state_dict

if TYPE_CHECKING:
    from drumkit_cli.learning.training import Run

Parts = Mapping[str, Iterable[nn.Module]]
"""Networks in training, by the name of the part of a weights file that they start from; "" is all.

A network that is averaged is there twice: as it is trained, and as its average.
"""


def starting_network(
    run: "Run",
    feature: str,
    config: Any,  # noqa: ANN401 - a dataclass
    definition: Definition,
    *,
    without: str = "",
) -> nn.Module | None:
    """The network of a recipe with the weights that a run starts from; None for random ones.

    Args:
        run: of the recipe.
        feature: whose weights they must be.
        config: of the network that the recipe trains.
        definition: the module that defines it.
        without: a part of the file that is left out.

    Raises:
        MissingInputError: there is no such file.
        BadDataError: it is not a weights file, or one of another feature or of other sizes.
    """
    if run.start is None or run.resume:
        return None
    checkpoint = load_weights(feature, str(run.start))
    state = state_dict(checkpoint)
    if without:
        state = {name: value for name, value in state.items() if name.split(".")[0] != without}
    network: nn.Module = definition.build(asdict(config))
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise BadDataError(
            f"{checkpoint.path}: not of the sizes of the preset {run.preset}",
            "take the --preset that made these weights",
        ) from error
    return network


def fill(parts: Parts, given: nn.Module) -> None:
    """Copy the weights of a network into those in training; their optimisers start anew."""
    for name, networks in parts.items():
        state = given.get_submodule(name).state_dict()
        for network in networks:
            network.load_state_dict(state)
