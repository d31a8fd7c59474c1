from dataclasses import dataclass
from types import ModuleType

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from drumkit_cli.errors import BadDataError
from drumkit_cli.learning import export
from drumkit_cli.learning.checkpoint import Checkpoint
from drumkit_cli.learning.export import export_graphs, untrained_graphs
from drumkit_cli.learning.network import OnnxNetwork
from drumkit_cli.learning.torch_network import EntryPoint, TorchNetwork, arrays


@dataclass(frozen=True)
class Config:
    width: int = 4


def definition(build, examples, free_axes, function=None):
    def entry_points(network):
        return {"play": EntryPoint(function or network, examples, free_axes)}

    module = ModuleType("model")
    module.build, module.entry_points = lambda _config: build(), entry_points
    return module


def networks(build, examples, free_axes, function=None):
    """The same seeded network in both runtimes."""
    torch.manual_seed(0)
    made = build()
    model = definition(build, examples, free_axes, function and (lambda *x: function(made, *x)))
    graphs = export_graphs(made, model)
    weights = Checkpoint("toy", "", "toy", {}, {}, arrays(made.state_dict()), graphs)
    return OnnxNetwork(weights), TorchNetwork(weights, model, "cpu"), graphs


def assert_same(runtimes, inputs, outputs=1):
    shapes = [(None,) * 3] * outputs
    one, other = (network.run("play", inputs, shapes) for network in runtimes[:2])
    for found, expected in zip(one, other, strict=True):
        assert np.abs(found - expected).max() < 1e-5


class Recurrent(nn.Module):
    def __init__(self, kind, layers, bidirectional, batch_first):
        super().__init__()
        self.layers = kind(3, 4, layers, bidirectional=bidirectional, batch_first=batch_first)

    def forward(self, x):
        return self.layers(x)[0]


@pytest.mark.parametrize(
    ("layers", "bidirectional", "batch_first"), [(1, False, True), (2, True, False)]
)
@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_recurrent_layers_work_for_any_length_and_batch(kind, layers, bidirectional, batch_first):
    def build():
        return Recurrent(kind, layers, bidirectional, batch_first)

    runtimes = networks(build, (torch.randn(5, 3, 3),), ((0, 1),))
    for shape in ((5, 3, 3), (1, 1, 3), (2, 40, 3), (40, 2, 3)):
        assert_same(runtimes, [np.random.default_rng(0).standard_normal(shape, np.float32)])


def test_a_first_state_of_a_gru_is_taken_and_its_last_given():
    runtimes = networks(
        lambda: nn.GRU(3, 4, 2, batch_first=True),
        (torch.randn(2, 5, 3), torch.randn(2, 2, 4)),
        ((0, 1), (1,)),
        lambda network, x, first: network(x, first),
    )
    generator = np.random.default_rng(0)
    x, first = (generator.standard_normal(s, np.float32) for s in ((3, 7, 3), (2, 3, 4)))
    assert_same(runtimes, [x, first], outputs=2)


def test_a_cell_of_a_gru_is_one_node():
    examples = (torch.randn(2, 3), torch.randn(2, 4))
    runtimes = networks(
        lambda: nn.GRUCell(3, 4), examples, ((0,), (0,)), lambda cell, *inputs: cell(*inputs)[None]
    )
    generator = np.random.default_rng(0)
    assert_same(runtimes, [generator.standard_normal((5, n), np.float32) for n in (3, 4)])
    nodes = onnx.load_from_string(runtimes[2]["play"]).graph.node
    assert [node.op_type for node in nodes].count("GRU") == 1


def test_the_weights_of_a_normalised_convolution_stay_those_of_the_file():
    def build():
        made = nn.Sequential(nn.Conv1d(3, 4, 3), nn.BatchNorm1d(4))
        made[1].running_mean.fill_(0.7)
        made[1].running_var.fill_(3.0)
        return made

    runtimes = networks(build, (torch.randn(2, 3, 9),), ((0, 2),))
    assert_same(runtimes, [np.ones((1, 3, 20), np.float32)])
    graph = onnx.load_from_string(runtimes[2]["play"]).graph
    outside = {t.name for t in graph.initializer if t.data_location}
    names = "0.weight 0.bias 1.weight 1.bias 1.running_mean 1.running_var"
    assert outside == set(names.split())


def test_equal_examples_stay_two_inputs():
    example = torch.ones(2, 3)
    both = networks(
        lambda: nn.Linear(3, 3),
        (example, example),
        ((0,), (0,)),
        lambda network, x, y: (network(x) - y)[None],
    )
    assert_same(both, [np.ones((2, 3), np.float32), np.zeros((2, 3), np.float32)])


def test_the_same_network_gives_the_same_graphs_that_tell_nothing_of_their_origin():
    model = definition(lambda: nn.Linear(3, 3), (torch.randn(2, 3),), ((0,),))
    first, second = (export_graphs(nn.Linear(3, 3), model)["play"] for _ in range(2))
    assert first == second
    assert b".py" not in first
    assert b"torch" not in first


def test_exporting_leaves_random_numbers_and_the_mode_of_a_network_alone():
    network = nn.Sequential(nn.Linear(3, 3), nn.Dropout())
    model = definition(lambda: network, (torch.randn(2, 3),), ((0,),))
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    untrained_graphs(Config(), model)
    assert torch.rand(1) == expected
    assert network.training


def test_a_network_that_needs_another_operator_is_refused():
    model = definition(
        lambda: nn.Linear(3, 3), (torch.randn(2, 3),), ((0,),), lambda x: torch.linalg.det(x @ x.mT)
    )
    with pytest.raises(BadDataError, match="is not allowed"):
        untrained_graphs(Config(), model)


def test_a_graph_that_differs_from_its_network_is_refused(monkeypatch):
    model = definition(lambda: nn.Linear(3, 3), (torch.randn(2, 3),), ((0,),))
    other = untrained_graphs(
        Config(), definition(lambda: nn.Linear(3, 3), (torch.randn(2, 3),), ((0,),), torch.abs)
    )
    monkeypatch.setattr(export, "_graph", lambda network, point: other["play"])
    with pytest.raises(ValueError, match="differs from its network"):
        untrained_graphs(Config(), model)


def test_parameters_that_are_equal_before_training_stay_apart():
    def build():
        made = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
        for layer in made:
            nn.init.eye_(layer.weight)
            nn.init.zeros_(layer.bias)
        return made

    graph = networks(build, (torch.randn(2, 3),), ((0,),))[2]["play"]
    outside = {t.name for t in onnx.load_from_string(graph).graph.initializer if t.data_location}
    assert outside == {"0.weight", "0.bias", "1.weight", "1.bias"}
