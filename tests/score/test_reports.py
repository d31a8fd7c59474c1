import json
from dataclasses import replace

import numpy as np
import pytest

from drumkit_cli.grading.buckets import NAMES, bucket_of
from drumkit_cli.grading.features import PARTS
from drumkit_cli.grading.grader import Grade
from drumkit_cli.score import reports
from drumkit_cli.score.reports import Item


def item(file, grade, reference="real.wav"):
    name = NAMES[bucket_of(grade)]
    likely = {other: float(other == name) for other in NAMES}
    parts = dict.fromkeys(PARTS, None if reference is None else 0.5)
    return Item(file, Grade(grade, name, likely, parts), reference, None)


def test_a_line_of_json_has_all_of_a_grade():
    (line,) = reports.json_lines([item("a.wav", 6.5)], 0, "abc").splitlines()
    value = json.loads(line)
    assert (value["file"], value["grade"], value["bucket"]) == ("a.wav", 6.5, "6-7")
    assert sum(value["probabilities"].values()) == 1
    assert set(value["parts"]) == set(PARTS)
    assert (value["reference"], value["bass"], value["weights"]) == ("real.wav", None, "abc")
    assert "weights" not in json.loads(reports.json_lines([item("a.wav", 6.5)], 0, ""))


def test_several_files_have_a_summary():
    items = [item(f"{n}.wav", grade) for n, grade in enumerate([2.0, 6.0, 7.0, 9.0])]
    *_, last = reports.json_lines(items, 0, "").splitlines()
    summary = json.loads(last)
    assert (summary["files"], summary["mean"]) == (4, 6.0)
    assert summary["buckets"] == {"0-3": 1, "4-5": 0, "6-7": 2, "8-9": 1}
    low, high = summary["interval"]
    assert low < 6.0 < high
    text = reports.text_table(items, 0, "")
    assert f"mean grade 6.00, {low:.2f} to {high:.2f}" in text
    assert all(f"{n}.wav" in text for n in range(4))


def test_the_table_of_one_file_has_its_parts_and_no_name():
    text = reports.text_table([item("a.wav", 6.5)], 0, "")
    assert "a.wav" not in text
    assert "6.50" in text
    assert "onset agreement" in text


def test_a_table_says_when_there_was_no_reference():
    told = "without --reference"
    assert told not in reports.text_table([item("a", 6.5)], 0, "")
    assert told in reports.text_table([item("a", 6.5, reference=None)], 0, "")


def test_the_interval_is_that_of_the_mean():
    grades = np.random.default_rng(1).normal(5, 1, 400).tolist()
    low, high = reports.interval(grades, 0)
    error = np.std(grades) / np.sqrt(400)
    assert low == pytest.approx(np.mean(grades) - 1.96 * error, abs=0.02)
    assert high == pytest.approx(np.mean(grades) + 1.96 * error, abs=0.02)
    assert reports.interval([4.0], 0) == (4.0, 4.0)
    assert reports.interval(grades, 0) == reports.interval(grades, 0)
    assert replace(item("a", 1.0), bass="b").bass == "b"
