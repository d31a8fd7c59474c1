import json
import sys
import types
from pathlib import Path

import pytest

from drumkit_cli import cli
from drumkit_cli.io.tables import Table


@pytest.fixture
def calls(monkeypatch, tmp_path):
    """Stand in for a feature's recipe and evaluation; see what they are called with."""
    seen = []

    def evaluate(data, weights):
        seen.append((data, weights))
        return Table("Title", ["song", "dB"], [["a", 1.5]])

    recipe = types.SimpleNamespace(train=lambda data, run: seen.append((data, run)))
    measure = types.SimpleNamespace(evaluate=evaluate)
    monkeypatch.setitem(sys.modules, "drumkit_cli.separate.train", recipe)
    monkeypatch.setitem(sys.modules, "drumkit_cli.separate.evaluate", measure)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    return seen


def test_train_has_defaults(calls):
    assert cli.run(["train", "separate", "data"]) == 0
    ((data, run),) = calls
    assert data == Path("data")
    assert (run.folder, run.output) == (Path("runs/separate"), Path("separate.safetensors"))
    assert (run.time_limit_seconds, run.resume, run.device) == (3600, False, "cpu")
    assert (run.seed, run.threads, run.preset) == (0, 0, "cpu")


def test_train_passes_every_option_on(calls):
    options = "-o w.safetensors --preset gpu --time-limit 1h30m --resume --run-dir r"
    more = "--device cuda --seed 7 --threads 2 -q"
    assert cli.run(["train", "separate", "data", *options.split(), *more.split()]) == 0
    ((_, run),) = calls
    assert (run.folder, run.output) == (Path("r"), Path("w.safetensors"))
    assert (run.time_limit_seconds, run.resume, run.device) == (5400, True, "cuda")
    assert (run.seed, run.threads, run.preset) == (7, 2, "gpu")


@pytest.mark.parametrize(
    ("arguments", "status"),
    [(["none"], 66), (["data", "-o", "none/w"], 73), (["data", "-o", "data"], 73)],
)
def test_train_refuses_before_it_starts(calls, arguments, status, capsys):
    assert cli.run(["train", "separate", *arguments]) == status
    assert calls == []
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_evaluate_prints_its_table(calls, capfd):
    assert cli.run(["evaluate", "separate", "data"]) == 0
    assert "Title" in capfd.readouterr().out
    assert cli.run(["evaluate", "separate", "data", "--json", "--weights", "w"]) == 0
    assert json.loads(capfd.readouterr().out)["rows"] == [["a", 1.5]]
    assert calls[1] == (Path("data"), "w")


def test_evaluate_needs_its_data(calls, capsys):
    assert cli.run(["evaluate", "separate", "none"]) == 66
    assert calls == []
