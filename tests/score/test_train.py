import csv
import json

import numpy as np
import pytest
import soundfile

from drumkit_cli import cli
from drumkit_cli.errors import BadDataError
from drumkit_cli.grading.grader import Grader
from drumkit_cli.learning.checkpoint import read_weights
from drumkit_cli.score import train
from drumkit_cli.score.evaluate import evaluate
from drumkit_cli.score.grades import fit_grades
from tests.bands.test_takes import write_takes
from tests.score.tiny import RATE, scene, write_tiny_grader


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Weights of a short training on noise, and the folder of its data."""
    folder = tmp_path_factory.mktemp("train")
    data = write_takes(folder / "data", seconds=12.5)
    line = ["train", "score", data, "--preset", "tiny", "--time-limit", "1s", "--threads", "1"]
    line += ["--run-dir", folder / "run", "-o", folder / "score.safetensors", "-q"]
    assert cli.run([str(part) for part in line]) == 0
    return folder / "score.safetensors", data


def test_training_makes_weights_that_grade(weights):
    checkpoint = read_weights(weights[0])
    grade = Grader(checkpoint).grade(scene().drums, scene().drums, scene().bass)
    assert 0 <= grade.grade <= 9
    assert "GeneralUser" in checkpoint.card["data"]
    assert "reference and bass" in checkpoint.card["validation"]


def test_evaluation_has_a_row_a_rung(weights):
    table = evaluate(weights[1], str(weights[0]))
    names = [row[0] for row in table.rows]
    assert {"noise", "blur", "silence", "real drums", "following the bass"} <= set(names)
    assert any("clips in their bucket" in note for note in table.notes)
    assert any("Spearman" in note for note in table.notes)
    assert any("gains of 6 dB" in note for note in table.notes)


def test_data_of_one_split_are_refused(tmp_path):
    from drumkit_cli.learning.training import Run

    data = write_takes(tmp_path / "data", count=1)
    run = Run(tmp_path / "run", tmp_path / "out.safetensors", 1.0, preset="tiny")
    with pytest.raises(BadDataError, match="too few clips"):
        train.train(data, run)


def test_a_gaussian_makes_activations_uncorrelated():
    chance = np.random.default_rng(0)
    found = chance.normal(0, 1, (500, 3)) @ chance.normal(0, 1, (3, 3)) + 5
    mean, whitening = train.gaussian(found)
    np.testing.assert_allclose(np.cov(((found - mean) @ whitening).T), np.eye(3), atol=0.02)


@pytest.fixture
def graded(tmp_path, monkeypatch):
    """A table of eight files that people graded: drums are good, noise is not."""
    path = write_tiny_grader(tmp_path / "old.safetensors")
    monkeypatch.setenv("DRUMKIT_WEIGHTS", str(path))
    rows = []
    for number in range(8):
        good = number % 2
        sound = scene().drums if good else np.roll(scene().rest, number)
        soundfile.write(tmp_path / f"{number}.wav", sound, RATE)
        rows.append([f"{number}.wav", 9 if good else 1, "1.wav", ""])
    soundfile.write(tmp_path / "1.wav", scene().drums, RATE)
    with (tmp_path / "grades.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["drums", "grade", "reference", "bass"], *rows])
    return tmp_path


def test_peoples_grades_are_fitted(graded):
    table, new = graded / "grades.csv", graded / "new.safetensors"
    assert cli.run(["train", "score", "--grades", str(table), "-o", str(new), "-q"]) == 0
    grader = Grader(read_weights(new))
    good = grader.grade(scene().drums, scene().drums)
    bad = grader.grade(scene().rest, scene().drums)
    assert good.bucket == "8-9"
    assert bad.bucket == "0-3"
    assert "grades.csv" in json.dumps(read_weights(new).card)


@pytest.mark.parametrize(
    ("text", "word"),
    [("drums\n", "no column grade"), ("drums,grade\na.wav,9\n", "fewer than 8"),
     ("drums,grade\na.wav,ten\n", "no grade"), ("drums,grade\na.wav,11\n", "0 to 9"),
     ("drums,grade\na.wav,nan\n", "0 to 9"), ("drums,grade\n" + "a.wav,9\n" * 9, "one bucket")],
)  # fmt: skip
def test_tables_that_cannot_be_fitted_are_told(tmp_path, text, word):
    (tmp_path / "grades.csv").write_text(text)
    with pytest.raises(BadDataError, match=word):
        fit_grades(tmp_path / "grades.csv", tmp_path / "new.safetensors")


def test_grades_are_of_score_and_in_place_of_data(tmp_path, capsys):
    assert cli.run(["train", "kick", "--grades", "a.csv"]) == 2
    assert "--grades is of score" in capsys.readouterr().err
    assert cli.run(["train", "score", str(tmp_path), "--grades", "a.csv"]) == 2
