import csv
import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from drumkit_cli.errors import UsageError
from drumkit_cli.learning import processes
from drumkit_cli.learning.training import LOG_NAME
from tests.contract.midi_files import WHOLE

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Recipe:
    batch: int = 12
    per_class: int = 8
    candidates: int = 5


@pytest.fixture(scope="module", autouse=True)
def _sockets():
    try:
        socket.create_server(("127.0.0.1", 0)).close()
    except OSError as error:
        pytest.skip(f"processes cannot talk here: {error}")


def launch(count, program, *arguments):
    command = [sys.executable, "-m", "torch.distributed.run", "--master-addr", "127.0.0.1"]
    command += ["--master-port", str(free_port()), "--nproc-per-node", str(count)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [*command, "-m", program, *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def share(monkeypatch, here, machines):
    monkeypatch.setenv("LOCAL_WORLD_SIZE", str(here))
    monkeypatch.setenv("GROUP_WORLD_SIZE", str(machines))
    return processes.share_of(Recipe())


def test_batches_are_shared_by_the_processes_of_all_machines(monkeypatch):
    assert share(monkeypatch, 2, 2) == Recipe(batch=3, per_class=2, candidates=5)
    assert share(monkeypatch, 1, 1) == Recipe()


@pytest.mark.parametrize(("here", "machines"), [(5, 1), (2, 3), (8, 1)])
def test_batches_that_cannot_be_shared_are_a_usage_error(monkeypatch, here, machines):
    with pytest.raises(UsageError, match="processes cannot share batches of"):
        share(monkeypatch, here, machines)


def test_two_processes_take_the_steps_that_one_takes(tmp_path):
    """Equal slopes in both, equal to gradient descent on all points from the first one's slope."""
    done = launch(2, "tests.learning.line", tmp_path, 6)
    assert done.returncode == 0, done.stderr
    squares = np.square(np.linspace(-1, 2, 8)).mean()
    expected = 2 - 2 * (1 - 2 * 0.05 * squares) ** 6
    slopes = [float((tmp_path / f"slope{rank}").read_text()) for rank in range(2)]
    assert slopes == pytest.approx([expected] * 2, rel=1e-5)


@pytest.mark.slow
def test_a_tiny_model_learns_as_fast_in_two_processes(tmp_path, exports_folder):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "own.mid").write_bytes(WHOLE)
    ends = []
    for count in (1, 2):
        folder = tmp_path / str(count)
        options = f"--preset tiny --time-limit 4s --run-dir {folder} -o {folder}.safetensors"
        arguments = ["train", "interpolate", tmp_path / "data", *options.split()]
        done = launch(count, "tests.learning.clocked", exports_folder, *arguments)
        assert done.returncode == 0, done.stderr
        with (folder / LOG_NAME).open() as file:
            rows = [row for row in csv.DictReader(file) if row["name"] == "entropy"]
        curve = [float(row["value"]) for row in rows]
        assert len(curve) == 256
        ends.append(np.mean(curve[-64:]))
        assert ends[-1] < 0.8 * np.mean(curve[:8])
    assert ends[0] == pytest.approx(ends[1], rel=0.2)


def test_gradients_of_any_memory_layout_are_averaged():
    fabric = SimpleNamespace(world_size=2, all_reduce=lambda values, reduce_op: values / 2)
    weight = torch.nn.Parameter(torch.zeros(2, 3))
    weight.grad = torch.arange(6.0).reshape(3, 2).T
    processes.average_gradients(fabric, [weight, torch.nn.Parameter(torch.zeros(1))])
    assert torch.equal(weight.grad, torch.arange(6.0).reshape(3, 2).T / 2)
