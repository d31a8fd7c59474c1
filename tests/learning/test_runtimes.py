"""ONNX Runtime and PyTorch give the same, for every entry point of every model."""

from importlib import import_module

import numpy as np
import pytest

from drumkit_cli.learning.checkpoint import load_weights
from drumkit_cli.learning.network import OnnxNetwork
from drumkit_cli.learning.torch_network import TorchNetwork, load_network
from drumkit_cli.train.convert import DEFINITIONS


@pytest.mark.parametrize("feature", DEFINITIONS)
def test_shipped_weights_give_the_same_in_both_runtimes(feature):
    checkpoint, definition = load_weights(feature), import_module(DEFINITIONS[feature])
    points = definition.entry_points(load_network(checkpoint, definition))
    assert set(points) == set(checkpoint.graphs)
    one, other = OnnxNetwork(checkpoint), TorchNetwork(checkpoint, definition, "cpu")
    for name, point in points.items():
        inputs = [example.detach().numpy() for example in point.examples]
        expected = other.run(name, inputs, [])
        found = one.run(name, inputs, [array.shape for array in expected])
        for ours, theirs in zip(found, expected, strict=True):
            largest = np.abs(theirs).max(initial=1e-6)
            np.testing.assert_allclose(ours, theirs, atol=1e-3 * largest)
