"""Recurrent layers in ONNX graphs: one node a layer, for sequences of any length.

The exporter takes `nn.LSTM` and `nn.GRU` apart into their steps while it traces, which fixes their
number. Within `exportable` they are operators of our own, which become ONNX's LSTM and GRU.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final
from unittest import mock

import torch
from onnxscript import opset20
from torch import Tensor, nn

_OP: Any = opset20
_Layer = Callable[[Tensor, Tensor, list[Tensor]], list[Tensor]]


@torch.library.custom_op("drumkit::lstm", mutates_args=())
def _lstm(x: Tensor, first: Tensor, parameters: list[Tensor]) -> list[Tensor]:
    """One layer: sequence ``[T, B, C]``, first states ``[D, B, H]``, weights of D directions."""
    raise AssertionError("it is traced, never run")


@torch.library.custom_op("drumkit::gru", mutates_args=())
def _gru(x: Tensor, first: Tensor, parameters: list[Tensor]) -> list[Tensor]:
    """One layer, as `_lstm`."""
    raise AssertionError("it is traced, never run")


def _shapes(x: Tensor, first: Tensor, parameters: list[Tensor]) -> list[Tensor]:
    directions, batch, hidden = first.shape
    return [x.new_empty(x.shape[0], batch, directions * hidden), torch.empty_like(first)]


_lstm.register_fake(_shapes)
_gru.register_fake(_shapes)


def _stacked(parameters: Any, kind: int, gates: tuple[int, ...]) -> Any:  # noqa: ANN401
    """One kind of weights, ``[D, gates * H, ...]``, their gates in ONNX's order."""
    directions = []
    for weights in parameters[kind::4]:
        parts = _OP.Split(weights, num_outputs=len(gates), axis=0)
        directions.append(_OP.Unsqueeze(_OP.Concat(*(parts[gate] for gate in gates), axis=0), [0]))
    return _OP.Concat(*directions, axis=0)


def _weights(parameters: Any, gates: tuple[int, ...]) -> tuple[Any, Any, Any]:  # noqa: ANN401
    inputs, recurrent, bias, recurrent_bias = (
        _stacked(parameters, kind, gates) for kind in range(4)
    )
    return inputs, recurrent, _OP.Concat(bias, recurrent_bias, axis=1)


def _joined(states: Any) -> Any:  # noqa: ANN401 - values of the graph
    """``[T, D, B, H]`` to ``[T, B, D * H]``."""
    return _OP.Reshape(_OP.Transpose(states, perm=[0, 2, 1, 3]), [0, 0, -1])


def _lstm_node(x: Any, first: Any, parameters: Any) -> Any:  # noqa: ANN401
    size = parameters[0].shape[0] // 4
    weights = _weights(parameters, (0, 3, 1, 2))  # torch: i, f, g, o; ONNX: i, o, f, c
    direction = "bidirectional" if len(parameters) > 4 else "forward"
    states, last, _ = _OP.LSTM(
        x, *weights, None, first, first, hidden_size=size, direction=direction
    )
    return _joined(states), last


def _gru_node(x: Any, first: Any, parameters: Any) -> Any:  # noqa: ANN401
    size = parameters[0].shape[0] // 3
    weights = _weights(parameters, (1, 0, 2))  # torch: r, z, n; ONNX: z, r, h
    direction = "bidirectional" if len(parameters) > 4 else "forward"
    states, last = _OP.GRU(
        x, *weights, None, first, hidden_size=size, direction=direction, linear_before_reset=1
    )
    return _joined(states), last


TRANSLATIONS: Final[dict[Callable[..., Any], Callable[..., Any]]] = {
    torch.ops.drumkit.lstm.default: _lstm_node,
    torch.ops.drumkit.gru.default: _gru_node,
}


@contextmanager
def exportable() -> Iterator[None]:
    """Let the recurrent layers of all networks be single nodes while they are traced."""

    def lstm(self: nn.LSTM, x: Tensor) -> tuple[Tensor, None]:
        return _run(self, _lstm, x, None)[0], None

    def gru(self: nn.GRU, x: Tensor, first: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return _run(self, _gru, x, first)

    def gru_cell(self: nn.GRUCell, x: Tensor, state: Tensor) -> Tensor:
        parameters = [self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh]
        states: list[Tensor] = _gru(x[None], state[None], parameters)
        return states[1][0]

    with (
        mock.patch.object(nn.LSTM, "forward", lstm),
        mock.patch.object(nn.GRU, "forward", gru),
        mock.patch.object(nn.GRUCell, "forward", gru_cell),
    ):
        yield


def _run(
    network: nn.RNNBase, layer: _Layer, x: Tensor, first: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Run the layers of a network of any number of layers and directions."""
    directions = 2 if network.bidirectional else 1
    x = x.transpose(0, 1) if network.batch_first else x
    if first is None:
        first = x.new_zeros(network.num_layers * directions, x.shape[1], network.hidden_size)
    lasts = []
    for index in range(0, len(network.all_weights), directions):
        parameters: list[Tensor] = [
            w for side in network.all_weights[index : index + directions] for w in side
        ]
        x, last = layer(x, first[index : index + directions], parameters)
        lasts.append(last)
    return (x.transpose(0, 1) if network.batch_first else x), torch.cat(lasts)
