import subprocess
import sys

import numpy as np
import pytest
from onnx import helper

from drumkit_cli.errors import BadDataError
from drumkit_cli.learning.checkpoint import save_weights
from drumkit_cli.learning.network import OnnxNetwork, open_network
from tests.learning.graphs import SIZE, checkpoint, constant, external, model

X = np.arange(2 * SIZE, dtype=np.float32).reshape(2, SIZE)
GIB = 1 << 30


def node(*arguments, **attributes):
    return helper.make_node(*arguments, **attributes)


BOMBS = {
    "expand": ([node("Expand", ["x0", "s"], ["y"])], [constant("s", [GIB, 2, SIZE])]),
    "pad": ([node("Pad", ["x0", "s"], ["y"])], [constant("s", [GIB, 0, 0, 0])]),
    "constant": ([node("ConstantOfShape", ["s"], ["y"])], [constant("s", [GIB, 8])]),
    "range": (
        [node("Range", ["a", "b", "c"], ["y"])],
        [constant("a", 0), constant("b", GIB), constant("c", 1)],
    ),
    "doubling": (
        [
            node("Concat", [f"x{n}", f"x{n}"], ["y" if n == 39 else f"x{n + 1}"], axis=0)
            for n in range(40)
        ],
        [],
    ),
    "outer": (
        [
            node("Expand", ["x0", "s"], ["a"]),
            node("Transpose", ["a"], ["b"], perm=[1, 0]),
            node("MatMul", ["b", "t"], ["c"]),
            node("Add", ["a", "c"], ["y"]),
        ],
        [constant("s", [1 << 20, SIZE]), constant("t", [[1.0] * SIZE] * SIZE, np.float32)],
    ),
}


def test_it_computes_with_the_weights_of_the_file():
    (made,) = OnnxNetwork(checkpoint(model())).run("play", [X], [(2, SIZE)])
    assert np.array_equal(made, 2 * X)


def test_open_network_needs_no_definition_on_the_cpu():
    network = open_network(checkpoint(model()), "cpu", "no.such.module")
    assert network.run("play", [X], [(None, None)])[0].shape == (2, SIZE)


@pytest.mark.parametrize("shape", [(3, SIZE), (2, SIZE + 1), (2,), (2, SIZE, 1)])
def test_outputs_of_another_shape_are_of_another_network(shape):
    with pytest.raises(BadDataError, match="of another network"):
        OnnxNetwork(checkpoint(model())).run("play", [X], [shape])


def test_another_number_of_outputs_is_of_another_network():
    with pytest.raises(BadDataError, match="of another network"):
        OnnxNetwork(checkpoint(model())).run("play", [X], [(2, SIZE)] * 2)


def test_another_number_of_inputs_is_of_another_network():
    network = OnnxNetwork(checkpoint(model(inputs=2)))
    with pytest.raises(BadDataError, match="of another network"):
        network.run("play", [X], [(2, SIZE)])


def test_inputs_of_another_shape_or_type_are_of_another_network():
    network = OnnxNetwork(checkpoint(model()))
    for given in (X[:, :3], X[0], X.astype(np.int64), X.astype(np.float64)):
        with pytest.raises(BadDataError, match="of another network"):
            network.run("play", [given], [(None, None)])


def test_outputs_that_are_not_finite_are_refused():
    network = OnnxNetwork(checkpoint(model([node("Log", ["x0"], ["y"])], [])))
    with pytest.raises(BadDataError, match="of another network"):
        network.run("play", [-X], [(2, SIZE)])


def test_an_entry_point_that_is_not_there_is_bad_data():
    with pytest.raises(BadDataError, match="its graph sing is of another network"):
        OnnxNetwork(checkpoint(model())).run("sing", [X], [(2, SIZE)])


def test_weights_without_graphs_name_the_command_that_converts_them(tmp_path):
    old = checkpoint(model(), tmp_path / "old.safetensors")
    old.graphs.clear()
    with pytest.raises(BadDataError, match=r"drumkit train toy --convert .*old.safetensors -o NEW"):
        OnnxNetwork(old)


def test_a_refused_graph_is_told_with_its_file_and_reason():
    foreign = OnnxNetwork(checkpoint(model(tensors=[external(location="w.bin")])))
    with pytest.raises(BadDataError, match=r"toy: its graph play is refused: .* another file"):
        foreign.run("play", [X], [(2, SIZE)])


def test_a_graph_that_onnx_runtime_refuses_is_of_another_network(capfd):
    unlinked = model([node("Relu", ["nowhere"], ["y"])], [])
    cut = model().SerializeToString()[:-1]
    for graph in (unlinked, cut):
        with pytest.raises(BadDataError, match="its graph play"):
            OnnxNetwork(checkpoint(graph)).run("play", [X], [(2, SIZE)])
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
@pytest.mark.parametrize("name", BOMBS)
def test_a_graph_cannot_take_more_memory_than_is_allowed(name, tmp_path):
    nodes, tensors = BOMBS[name]
    path = tmp_path / "toy.safetensors"
    graphs = {"play": model(nodes, tensors).SerializeToString()}
    weights = {"w": np.zeros((SIZE, SIZE), np.float32)}
    save_weights(path, weights, feature="toy", config={}, card={}, graphs=graphs)
    code = f"""
import resource
import numpy as np
from drumkit_cli.errors import BadDataError
from drumkit_cli.learning.checkpoint import load_weights
from drumkit_cli.learning.network import OnnxNetwork
network = OnnxNetwork(load_weights("toy", {str(path)!r}))
try:
    network.run("play", [np.zeros((2, {SIZE}), np.float32)], [(2, {SIZE})])
except BadDataError as error:
    print(error)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    told, mebibytes = run.stdout.splitlines()
    assert "its graph play" in told
    assert int(mebibytes) < 2600
    assert run.stderr == ""
