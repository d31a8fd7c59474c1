"""What is made already is skipped, if and only if it would be made the same again."""

import json
import os

import numpy as np
import pytest

from drumkit_cli import cli
from tests import signals
from tests.batch.songs import make_songs, song, tree


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_songs(tmp_path / "songs", 3)
    return tmp_path


@pytest.fixture
def statuses(here, capfd):
    """Runs a command over the songs with --json; what became of each."""

    def run(*arguments):
        cli.run(["mel", "-r", "songs", "-o", "out", "--json", *arguments])
        lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
        return {line["input"].rpartition("/")[2]: line["status"] for line in lines}

    assert set(run().values()) == {"done"}
    return run


ALL = ["s0.wav", "s1.wav", "s2.wav"]


def test_a_second_run_makes_nothing(statuses, here):
    before = {path: os.stat(path).st_mtime_ns for path in here.rglob("*.npy")}
    assert statuses() == dict.fromkeys(ALL, "skipped")
    assert before == {path: os.stat(path).st_mtime_ns for path in here.rglob("*.npy")}


@pytest.mark.parametrize("options", [["--force"], ["--mels", "64"], ["--seed", "1"]])
def test_other_arguments_make_all_again(statuses, options):
    assert statuses(*options) == dict.fromkeys(ALL, "done")


@pytest.mark.parametrize("options", [["-q"], ["-j", "1"]])
def test_arguments_that_change_no_output_do_not(statuses, options):
    assert statuses(*options) == dict.fromkeys(ALL, "skipped")


def test_another_input_of_that_name_is_taken(statuses, here):
    (here / "songs" / "s0.wav").write_bytes(song(7))
    assert statuses() == {"s0.wav": "done", "s1.wav": "skipped", "s2.wav": "skipped"}


def test_a_touched_input_is_the_same(statuses, here):
    os.utime(here / "songs" / "s0.wav")
    assert statuses()["s0.wav"] == "skipped"


def test_a_missing_or_altered_output_is_made_again(statuses, here):
    whole = tree(here / "out")
    (here / "out" / "s0.npy").unlink()
    altered = here / "out" / "a" / "s1.npy"
    altered.write_bytes(altered.read_bytes()[:-1] + b"\1")
    assert statuses() == {"s0.wav": "done", "s1.wav": "done", "s2.wav": "skipped"}
    assert tree(here / "out") == whole


def test_a_file_of_that_name_alone_is_not_taken_for_the_output(here, capfd):
    (here / "out").mkdir()
    (here / "out" / "s0.npy").write_bytes(b"something else")
    assert cli.run(["mel", "songs/s0.wav", "-o", "out"]) == 0
    assert (here / "out" / "s0.npy").read_bytes().startswith(b"\x93NUMPY")


def test_a_damaged_record_counts_as_none(statuses, here):
    for path in (here / "out" / ".drumkit").iterdir():
        path.write_text("{")
    assert statuses() == dict.fromkeys(ALL, "done")


def test_commands_in_one_folder_do_not_take_each_others_outputs(here):
    assert cli.run(["mel", "-q", "songs/s0.wav", "-o", "out"]) == 0
    assert cli.run(["separate", "-q", "songs/s0.wav", "-o", "out", "--stem", "drums"]) == 0
    assert {path.rpartition(".")[2] for path in tree(here / "out")} == {"npy", "wav"}


def test_other_weights_make_all_again(here, capfd):
    weights = here / "w.safetensors"
    from drumkit_cli.learning.checkpoint import shipped_folder

    shipped = (shipped_folder() / "separate.safetensors").read_bytes()
    weights.write_bytes(shipped)
    command = ["separate", "songs/s0.wav", "-o", "out", "--weights", str(weights), "--json"]
    statuses = []
    for _ in range(2):
        assert cli.run(command) == 0
        statuses.append(json.loads(capfd.readouterr().out)["status"])
    weights.write_bytes(shipped + b" ")
    cli.run(command)
    statuses.append(json.loads(capfd.readouterr().out)["status"])
    assert statuses == ["done", "skipped", "failed"]


def test_an_empty_output_is_recorded_and_skipped(here, capfd):
    silence = signals.encode(np.zeros((1, 22050), np.float32), 22050)
    (here / "silence.wav").write_bytes(silence)
    statuses = []
    for _ in range(2):
        assert cli.run(["transcribe", "--beats", "silence.wav", "-o", "out"]) == 0
        assert (here / "out" / "silence.txt").read_bytes() == b""
        statuses.append("1 skipped" in capfd.readouterr().err)
    assert statuses == [False, True]
    assert cli.run(["verify", "out/silence.txt"]) == 0
    (here / "out" / "silence.txt").unlink()
    assert cli.run(["verify", "out/silence.txt"]) == 66
