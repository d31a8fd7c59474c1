import contextlib

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from drumkit_cli.learning import graph_guard
from drumkit_cli.learning.checkpoint import load_weights
from drumkit_cli.learning.graph_guard import GraphError, check_graph
from drumkit_cli.train.convert import DEFINITIONS
from tests.learning.graphs import constant, external, model

SHAPES = {"w": (4, 4)}


def refused(made, match):
    data = made if isinstance(made, bytes) else made.SerializeToString()
    with pytest.raises(GraphError, match=match):
        check_graph(data, SHAPES)


def node(*arguments, **attributes):
    return helper.make_node(*arguments, **attributes)


def test_a_graph_names_the_tensors_that_it_needs():
    assert check_graph(model().SerializeToString(), SHAPES) == ["w"]


def test_constants_and_attributes_of_every_kind_are_read():
    nodes = [
        node("Transpose", ["x0"], ["t"], perm=[1, 0]),
        node("LeakyRelu", ["t"], ["l"], alpha=0.5),
        node("GRU", ["l"], ["g"], activations=["Tanh", "Relu"], activation_alpha=[0.5, 1.0]),
        node("Reshape", ["g", "s"], ["y"]),
    ]
    assert check_graph(model(nodes, [constant("s", [-1, 4])]).SerializeToString(), SHAPES) == []


@pytest.mark.parametrize("feature", DEFINITIONS)
def test_shipped_graphs_pass(feature):
    weights = load_weights(feature)
    assert weights.graphs
    shapes = {name: value.shape for name, value in weights.tensors.items()}
    for graph in weights.graphs.values():
        assert set(check_graph(graph, shapes)) <= set(shapes)


@pytest.mark.parametrize("operator", ["Loop", "If", "Scan", "RandomNormal", "Constant", "", "gemm"])
def test_an_operator_that_is_not_listed_is_refused(operator):
    refused(model([node(operator, ["x0"], ["y"])]), "operator .*is not allowed")


def test_operators_of_other_domains_are_refused():
    refused(model([node("Gelu", ["x0"], ["y"], domain="com.microsoft")]), "is not ONNX's")
    refused(model(opsets=[helper.make_opsetid("", 20), helper.make_opsetid("a", 1)]), "not ONNX's")
    refused(model(opsets=[helper.make_opsetid("ai.onnx.ml", 3)]), "not ONNX's")
    refused(model(opsets=[]), "not ONNX's")


@pytest.mark.parametrize("version", [1, 16, 24, 10**6])
def test_unknown_sets_of_operators_are_refused(version):
    refused(model(opsets=[helper.make_opsetid("", version)]), "set of operators")


@pytest.mark.parametrize("version", [0, 3, 99])
def test_unknown_versions_of_the_format_are_refused(version):
    made = model()
    made.ir_version = version
    refused(made, "version")


@pytest.mark.parametrize("location", ["/etc/passwd", "../w", "w.bin", "", "safetensors2"])
def test_tensors_in_other_files_are_refused(location):
    refused(model(tensors=[external(location=location)]), "another file")


def test_offsets_into_the_weights_are_refused():
    refused(model(tensors=[external(offset="0")]), "another file")
    refused(model(tensors=[external(length="64")]), "another file")


def test_tensors_that_the_file_does_not_hold_in_that_shape_are_refused():
    refused(model(tensors=[external(name="v")]), "not in the file")
    refused(model(tensors=[external(dims=(4, 5))]), "another shape")
    refused(model(tensors=[external(dims=(16,))]), "another shape")
    refused(model(tensors=[external(), external()]), "twice")


def test_tensors_of_another_type_or_with_values_of_their_own_are_refused():
    integers = external()
    integers.data_type = TensorProto.INT64
    refused(model(tensors=[integers]), "not of floats")
    both = external()
    both.raw_data = b"0" * 64
    refused(model(tensors=[both]), "damaged")


def test_constants_that_are_not_all_there_are_refused():
    short = constant("c", np.zeros(8), np.float32)
    short.dims[0] = 9
    refused(model(tensors=[external(), short]), "size that it states")
    short.dims[0] = -8
    refused(model(tensors=[external(), short]), "too large")
    short.dims[0] = 1 << 40
    refused(model(tensors=[external(), short]), "too large")
    strings = helper.make_tensor("c", TensorProto.STRING, [1], [b"a"])
    refused(model(tensors=[external(), strings]), "not allowed")


def test_large_constants_are_refused():
    half = graph_guard.MOST_CONSTANT_BYTES // 8
    many = [constant(name, np.zeros(half), np.float32) for name in "abc"]
    refused(model(tensors=[external(), *many]), "constants are too large")


def test_functions_subgraphs_and_training_are_refused():
    with_function = model()
    with_function.functions.add(name="f", domain="d")
    refused(with_function, "not allowed")
    with_training = model()
    with_training.training_info.add()
    refused(with_training, "not allowed")
    inner = model().graph
    refused(model([node("Relu", ["x0"], ["y"], body=inner)]), "not allowed")
    value = helper.make_tensor("v", TensorProto.FLOAT, [1], [1.0])
    refused(model([node("ConstantOfShape", ["x0"], ["y"], value=value)]), "not allowed")
    sparse = model()
    sparse.graph.sparse_initializer.add()
    refused(sparse, "not allowed")


def test_two_graphs_in_one_model_are_refused():
    data = model().SerializeToString()
    second = onnx.ModelProto(graph=model().graph).SerializeToString()
    refused(data + second, "twice")


def test_a_model_without_a_graph_is_refused():
    made = model()
    made.ClearField("graph")
    refused(made, "no graph")
    refused(b"", "no graph")


def test_graphs_of_absurd_sizes_are_refused():
    refused(bytes(graph_guard.MOST_BYTES + 1), "too large")
    relu = node("Relu", ["x0"], ["y"])
    refused(model([relu] * (graph_guard.MOST_NODES + 1), []), "too many nodes")


@pytest.mark.parametrize("name", ["a" * 300, "tab\t", "é"])
def test_names_that_are_not_plain_are_refused(name):
    refused(model([node("Relu", ["x0"], [name])]), "plain text")


@given(st.binary(max_size=200))
def test_junk_is_refused(data):
    with pytest.raises(GraphError):
        check_graph(data, SHAPES)


@settings(max_examples=300)
@given(st.data())
def test_a_damaged_graph_is_refused_or_still_allowed(data):
    graph = bytearray(model(tensors=[external(), constant("s", [-1, 4])]).SerializeToString())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(graph) - 1))
        graph[at] = data.draw(st.integers(0, 255))
    with contextlib.suppress(GraphError):
        assert set(check_graph(bytes(graph), SHAPES)) <= {"w"}
