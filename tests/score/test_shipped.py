"""The weights that ship: what is good is graded as good, and damage as damage."""

import os
from pathlib import Path

import numpy as np
import pytest

import drumkit_cli as drumkit
from drumkit_cli.grading.grader import Grader
from drumkit_cli.grading.songs import load_mono
from drumkit_cli.learning.models import load_model
from drumkit_cli.score.damage import add, noise
from drumkit_cli.score.ladder import INSTEAD, RULES
from drumkit_cli.spectral.onsets import MEL
from tests.arrange.tiny import bass_line

DATA = os.environ.get("DRUMKIT_DATA")
MODELS = Path(__file__).resolve().parents[2] / "weights" / "MODELS.md"


@pytest.fixture(scope="module")
def grader():
    return load_model(Grader, "score")


@pytest.fixture(scope="module")
def drums():
    """Four measures that `synth` plays."""
    played = drumkit.synth(drumkit.swirl(measures=4, seed=1), seed=1)
    return np.asarray(played, np.float32).mean(0)


def test_drums_beside_themselves_are_almost_real(grader, drums):
    grade = grader.grade(drums, drums, bass_line(len(drums) / MEL.rate)[: len(drums)])
    assert grade.bucket == "8-9"
    assert grade.grade > 7.5


def test_what_is_no_drums_is_graded_lowest(grader, drums):
    chance = np.random.default_rng(0)
    bass = bass_line(len(drums) / MEL.rate)[: len(drums)]
    for sound in (np.zeros_like(drums), noise(len(drums), chance), bass):
        for reference in (drums, None):
            grade = grader.grade(sound, reference, bass)
            assert grade.bucket == "0-3"
            assert grade.grade < 3.5


def test_the_level_does_not_count(grader, drums):
    noisy = add(drums, noise(len(drums), np.random.default_rng(0)), -15)
    grades = [grader.grade(noisy * np.float32(g), drums).grade for g in (0.5, 1, 2)]
    assert np.ptp(grades) <= 0.3


def test_more_noise_is_a_lower_grade(grader, drums):
    sound = noise(len(drums), np.random.default_rng(0))
    grades = [grader.grade(add(drums, sound, level), drums).grade for level in (-40, -24, -12, 10)]
    assert grades == sorted(grades, reverse=True)


@pytest.mark.skipif(not DATA, reason="DRUMKIT_DATA names no data folder")
def test_real_drums_beside_themselves_are_almost_real(grader):
    folders = sorted((Path(DATA) / "mdb-dev").glob("*/drums.*"))
    assert folders
    for path in folders:
        drums = load_mono(path)[: 20 * MEL.rate]
        assert grader.grade(drums, drums).bucket == "8-9"


def test_the_card_has_the_table_of_the_ladder():
    card = MODELS.read_text(encoding="utf-8")
    for rule in RULES:
        rungs = ", ".join(f"{a:g}: {b:g}" for a, b in zip(rule.levels, rule.grades, strict=True))
        assert f"| {rule.name} | {rule.measure} | {rungs} |" in card
    for rule in INSTEAD:
        assert f"| {rule.name} | in place of the drums | {rule.grades[0]:g} |" in card
