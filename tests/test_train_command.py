import json
import sys
import types
from pathlib import Path

import pytest

from drumkit_cli import cli
from drumkit_cli.io.tables import Table
from drumkit_cli.learning.checkpoint import shipped_folder


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
    assert (run.seed, run.threads, run.preset, run.start) == (0, 0, "cpu", None)


def test_train_passes_every_option_on(calls):
    options = "-o w.safetensors --preset gpu --time-limit 1h30m --resume --run-dir r"
    more = "--device cuda --seed 7 --threads 2 -q --from w"
    assert cli.run(["train", "separate", "data", *options.split(), *more.split()]) == 0
    ((_, run),) = calls
    assert (run.folder, run.output) == (Path("r"), Path("w.safetensors"))
    assert (run.time_limit_seconds, run.resume, run.device) == (5400, True, "cuda")
    assert (run.seed, run.threads, run.preset, run.start) == (7, 2, "gpu", Path("w"))


@pytest.mark.parametrize(
    ("arguments", "status"),
    [(["none"], 66), (["data", "-o", "none/w"], 73), (["data", "-o", "data"], 73)],
)
def test_train_refuses_before_it_starts(calls, arguments, status, capsys):
    assert cli.run(["train", "separate", *arguments]) == status
    assert calls == []
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["data", "--from", "none"], 66, "none: no such weights file"),
        (["data", "--from", "junk"], 65, "junk: not a drumkit weights file"),
        (["data", "--from", str(shipped_folder() / "kick.safetensors")], 65, "not of swirl"),
        (["data", "--from", str(shipped_folder()), "--preset", "tiny"], 65, "preset tiny"),
        (["--convert", "old", "--from", "junk"], 2, "--from goes with DATA"),
    ],
)
def test_weights_that_training_cannot_start_from_are_told_in_one_line(
    tmp_path, monkeypatch, capsys, arguments, status, message
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "junk").write_bytes(b"junk")
    assert cli.run(["train", "swirl", *arguments]) == status
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "junk"]


def test_evaluate_prints_its_table(calls, capfd):
    assert cli.run(["evaluate", "separate", "data"]) == 0
    assert "Title" in capfd.readouterr().out
    assert cli.run(["evaluate", "separate", "data", "--json", "--weights", "w"]) == 0
    assert json.loads(capfd.readouterr().out)["rows"] == [["a", 1.5]]
    assert calls[1] == (Path("data"), "w")


def test_evaluate_needs_its_data(calls, capsys):
    assert cli.run(["evaluate", "separate", "none"]) == 66
    assert calls == []
