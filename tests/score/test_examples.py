import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

from tests.score.tiny import RATE, scene, write_tiny_grader

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def make(tmp_path):
    """Run the makefile in a folder of two drums, graded by a tiny grader."""
    for folder in ("made", "real"):
        (tmp_path / folder).mkdir()
        for name, sound in (("a", scene().drums), ("b", scene().drums + scene().rest)):
            soundfile.write(tmp_path / folder / f"{name}.wav", sound, RATE)
    weights = write_tiny_grader(tmp_path / "score.safetensors")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DRUMKIT_WEIGHTS": str(weights)}

    def run(*arguments):
        line = ["make", "-f", str(ROOT / "examples" / "grades.mk"), "DRUMS=made"]
        line += ["REFERENCE=real", f"DRUMKIT={sys.executable} -m drumkit_cli", *arguments]
        return subprocess.run(
            line, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    return run


def test_grades_are_pinned_and_a_drop_fails_the_job(tmp_path, make):
    assert make("baseline").returncode == 0
    done = make("MIN_GRADE=0")
    assert done.returncode == 0, done.stderr
    assert 'failures="0"' in (tmp_path / "grades.xml").read_text()
    lines = [json.loads(line) for line in (tmp_path / "grades.json").read_text().splitlines()]
    lines[0]["grade"] += 0.5
    (tmp_path / "grades.json").write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = make("MIN_GRADE=0")
    assert done.returncode == 2
    assert "made/a.wav: grade" in done.stderr
    assert 'failures="1"' in (tmp_path / "grades.xml").read_text()
