"""Training in several processes, on one machine or on several, as torchrun starts them.

Each process draws batches of its own, its share of the recipe's, and steps with the mean gradient,
so that all have the same weights. The first one validates and writes.
"""

import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final, TypeVar

import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies.ddp import DDPStrategy
from torch import Tensor, nn

from drumkit_cli.errors import UsageError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

GLOBAL_SIZES: Final = {"batch": 1, "per_class": 2}
"""Fields of recipes that count what one step of all processes together sees: the least share."""
LONGEST_WAIT: Final = timedelta(days=1)
"""For the first process, which renders and validates; when one dies, torchrun ends the others."""

_Recipe = TypeVar("_Recipe", bound="DataclassInstance")


class _Averaging(DDPStrategy):
    """Processes that average gradients in `average_gradients`, not in a wrapper of each network.

    A wrapper would have to see every forward pass, one for each backward pass, with all parameters
    used: not so where generators and critics train each other, or parts of a network are called.
    """

    def setup_module(self, module: nn.Module) -> nn.Module:  # type: ignore[override]
        """Leave a network as it is."""
        return module


def layout() -> tuple[int, int]:
    """The number of processes on this machine, and the number of machines."""
    here, machines = (
        int(os.environ.get(name, "1")) for name in ("LOCAL_WORLD_SIZE", "GROUP_WORLD_SIZE")
    )
    return here, machines


def strategy() -> "DDPStrategy | str":
    """How Fabric runs the processes that there are."""
    return _Averaging(timeout=LONGEST_WAIT) if layout() != (1, 1) else "auto"


def share_of(recipe: _Recipe) -> _Recipe:
    """The recipe of one process, whose sizes of batches are divided by the number of processes.

    Raises:
        UsageError: a size is no multiple of it.
    """
    here, machines = layout()
    processes = here * machines
    sizes = {name: getattr(recipe, name) for name in GLOBAL_SIZES if hasattr(recipe, name)}
    for name, size in sizes.items():
        if processes > 1 and (size % processes or size // processes < GLOBAL_SIZES[name]):
            raise UsageError(
                f"{processes} processes cannot share batches of {size}",
                "take a number of processes that divides it, or a preset with larger batches",
            )
    return replace(recipe, **{name: size // processes for name, size in sizes.items()})


def average_gradients(fabric: Fabric, weights: list[Tensor]) -> None:
    """Replace the gradients by their means over all processes."""
    gradients = [weight.grad for weight in weights if weight.grad is not None]
    if fabric.world_size > 1 and gradients:
        mean = _mean(fabric, torch.cat([gradient.flatten() for gradient in gradients]))
        sizes = [gradient.numel() for gradient in gradients]
        for gradient, part in zip(gradients, mean.split(sizes), strict=True):
            gradient.copy_(part.view_as(gradient))


def agree(
    fabric: Fabric, seconds: float, losses: Mapping[str, float]
) -> tuple[float, dict[str, float]]:
    """Means over all processes of a time and of losses, so that all stop at the same step."""
    if fabric.world_size == 1:
        return seconds, dict(losses)
    values = torch.tensor([seconds, *losses.values()], device=fabric.device)
    mean, *means = _mean(fabric, values).tolist()
    return mean, dict(zip(losses, means, strict=True))


def copy_first(fabric: Fabric, models: Mapping[str, nn.Module]) -> None:
    """Give all processes the weights of the first, which are not drawn alike on every machine."""
    if fabric.world_size > 1:
        for model in models.values():
            state = {name: value.cpu() for name, value in model.state_dict().items()}
            model.load_state_dict(fabric.broadcast(state))


def _mean(fabric: Fabric, values: Tensor) -> Tensor:
    mean = fabric.all_reduce(values, reduce_op="mean")
    assert isinstance(mean, Tensor)
    return mean
