"""Networks at inference: arrays in, arrays out, in ONNX Runtime on the CPU, in PyTorch on GPUs.

ONNX Runtime computes with one thread: then the bytes of a result depend on nothing but the input,
and processes in a pipe do not fight for the cores. With more threads, parts of the input are run at
once (`parallel`).
"""

import os
from collections.abc import Sequence
from functools import lru_cache
from importlib import import_module
from threading import Lock
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read when it is imported: drumkit works offline

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as runtime

from drumkit_cli.errors import BadDataError
from drumkit_cli.learning.checkpoint import Checkpoint
from drumkit_cli.learning.devices import Device
from drumkit_cli.learning.graph_guard import GraphError, check_graph

MOST_MEMORY: Final = 2 << 30
"""Bytes of intermediate results in a process; a graph that asks for more fails."""

Shape = tuple[int | None, ...]
"""Sizes of the axes of an array; None stands for any size."""

_FAILURES: Final = (
    runtime.EPFail,
    runtime.Fail,
    runtime.InvalidArgument,
    runtime.InvalidGraph,
    runtime.InvalidProtobuf,
    runtime.NoSuchFile,
    runtime.NotFound,
    runtime.NotImplemented,
    runtime.RuntimeException,
    ValueError,
)
_ONLY_FATAL: Final = 4

onnxruntime.set_default_logger_severity(_ONLY_FATAL)


class Network(Protocol):
    """The network of a weights file."""

    def run(
        self, name: str, inputs: Sequence[NDArray[Any]], shapes: Sequence[Shape]
    ) -> list[NDArray[Any]]:
        """Call an entry point.

        Args:
            name: one of the model's entry points.
            inputs: its inputs, float32 or int64.
            shapes: shapes that its outputs must have.

        Raises:
            BadDataError: the weights file has no such entry point, or that of another network.
        """


class OnnxNetwork:
    """The graphs of a weights file in ONNX Runtime; each is read when it is first run."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        """Keep the weights.

        Raises:
            BadDataError: the file holds no graphs.
        """
        if not checkpoint.graphs:
            raise BadDataError(
                f"{checkpoint.path}: weights of an older drumkit, without graphs",
                f"drumkit train {checkpoint.feature} --convert {checkpoint.path} -o NEW",
            )
        self._checkpoint = checkpoint
        self._sessions: dict[str, onnxruntime.InferenceSession] = {}
        self._lock = Lock()

    def run(
        self, name: str, inputs: Sequence[NDArray[Any]], shapes: Sequence[Shape]
    ) -> list[NDArray[Any]]:
        """Call an entry point; see `Network.run`."""
        with self._lock:
            session = self._sessions.get(name) or self._open(name)
            self._sessions[name] = session
        names = (value.name for value in session.get_inputs())
        try:
            made = session.run(None, dict(zip(names, inputs, strict=True)))
        except _FAILURES as error:
            raise self._foreign(name) from error
        if len(made) != len(shapes) or not all(map(_matches, made, shapes)):
            raise self._foreign(name)
        return list(made)

    def _open(self, name: str) -> onnxruntime.InferenceSession:
        _bound_memory()
        tensors = self._checkpoint.tensors
        floats = {key: value.shape for key, value in tensors.items() if value.dtype.kind == "f"}
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = _ONLY_FATAL
        options.add_session_config_entry("session.use_env_allocators", "1")
        try:
            graph = self._checkpoint.graphs[name]
            needed = check_graph(graph, floats)
            # ONNX Runtime copies the values.
            values = [
                onnxruntime.OrtValue.ortvalue_from_numpy(
                    np.ascontiguousarray(tensors[key], dtype=np.float32)
                )
                for key in needed
            ]
            options.add_external_initializers(needed, values)
            return onnxruntime.InferenceSession(
                graph,
                options,
                providers=["CPUExecutionProvider"],
                enable_fallback=0,  # else it tells of failures on stdout
            )
        except GraphError as error:
            raise BadDataError(
                f"{self._checkpoint.path}: its graph {name} is refused: {error}"
            ) from error
        except (KeyError, *_FAILURES) as error:
            raise self._foreign(name) from error

    def _foreign(self, name: str) -> BadDataError:
        return BadDataError(f"{self._checkpoint.path}: its graph {name} is of another network")


def open_network(checkpoint: Checkpoint, device: str, definition: str) -> Network:
    """Open the network of a weights file.

    Args:
        checkpoint: the weights file.
        device: "cpu", "cuda" or "mps".
        definition: the module that defines the network, which only a GPU needs; see
            `torch_network.Definition`.

    Raises:
        BadDataError: the file holds no graphs, or the weights of another network.
    """
    if device == Device.CPU:
        return OnnxNetwork(checkpoint)
    from drumkit_cli.learning.torch_network import TorchNetwork

    return TorchNetwork(checkpoint, import_module(definition), device)


def _matches(array: NDArray[Any], shape: Shape) -> bool:
    return (
        array.dtype.kind in "fi"
        and array.ndim == len(shape)
        and all(size in (None, actual) for size, actual in zip(shape, array.shape, strict=True))
        and bool(np.isfinite(array).all())
    )


@lru_cache(maxsize=1)
def _bound_memory() -> None:
    """Give all sessions of the process one arena of bounded size."""
    place = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    onnxruntime.create_and_register_allocator(
        place, onnxruntime.OrtArenaCfg({"max_mem": MOST_MEMORY, "arena_extend_strategy": 1})
    )
