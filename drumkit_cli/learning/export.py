"""ONNX graphs of the entry points of a network, which `network` runs without PyTorch.

The parameters and buffers of a network stay outside its graphs, under their names in its state.
"""

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import asdict
from functools import lru_cache
from io import StringIO
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx_ir as ir
import torch
from onnx_ir.passes import common as passes
from onnxscript import optimizer
from torch import Tensor, nn

from drumkit_cli.learning.checkpoint import Checkpoint
from drumkit_cli.learning.graph_guard import MARKER
from drumkit_cli.learning.network import OnnxNetwork
from drumkit_cli.learning.recurrent_layers import TRANSLATIONS, exportable
from drumkit_cli.learning.torch_network import Definition, EntryPoint, arrays

OPSET: Final = 20
TOLERANCE: Final = 1e-3
"""Largest deviation of a graph from its network, relative to the largest output."""

_PREFIX: Final = "network."
_FOLDED_VALUES: Final = 64
"""Size of a constant up to which it is computed at export."""


class _Function(nn.Module):
    """An entry point as a module, whose parameters are those of the network."""

    def __init__(self, network: nn.Module, point: EntryPoint) -> None:
        super().__init__()
        self.network = network
        self._function = (point.function,)  # a module must not be registered twice

    def forward(self, *inputs: Tensor) -> Any:  # noqa: ANN401 - a tensor or a tuple of them
        return self._function[0](*inputs)


def export_graphs(network: nn.Module, definition: Definition) -> dict[str, bytes]:
    """Export the entry points of a network.

    Args:
        network: what `definition.build` made, in any mode; of its tensors only the shapes matter.
        definition: the module that defines it.

    Raises:
        BadDataError: the network needs an operator that is not allowed.
        ValueError: a graph does not compute what the network does.
    """
    was_training = network.training
    network.eval()
    points = definition.entry_points(network)
    graphs = {name: _graph(network, point) for name, point in points.items()}
    _compare(network, points, graphs)
    network.train(was_training)
    return graphs


@lru_cache(maxsize=16)
def untrained_graphs(config: Any, definition: Definition) -> dict[str, bytes]:  # noqa: ANN401
    """Export the graphs of a config, a dataclass; raises as `export_graphs`.

    They fit any weights of that config, and are exported once a process. Random numbers go on as if
    nothing had been built.
    """
    with torch.random.fork_rng(devices=[]):
        return _export_config(asdict(config), definition)


def _export_config(config: dict[str, Any], definition: Definition) -> dict[str, bytes]:
    return export_graphs(definition.build(config), definition)


def _graph(network: nn.Module, point: EntryPoint) -> bytes:
    dynamic = tuple(dict.fromkeys(free, torch.export.Dim.DYNAMIC) for free in point.free_axes)
    names = [f"input{index}" for index in range(len(point.examples))]
    with _silence(), exportable(), torch.no_grad():
        program = torch.onnx.export(
            _Function(network, point),
            tuple(example.clone() for example in point.examples),  # one object would be one input
            dynamo=True,
            optimize=False,  # it folds normalisations into weights, which keep their names
            opset_version=OPSET,
            input_names=names,
            dynamic_shapes=(dynamic,),
            custom_translation_table=TRANSLATIONS,
            verbose=False,
        )
    assert program is not None
    model = program.model
    _simplify(model)
    _externalise(model.graph, network.state_dict())
    proto = ir.to_proto(model)
    proto.ClearField("producer_name")
    proto.ClearField("producer_version")
    proto.graph.ClearField("value_info")
    for node in proto.graph.node:
        node.ClearField("name")
    for value in (*proto.graph.input, *proto.graph.output):
        value.ClearField("metadata_props")
    serialised: bytes = proto.SerializeToString(deterministic=True)
    return serialised


def _simplify(model: ir.Model) -> None:
    """Fold small constants, and drop all that says where the graph came from."""
    weights = {name for name in model.graph.initializers if name.startswith(_PREFIX)}

    def never_of_weights(node: ir.Node) -> bool | None:
        return False if any(v is not None and v.name in weights for v in node.inputs) else None

    passes.InlinePass()(model)
    optimizer.fold_constants(model, should_fold=never_of_weights, output_size_limit=_FOLDED_VALUES)
    for step in (
        passes.RemoveUnusedNodesPass(),
        passes.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0),
        passes.CommonSubexpressionEliminationPass(),
        passes.RemoveUnusedNodesPass(),
        passes.RemoveUnusedOpsetsPass(),
        passes.ClearMetadataAndDocStringPass(),
    ):
        step(model)


def _externalise(graph: ir.Graph, state: Mapping[str, Tensor]) -> None:
    """Let the initialisers that are floats of the state refer to it by their names there."""
    for value in list(graph.initializers.values()):
        assert value.name is not None
        assert value.const_value is not None
        key = value.name.removeprefix(_PREFIX)
        if key not in state or not state[key].is_floating_point():
            continue
        if not np.array_equal(value.const_value.numpy(), state[key].cpu().numpy()):
            raise ValueError(f"the export changed {key}")
        value.name = key
        value.const_value = ir.ExternalTensor(
            MARKER, None, None, ir.DataType.FLOAT, shape=ir.Shape(state[key].shape), name=key
        )


def _compare(
    network: nn.Module, points: Mapping[str, EntryPoint], graphs: Mapping[str, bytes]
) -> None:
    """Run the graphs on the examples, in batches of other sizes too, beside the network.

    Raises:
        ValueError: a graph gives something else.
    """
    checkpoint = Checkpoint(Path("export"), "", "", {}, {}, arrays(network.state_dict()), graphs)
    exported = OnnxNetwork(checkpoint)
    for name, point in points.items():
        for inputs in (point.examples, _longer(point)):
            with torch.no_grad():
                made = point.function(*inputs)
            expected = [y.numpy() for y in (made if isinstance(made, tuple) else (made,))]
            found = exported.run(name, [x.numpy() for x in inputs], [y.shape for y in expected])
            for actual, right in zip(found, expected, strict=True):
                largest = np.abs(right).max(initial=1e-6)
                if np.abs(actual - right).max(initial=0) > TOLERANCE * largest:
                    raise ValueError(f"the graph {name} differs from its network")


def _longer(point: EntryPoint) -> tuple[Tensor, ...]:
    """The examples, twice along the first of their free axes."""
    return tuple(
        torch.cat([example, example], free[0]) if free else example
        for example, free in zip(point.examples, point.free_axes, strict=True)
    )


@contextmanager
def _silence() -> Iterator[None]:
    """Let nothing be written: the exporter prints its progress and warns of its own insides."""
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), redirect_stdout(StringIO()), redirect_stderr(StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)
