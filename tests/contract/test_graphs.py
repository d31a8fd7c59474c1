"""Networks run without PyTorch, and graphs from strangers do no harm."""

import base64
import os
import subprocess
import sys
from pathlib import Path

import pytest
from onnx import TensorProto, helper
from safetensors import safe_open
from safetensors.numpy import save_file

from tests.contract.expect import BAD_DATA, assert_refused, each

ROOT = Path(__file__).resolve().parents[2]
each_with_model = each(lambda command: command.has_model)


def rewritten(weights, command, folder, change):
    """The tiny weights of a command with other metadata."""
    path = weights / f"{command.arguments[0]}.safetensors"
    with safe_open(str(path), framework="np") as file:
        metadata = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    new = folder / "changed.safetensors"
    save_file(tensors, new, change(metadata))
    return new


def with_graph(graph):
    """Let all graphs be this one."""
    text = base64.b64encode(graph).decode()
    return lambda metadata: {k: text if k.startswith("graph.") else v for k, v in metadata.items()}


def graph(nodes, tensors=()):
    made = helper.make_graph(
        nodes,
        "",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, None)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        tensors,
    )
    opsets = [helper.make_opsetid("", 20)]
    return helper.make_model(made, opset_imports=opsets, ir_version=10).SerializeToString()


def spying():
    """A graph that reads another file."""
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="secret.bin")
    return graph([helper.make_node("Add", ["x", "w"], ["y"])], [tensor])


def looping():
    """A graph with a body that could run for ever."""
    return graph([helper.make_node("Loop", ["", "", "x"], ["y"])])


FOREIGN = {
    "spying": spying(),
    "looping": looping(),
    "of another network": graph([helper.make_node("ReduceSum", ["x"], ["y"], keepdims=0)]),
    "custom": graph([helper.make_node("Evil", ["x"], ["y"], domain="evil")]),
    "junk": b"junk",
    "empty": b"",
}


@each_with_model
@pytest.mark.parametrize("name", FOREIGN)
def test_foreign_graphs_are_told_in_one_line(drumkit, weights, command, tmp_path, name):
    path = rewritten(weights, command, tmp_path, with_graph(FOREIGN[name]))
    (drumkit.folder / "secret.bin").write_bytes(bytes(16))
    result = drumkit(*command.line(), "--weights", path, stdin=command.good)
    assert_refused(result, BAD_DATA, "changed.safetensors")
    assert sorted(drumkit.folder.iterdir()) == [drumkit.folder / "secret.bin"]


@each_with_model
def test_weights_without_graphs_are_refused_with_the_way_out(drumkit, weights, command, tmp_path):
    def older(metadata):
        kept = {name: text for name, text in metadata.items() if not name.startswith("graph.")}
        return {**kept, "format_version": "1"}

    path = rewritten(weights, command, tmp_path, older)
    result = drumkit(*command.line(), "--weights", path, stdin=command.good)
    assert_refused(result, BAD_DATA, f"drumkit train {command.arguments[0]} --convert")


@each_with_model
def test_a_damaged_graph_is_told_in_one_line(drumkit, weights, command, tmp_path):
    def damaged(metadata):
        return {k: v[:-1] + "!" if k.startswith("graph.") else v for k, v in metadata.items()}

    path = rewritten(weights, command, tmp_path, damaged)
    result = drumkit(*command.line(), "--weights", path, stdin=command.good)
    assert_refused(result, BAD_DATA, "not a drumkit weights file")


@each_with_model
def test_a_command_needs_no_pytorch_and_gives_the_same_bytes_with_any_threads(
    weights, command, tmp_path
):
    stub = tmp_path / "stub"
    stub.mkdir()
    (stub / "torch.py").write_text("raise ImportError('PyTorch is not for inference')\n")
    environment = {**os.environ, "PYTHONPATH": f"{stub}:{ROOT}", "DRUMKIT_WEIGHTS": str(weights)}
    outputs = []
    for threads in ("1", "2"):
        line = [*command.line(), "--threads", threads, "--no-provenance"]
        run = subprocess.run(
            [sys.executable, "-m", "drumkit_cli", *line],
            input=command.good or b"",
            capture_output=True,
            cwd=tmp_path,
            env=environment,
            timeout=120,
        )
        assert run.returncode == 0, run.stderr
        outputs.append(run.stdout)
    assert command.is_good(outputs[0])
    assert outputs[0] == outputs[1]
