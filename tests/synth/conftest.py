import os
import subprocess
import sys
from pathlib import Path

import pytest

from drumkit_cli import cli
from tests.contract.commands import make_weights
from tests.synth.drums import ROOT, beat


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    make_weights(folder)
    return folder


@pytest.fixture
def synth(weights, tmp_path, monkeypatch, capfd):
    """Run the command in this process, in a folder with a beat; gives what it said."""
    monkeypatch.setenv("DRUMKIT_WEIGHTS", str(weights))
    monkeypatch.chdir(tmp_path)
    Path("beat.mid").write_bytes(beat())

    def run(*arguments, status=0):
        capfd.readouterr()
        assert cli.run(["synth", *map(str, arguments)]) == status
        return capfd.readouterr().err

    return run


@pytest.fixture
def shell(weights, tmp_path):
    """Run a line of shell in which `drumkit` is this checkout's."""
    shim = tmp_path / "bin" / "drumkit"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m drumkit_cli "$@"\n')
    shim.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{shim.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "DRUMKIT_WEIGHTS": str(weights),
        "OMP_NUM_THREADS": "1",
    }

    def run(line):
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", line],
            cwd=tmp_path, env=environment, capture_output=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    return run
