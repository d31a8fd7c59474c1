import json
import subprocess
import sys
from xml.etree import ElementTree

import numpy as np
import pytest
import soundfile

from drumkit_cli import cli
from tests.score.tiny import RATE, scene, write_tiny_grader
from tests.transcribe.test_command import write_stems


@pytest.fixture(autouse=True)
def weights(tmp_path, monkeypatch):
    path = write_tiny_grader(tmp_path / "score.safetensors")
    monkeypatch.setenv("DRUMKIT_WEIGHTS", str(path))
    monkeypatch.chdir(tmp_path)
    return path


@pytest.fixture
def song(tmp_path):
    """Made drums of two songs, and a folder of their real drums."""
    for name, gain in (("a", 0.0), ("b", 0.5)):
        for folder, sound in (
            ("made", scene().drums + np.float32(gain) * scene().rest),
            ("real", scene().drums),
            ("bass", scene().bass),
        ):
            (tmp_path / folder).mkdir(exist_ok=True)
            soundfile.write(tmp_path / folder / f"{name}.wav", sound, RATE, subtype="FLOAT")
    return tmp_path


def run(*arguments):
    return cli.run(["score", "-q", *arguments])


def graded(path, *arguments):
    assert run(*arguments, "--json", "-o", str(path)) == 0
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_folder_is_compared_with_the_files_of_its_names(song):
    *items, summary = graded(
        song / "out.json", "-r", "made", "--reference", "real", "--bass", "bass"
    )
    assert [(one["file"], one["reference"], one["bass"]) for one in items] == [
        ("made/a.wav", "real/a.wav", "bass/a.wav"),
        ("made/b.wav", "real/b.wav", "bass/b.wav"),
    ]
    assert items[0]["parts"]["onset_agreement"] == 1
    assert summary["files"] == 2


def test_one_reference_serves_all(song):
    items = graded(song / "out.json", "made/a.wav", "made/b.wav", "--reference", "real/a.wav")
    assert {one["reference"] for one in items[:2]} == {"real/a.wav"}


def test_without_a_reference_only_the_sound_counts(song):
    (one,) = graded(song / "out.json", "made/a.wav")
    assert one["reference"] is None
    assert one["parts"]["spectral_distance_db"] is None
    assert one["parts"]["activity"] > 0
    assert run("made/a.wav", "-o", "out.txt") == 0
    assert "without --reference" in (song / "out.txt").read_text()


def test_a_reference_that_is_not_there_is_told(song, capsys):
    (song / "real" / "b.wav").unlink()
    assert run("made/b.wav", "--reference", "real") == 66
    assert "no file for made/b.wav" in capsys.readouterr().err
    assert run("made/b.wav", "--reference", "none.wav") == 66
    assert run("made/b.wav", "--reference", "-") == 2


def test_stems_are_found_by_their_names(song):
    sides = {name: np.stack([getattr(scene(), name)] * 2) for name in ("drums", "bass")}
    stems = write_stems(song / "stems.wav", sides)
    (one,) = graded(song / "out.json", "made/a.wav", "--reference", stems, "--bass", stems)
    (plain,) = graded(
        song / "out.json", "made/a.wav", "--reference", "real/a.wav", "--bass", "bass/a.wav"
    )
    assert one["grade"] == pytest.approx(plain["grade"], abs=0.02)


def test_a_bad_file_is_told_and_the_rest_graded(song, capsys):
    (song / "made" / "junk.wav").write_bytes(b"junk")
    line = ["made/junk.wav", "made/a.wav", "--json", "-o", "out.json", "--junit", "out.xml"]
    assert run(*line) == 65
    assert "1 of 2 inputs failed" in capsys.readouterr().err
    assert json.loads((song / "out.json").read_text())["file"] == "made/a.wav"
    assert ElementTree.parse(song / "out.xml").getroot().get("errors") == "1"


def test_the_gate_fails_with_status_1_and_names_the_file(song, capsys):
    items = graded(song / "old.json", "-r", "made")
    worst = min(items[:2], key=lambda one: one["grade"])
    middle = sum(one["grade"] for one in items[:2]) / 2
    line = ["-r", "made", "--min-grade", str(middle), "--junit", "out.xml", "-o", "out.txt"]
    assert run(*line) == 1
    assert worst["file"] in capsys.readouterr().err
    assert (song / "out.txt").exists()
    assert ElementTree.parse(song / "out.xml").getroot().get("failures") == "1"
    assert run("-r", "made", "--baseline", "old.json", "-o", "out.txt") == 0
    raised = [{**one, "grade": one["grade"] + 1} for one in items[:2]]
    (song / "old.json").write_text("".join(json.dumps(one) + "\n" for one in raised))
    assert run("-r", "made", "--baseline", "old.json", "-o", "out.txt") == 1
    assert run("-r", "made", "--baseline", "old.json", "--max-drop", "1.1", "-o", "out.txt") == 0


def test_a_file_of_the_baseline_that_is_gone_is_told(song, capsys):
    graded(song / "old.json", "-r", "made")
    assert cli.run(["score", "made/a.wav", "--baseline", "old.json", "-o", "out.txt"]) == 0
    assert "b.wav of the baseline was not graded" in capsys.readouterr().err


def test_the_output_says_which_weights_graded(song):
    (one,) = graded(song / "out.json", "made/a.wav")
    assert len(one["weights"]) == 64
    (one,) = graded(song / "out.json", "made/a.wav", "--no-provenance")
    assert "weights" not in one


def test_drums_come_through_a_pipe(song):
    command = [sys.executable, "-m", "drumkit_cli", "score", "--reference", "real/a.wav", "--json"]
    done = subprocess.run(
        command, input=(song / "made" / "a.wav").read_bytes(), capture_output=True, check=True
    )
    assert json.loads(done.stdout)["file"] == "<stdin>"
