import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.contract import commands

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_SECONDS = 180


@dataclass(frozen=True)
class Result:
    """How a command ended."""

    status: int
    out: bytes
    err: str

    @property
    def lines(self):
        return self.err.splitlines()


@dataclass
class Runner:
    """Runs `drumkit` with real descriptors, in a warm process."""

    socket_path: str
    folder: Path
    environment: dict = field(default_factory=dict)

    def __call__(
        self,
        *arguments,
        stdin=None,
        stdout=None,
        file_bytes_max=None,
        signal_number=None,
        signal_when=None,
        environment=None,
    ):
        """Run and wait.

        Args:
            arguments: of drumkit.
            stdin: bytes, given through a pipe; or a descriptor; None is /dev/null.
            stdout: a descriptor; None collects it.
            file_bytes_max: RLIMIT_FSIZE of the process.
            signal_number: sent when `signal_when()` is true.
            signal_when: what to wait for.
            environment: variables on top of the runner's.
        """
        with contextlib.ExitStack() as stack:
            out = stack.enter_context(tempfile.TemporaryFile())
            err = stack.enter_context(tempfile.TemporaryFile())
            reading, feeder = self._feed(stdin)
            request = {
                "arguments": [os.fspath(argument) for argument in arguments],
                "folder": str(self.folder),
                "environment": {**self.environment, **(environment or {})},
                "file_bytes_max": file_bytes_max,
            }
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(TIMEOUT_SECONDS)
                connection.connect(self.socket_path)
                descriptors = [reading, out.fileno() if stdout is None else stdout, err.fileno()]
                socket.send_fds(connection, [json.dumps(request).encode()], descriptors)
                os.close(reading)
                answers = connection.makefile()
                child = int(answers.readline())
                if signal_number is not None:
                    deadline = time.monotonic() + TIMEOUT_SECONDS
                    while not signal_when() and time.monotonic() < deadline:
                        time.sleep(0.002)
                    os.kill(child, signal_number)
                try:
                    status = int(answers.readline())
                except TimeoutError:
                    os.kill(child, signal.SIGKILL)
                    raise
            if feeder:
                feeder.join()
            out.seek(0)
            err.seek(0)
            return Result(status, out.read(), err.read().decode())

    @staticmethod
    def _feed(data):
        if data is None:
            return os.open(os.devnull, os.O_RDONLY), None
        if isinstance(data, int):
            return os.dup(data), None
        reading, writing = os.pipe()

        def write():
            with contextlib.suppress(BrokenPipeError), os.fdopen(writing, "wb") as file:
                file.write(data)

        thread = threading.Thread(target=write, daemon=True)
        thread.start()
        return reading, thread


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    """A folder of tiny untrained weights for all models."""
    folder = tmp_path_factory.mktemp("weights")
    commands.make_weights(folder)
    return folder


@pytest.fixture(scope="session")
def warm(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("server") / "socket")
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-m", "tests.contract.server", path],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout.readline() == "ready\n"
        yield path
        server.kill()


@pytest.fixture
def drumkit(warm, weights, tmp_path):
    """Run drumkit in an empty folder: its outputs are then all that lies there."""
    folder = tmp_path / "work"
    folder.mkdir()
    return Runner(warm, folder, {"DRUMKIT_WEIGHTS": str(weights)})


@pytest.fixture
def files(tmp_path):
    """Make input files outside the command's own folder."""

    def make(name, data):
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return make
