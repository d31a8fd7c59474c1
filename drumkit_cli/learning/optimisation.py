"""What the training recipes share: optimiser steps, mixed precision, averages of weights."""

import math
from collections.abc import Callable, Mapping

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from drumkit_cli.learning.processes import average_gradients

_Tensors = tuple[Tensor, ...] | list[Tensor]


class MovingAverage(AveragedModel):
    """An exponential moving average of the weights of a network, `module`.

    With `warm_up` the decay grows from a tenth on, so that untrained weights fade early.
    """

    def __init__(self, network: nn.Module, decay: float, *, warm_up: bool = False) -> None:
        update = _warm_update(decay) if warm_up else get_ema_multi_avg_fn(decay)
        super().__init__(network, multi_avg_fn=update)


def autocast(fabric: Fabric) -> torch.autocast:
    """Mixed precision with bfloat16: twice as fast as float32, on CPUs that compute with it.

    On others it is off; emulated, it is ten times as slow.
    """
    device = fabric.device.type
    native = device != "cpu" or torch.backends.cpu.get_cpu_capability() == "AVX512"
    return torch.autocast(device, dtype=torch.bfloat16, enabled=native)


def descend(
    fabric: Fabric, optimizer: Optimizer, loss: Tensor, *, rate: float, clip: float = math.inf
) -> float:
    """Take a step of an optimiser at a learning rate; returns the norm of the gradient.

    The gradient is the mean of those of all processes; one of a larger norm than `clip` is scaled
    down.
    """
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.zero_grad()
    fabric.backward(loss)
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    average_gradients(fabric, weights)
    norm = nn.utils.clip_grad_norm_(weights, clip)
    optimizer.step()
    return float(norm)


def total(losses: Mapping[str, Tensor]) -> Tensor:
    """The sum of losses."""
    return torch.stack(list(losses.values())).sum()


def as_floats(losses: Mapping[str, Tensor]) -> dict[str, float]:
    """Losses as numbers, for the log."""
    return {name: float(loss.detach()) for name, loss in losses.items()}


def _warm_update(decay: float) -> Callable[[_Tensors, _Tensors, Tensor | int], None]:
    def update(averages: _Tensors, weights: _Tensors, count: Tensor | int) -> None:
        kept = min(decay, (1 + float(count)) / (10 + float(count)))
        torch._foreach_lerp_(list(averages), list(weights), 1 - kept)

    return update
