"""Networks in PyTorch: what trains, what is exported, and what runs on GPUs.

A model's `model.py` has ``build(config)``, which makes its module from the config of a weights
file, and ``entry_points(network)``, which names the functions that inference calls. `export`
makes an ONNX graph of each; `TorchNetwork` runs them as they are.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.modules.module import register_module_parameter_registration_hook

from drumkit_cli.errors import BadDataError
from drumkit_cli.learning.checkpoint import Checkpoint

_LARGEST_SIZE: Final = 1 << 20
_SPARE_PARAMETERS: Final = 64


@dataclass(frozen=True)
class EntryPoint:
    """A function of a network that inference calls.

    Attributes:
        function: of tensors, one for each example; gives a tensor or a tuple of them.
        examples: inputs with which it is traced.
        free_axes: for each input, those of its axes that may have any length.
    """

    function: Callable[..., Tensor | tuple[Tensor, ...]]
    examples: tuple[Tensor, ...]
    free_axes: tuple[tuple[int, ...], ...]


class Definition(Protocol):
    """What a model's module `model` provides."""

    def build(self, config: Mapping[str, Any]) -> Any:  # noqa: ANN401 - some nn.Module
        """Make the network of a weights file from its config, its parameters not yet those."""

    def entry_points(self, network: Any) -> dict[str, EntryPoint]:  # noqa: ANN401 - of `build`
        """The functions of the network that inference calls, by name."""


class TorchNetwork:
    """The network of a weights file on a device; see `network.Network`."""

    def __init__(self, checkpoint: Checkpoint, definition: Definition, device: str) -> None:
        """Build the network and load its weights.

        Raises:
            BadDataError: the weights are of another model.
        """
        network = load_network(checkpoint, definition).to(device)
        self._device = device
        self._entry_points = definition.entry_points(network)

    def run(
        self, name: str, inputs: Sequence[NDArray[Any]], _shapes: Sequence[object]
    ) -> list[NDArray[Any]]:
        """Call an entry point with arrays."""
        given = (torch.from_numpy(np.ascontiguousarray(array)) for array in inputs)
        with torch.inference_mode():
            made = self._entry_points[name].function(*(array.to(self._device) for array in given))
        outputs = made if isinstance(made, tuple) else (made,)
        return [output.cpu().numpy() for output in outputs]


def load_network(checkpoint: Checkpoint, definition: Definition) -> Any:  # noqa: ANN401 - of `build`
    """Build the network of a weights file, with its weights, in evaluation mode.

    Raises:
        BadDataError: the weights are of another model.
    """
    with building(checkpoint):
        network = definition.build(checkpoint.config)
        network.load_state_dict(state_dict(checkpoint))
    return network.eval()


def state_dict(checkpoint: Checkpoint, part: str = "") -> dict[str, Tensor]:
    """The tensors of a weights file, floats as float32; of one part those whose names begin so."""
    start = f"{part}." if part else ""
    state = {
        name.removeprefix(start): torch.from_numpy(value)
        for name, value in checkpoint.tensors.items()
        if name.startswith(start)
    }
    return {name: v.float() if v.is_floating_point() else v for name, v in state.items()}


def arrays(state: Mapping[str, Tensor]) -> dict[str, NDArray[Any]]:
    """A network's state as arrays, as `save_weights` takes them."""
    return {name: value.detach().cpu().numpy() for name, value in state.items()}


@contextmanager
def building(checkpoint: Checkpoint) -> Iterator[None]:
    """Let a network be built from a weights file's config and filled with its tensors.

    A network with far more parameters than the file holds is given up before its memory is used, so
    that an absurd size in a config costs nothing.

    Raises:
        BadDataError: the config or the tensors are not those of the network.
    """
    parameters = 4 * len(checkpoint.tensors) + _SPARE_PARAMETERS
    values = 4 * sum(tensor.size for tensor in checkpoint.tensors.values())

    def count(_module: nn.Module, _name: str, parameter: nn.Parameter | None) -> None:
        nonlocal parameters, values
        parameters -= 1
        values -= 0 if parameter is None else parameter.numel()
        if parameters < 0 or values < 0:
            raise ValueError("more parameters than the file holds")

    hook = register_module_parameter_registration_hook(count)
    try:
        _check_sizes(checkpoint.config)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch warns of a size of 0
            yield
    except (
        AssertionError,
        AttributeError,
        LookupError,
        RuntimeError,
        TypeError,
        ValueError,
    ) as error:
        raise BadDataError(f"{checkpoint.path}: weights of another {checkpoint.feature}") from error
    finally:
        hook.remove()


def _check_sizes(value: object) -> None:
    """Raise ValueError for a number beyond what any size of a network or of its input can be."""
    if isinstance(value, dict | list | tuple):
        for item in value.values() if isinstance(value, dict) else value:
            _check_sizes(item)
    elif isinstance(value, int | float) and not abs(value) <= _LARGEST_SIZE:
        raise ValueError(f"a size of {value}")
