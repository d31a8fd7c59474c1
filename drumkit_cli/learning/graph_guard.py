"""Check of ONNX graphs from strangers, before ONNX Runtime reads them.

A graph may use known operators, small constants of its own, and tensors of the weights file that it
came in. Whatever else the format allows (other files, functions, subgraphs, custom operators) is
refused: a field that is not in the schema below is an error. The field numbers are those of
``onnx.proto3``, the encoding is protobuf's.
"""

import math
import struct
from collections.abc import Mapping
from typing import Any, Final

MARKER: Final = "safetensors"
"""Location of an initialiser that is a tensor of the weights file."""
OPSETS: Final = range(17, 24)
IR_VERSIONS: Final = range(8, 13)
MOST_BYTES: Final = 1 << 20
MOST_NODES: Final = 4000
MOST_CONSTANT_BYTES: Final = 1 << 16
OPERATORS: Final = frozenset(
    [
        "Abs",
        "Add",
        "ArgMin",
        "BatchNormalization",
        "Cast",
        "CastLike",
        "Clip",
        "Concat",
        "ConstantOfShape",
        "Conv",
        "ConvTranspose",
        "Div",
        "Elu",
        "Equal",
        "Erf",
        "Exp",
        "Expand",
        "Floor",
        "GRU",
        "Gather",
        "Gelu",
        "Gemm",
        "Greater",
        "InstanceNormalization",
        "LSTM",
        "LayerNormalization",
        "LeakyRelu",
        "Less",
        "Log",
        "MatMul",
        "Max",
        "Min",
        "Mul",
        "Neg",
        "Pad",
        "Pow",
        "Range",
        "ReduceMax",
        "ReduceMean",
        "ReduceProd",
        "ReduceSum",
        "Relu",
        "Reshape",
        "Resize",
        "Round",
        "Selu",
        "Shape",
        "Sigmoid",
        "Slice",
        "Softmax",
        "Softplus",
        "Split",
        "Sqrt",
        "Squeeze",
        "Sub",
        "Tanh",
        "Transpose",
        "Unsqueeze",
        "Where",
    ]
)

_FLOAT_TYPE: Final = 1
_TYPE_BYTES: Final = {1: 4, 6: 4, 7: 8, 9: 1, 11: 8}
"""Bytes of the types of constants: float, int32, int64, bool, double."""
_EXTERNAL: Final = 1
_LONGEST_NAME: Final = 256

# A schema gives each allowed field its name and what it holds; names that end in "*" may repeat.
_Message = dict[str, Any]
_Schema = Mapping[int, tuple[str, Any]]
_ENTRY: _Schema = {1: ("key", str), 2: ("value", str)}
_TENSOR: _Schema = {
    1: ("dims*", int),
    2: ("type", int),
    8: ("name", str),
    9: ("raw", bytes),
    13: ("external*", _ENTRY),
    14: ("location", int),
}
_ATTRIBUTE: _Schema = {
    1: ("name", str),
    2: ("f", float),
    3: ("i", int),
    4: ("s", bytes),
    7: ("floats*", float),
    8: ("ints*", int),
    9: ("strings*", bytes),
    20: ("type", int),
}
_NODE: _Schema = {
    1: ("inputs*", str),
    2: ("outputs*", str),
    3: ("name", str),
    4: ("operator", str),
    5: ("attributes*", _ATTRIBUTE),
    7: ("domain", str),
}
_AXIS: _Schema = {1: ("size", int), 2: ("symbol", str)}
_TENSOR_TYPE: _Schema = {1: ("element", int), 2: ("shape", {1: ("axes*", _AXIS)})}
_VALUE: _Schema = {1: ("name", str), 2: ("type", {1: ("tensor", _TENSOR_TYPE)})}
_GRAPH: _Schema = {
    1: ("nodes*", _NODE),
    2: ("name", str),
    5: ("tensors*", _TENSOR),
    11: ("inputs*", _VALUE),
    12: ("outputs*", _VALUE),
}
_MODEL: _Schema = {
    1: ("ir_version", int),
    7: ("graph", _GRAPH),
    8: ("opsets*", {1: ("domain", str), 2: ("version", int)}),
}

_VARINT, _LENGTH, _FIXED32 = 0, 2, 5


class GraphError(ValueError):
    """A graph that is damaged, or not allowed."""


