"""Exports of networks in less time: the graphs of an untrained one are made once a run."""

import fcntl
import hashlib
import pickle
from functools import cache
from pathlib import Path

from torch.onnx._internal.exporter._registration import ONNXRegistry

from drumkit_cli.learning import export


def share(folder: Path) -> None:
    """Keep the graphs of drumkit's networks in a folder, for all processes that share it."""
    export._export_config = _shared(export._export_config, folder)
    ONNXRegistry.from_torchlib = staticmethod(_registry(cache(ONNXRegistry.from_torchlib)))


def _shared(plain, folder):
    def shared(config, definition):
        if not definition.__name__.startswith("drumkit_cli."):
            return plain(config, definition)
        key = hashlib.sha256(f"{definition.__name__} {config}".encode()).hexdigest()
        with (folder / key).open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            if not (data := file.read()):
                data = pickle.dumps(plain(config, definition))
                file.write(data)
            return pickle.loads(data)

    return shared


def _registry(whole):
    """Give copies of the operators that the exporter collects anew, for a second, each time."""

    def copied(opset_version):
        copy = ONNXRegistry()
        copy._opset_version = opset_version
        copy.functions = {name: [*found] for name, found in whole(opset_version).functions.items()}
        return copy

    return copied
