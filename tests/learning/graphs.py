"""ONNX models for tests, allowed ones and others."""

import numpy as np
import onnx
from onnx import TensorProto, helper

from drumkit_cli.learning.checkpoint import Checkpoint
from drumkit_cli.learning.graph_guard import MARKER

SIZE = 4


def external(name="w", dims=(SIZE, SIZE), location=MARKER, **entries):
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=dims)
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, **entries}.items():
        tensor.external_data.add(key=key, value=value)
    return tensor


def model(nodes=None, tensors=None, opsets=None, inputs=1):
    """A model of one input [B, 4] and one output y; unless told, their product with w [4, 4]."""
    nodes = [helper.make_node("MatMul", ["x0", "w"], ["y"])] if nodes is None else nodes
    graph = helper.make_graph(
        nodes,
        "",
        [
            helper.make_tensor_value_info(f"x{n}", TensorProto.FLOAT, ["B", SIZE])
            for n in range(inputs)
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [external()] if tensors is None else tensors,
    )
    opsets = [helper.make_opsetid("", 20)] if opsets is None else opsets
    made = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    made.ClearField("producer_name")
    return made


def constant(name, values, dtype=np.int64):
    return onnx.numpy_helper.from_array(np.array(values, dtype), name)


def checkpoint(graph, path="toy"):
    """A checkpoint of a 4 by 4 matrix and a graph."""
    weights = {"w": np.eye(SIZE, dtype=np.float16) * 2}
    data = graph if isinstance(graph, bytes) else graph.SerializeToString()
    return Checkpoint(path, "", "toy", {}, {}, weights, {"play": data})