def check_graph(data: bytes, shapes: Mapping[str, tuple[int, ...]]) -> list[str]:
    """Check a serialised ONNX model and return the names of the tensors that it needs.

    Args:
        data: the model.
        shapes: shapes of the float tensors that the weights file holds, by name.

    Raises:
        GraphError: it is not a model, or not one that may be run.
    """
    _require(len(data) <= MOST_BYTES, "it is too large")
    model = _parse(memoryview(data), _MODEL)
    _require("graph" in model, "it holds no graph")
    graph = model["graph"]
    _require(model.get("ir_version") in IR_VERSIONS, "its version is not known")
    opsets = [(opset.get("domain", ""), opset.get("version")) for opset in model.get("opsets", ())]
    _require(len(opsets) == 1 and opsets[0][0] == "", "it needs operators that are not ONNX's")
    _require(opsets[0][1] in OPSETS, "its set of operators is not known")
    nodes = graph.get("nodes", [])
    _require(len(nodes) <= MOST_NODES, "it has too many nodes")
    for node in nodes:
        operator = node.get("operator", "")
        _require(operator in OPERATORS, f"its operator {operator} is not allowed")
        _require(not node.get("domain"), f"its operator {operator} is not ONNX's")
    needed, constant_bytes = [], 0
    for tensor in graph.get("tensors", ()):
        if "location" in tensor or "external" in tensor:
            needed.append(_external(tensor, shapes))
        else:
            constant_bytes += _constant_bytes(tensor)
            _require(constant_bytes <= MOST_CONSTANT_BYTES, "its constants are too large")
    _require(len(set(needed)) == len(needed), "it names a tensor twice")
    return needed


def _external(tensor: _Message, shapes: Mapping[str, tuple[int, ...]]) -> str:
    name: str = tensor.get("name", "")
    entries = [(entry.get("key"), entry.get("value")) for entry in tensor.get("external", ())]
    _require(entries == [("location", MARKER)], f"its {name} lies in another file")
    _require(tensor.get("location") == _EXTERNAL and "raw" not in tensor, f"its {name} is damaged")
    _require(tensor.get("type") == _FLOAT_TYPE, f"its {name} is not of floats")
    shape = tuple(tensor.get("dims", ()))
    _require(shapes.get(name) == shape, f"its {name} is not in the file, or of another shape")
    return name


def _constant_bytes(tensor: _Message) -> int:
    dims = tensor.get("dims", [])
    _require(all(0 <= size <= MOST_CONSTANT_BYTES for size in dims), "a constant is too large")
    size: int = math.prod(dims) * _TYPE_BYTES.get(tensor.get("type", 0), MOST_CONSTANT_BYTES)
    _require(size == len(tensor.get("raw", b"")), "a constant has not the size that it states")
    return size


def _parse(data: memoryview, schema: _Schema) -> _Message:
    """Return the fields of a protobuf message; those that repeat as lists."""
    found: _Message = {}
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        _require(key >> 3 in schema, "it has a part that is not allowed")
        name, kind = schema[key >> 3]
        values, at = _values(data, at, key & 7, kind)
        if name.endswith("*"):
            found.setdefault(name[:-1], []).extend(values)
        else:
            _require(name not in found and len(values) == 1, f"it gives {name} twice")
            found[name] = values[0]
    return found


def _values(data: memoryview, at: int, wire: int, kind: Any) -> tuple[list[Any], int]:  # noqa: ANN401
    """Return the values of one field, several where they are packed, and where it ends."""
    if wire == _VARINT and kind is int:
        value, at = _varint(data, at)
        return [value if value < 1 << 63 else value - (1 << 64)], at
    if wire == _FIXED32 and kind is float:
        _require(at + 4 <= len(data), "it is cut short")
        return [*struct.unpack_from("<f", data, at)], at + 4
    _require(wire == _LENGTH, "a field is of another type")
    size, at = _varint(data, at)
    end = at + size
    _require(end <= len(data), "it is cut short")
    part = data[at:end]
    if kind is int:
        packed: list[Any] = []
        while at < end:
            value, at = _varint(data[:end], at)
            packed.append(value if value < 1 << 63 else value - (1 << 64))
        return packed, end
    if kind is float:
        _require(size % 4 == 0, "it is cut short")
        return [*struct.unpack(f"<{size // 4}f", part)], end
    if kind is bytes:
        return [part.tobytes()], end
    if kind is str:
        return [_text(part.tobytes())], end
    return [_parse(part, kind)], end


def _text(data: bytes) -> str:
    _require(
        len(data) <= _LONGEST_NAME and data.isascii() and data.decode("ascii").isprintable(),
        "a name is not plain text",
    )
    return data.decode("ascii")


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        _require(at < len(data) and shift < 64, "it is cut short")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            _require(value < 1 << 64, "a number is too large")
            return value, at
        shift += 7


def _require(condition: bool, complaint: str) -> None:
    if not condition:
        raise GraphError(complaint)
