from xml.etree import ElementTree

import pytest

from drumkit_cli.errors import BadDataError, CheckFailed, MissingInputError
from drumkit_cli.score.gate import Gate, junit_xml, read_baseline
from drumkit_cli.score.reports import json_lines
from tests.score.test_reports import item

ITEMS = [item("out/a.wav", 5.0), item("out/b.wav", 7.0)]


def test_a_least_grade_names_what_is_below():
    with pytest.raises(CheckFailed, match=r"1 of 2 files failed: out/a\.wav: grade 5\.00 is below"):
        Gate(6.0, None, 0.2).check(ITEMS)
    Gate(5.0, None, 0.2).check(ITEMS)
    Gate(None, None, 0.2).check(ITEMS)


def test_a_drop_is_told_beyond_what_is_allowed():
    baseline = {"a.wav": 5.1, "b.wav": 7.5, "c.wav": 8.0}
    gate = Gate(None, baseline, 0.2)
    with pytest.raises(CheckFailed, match=r"out/b\.wav: grade 7\.00 was 7\.50") as failure:
        gate.check(ITEMS)
    assert "a.wav" not in str(failure.value)
    Gate(None, baseline, 0.6).check(ITEMS)
    assert gate.missing(ITEMS) == ["c.wav"]


def test_the_baseline_is_what_was_printed_before_whatever_its_folder(tmp_path):
    path = tmp_path / "old.json"
    path.write_text(json_lines(ITEMS, 0, ""))
    assert read_baseline(str(path)) == {"a.wav": 5.0, "b.wav": 7.0}


@pytest.mark.parametrize(
    "text",
    ["", "junk", "[1]", "{}", '{"file": "a"}', '{"file": "a", "grade": NaN}',
     '{"file": "a", "grade": 1}\n{"file": "x/a", "grade": 2}', '{"file": 3, "grade": 1}'],
)  # fmt: skip
def test_what_is_no_baseline_is_told(tmp_path, text):
    (tmp_path / "old.json").write_text(text)
    with pytest.raises(BadDataError, match=r"old\.json"):
        read_baseline(str(tmp_path / "old.json"))
    with pytest.raises(MissingInputError):
        read_baseline(str(tmp_path / "none.json"))


def test_junit_counts_failures_and_errors():
    failures = [("c\x1b.wav", BadDataError("c.wav is no audio"))]
    text = junit_xml(ITEMS, failures, Gate(6.0, None, 0.2))
    suite = ElementTree.fromstring(text)
    assert suite.attrib | {"tests": "3", "failures": "1", "errors": "1"} == suite.attrib
    cases = {case.get("name"): case for case in suite}
    assert "below 6" in cases["out/a.wav"].find("failure").get("message")
    assert cases["out/b.wav"].find("failure") is None
    assert cases[r"c\x1b.wav"].find("error") is not None
