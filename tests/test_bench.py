"""The benchmark runs, measures what it says and judges by its targets."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

ROOT = Path(__file__).parent.parent
BENCH = ROOT / "bench" / "bench.py"


@pytest.fixture(scope="module")
def bench():
    sys.path.insert(0, str(BENCH.parent))
    spec = importlib.util.spec_from_file_location("bench", BENCH)
    module = importlib.util.module_from_spec(spec)
    sys.modules["bench"] = module
    spec.loader.exec_module(module)
    sys.path.remove(str(BENCH.parent))
    return module


def run_quick(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, BENCH, "--quick", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_measures_start_up_against_its_target():
    done = run_quick("--only", "missing")
    assert done.returncode == 0, done.stderr
    assert "the slowest missing input, over import typer" in done.stdout
    assert "<= 2 x" in done.stdout


@pytest.mark.slow
def test_it_measures_every_command():
    done = run_quick()
    assert done.returncode == 0, done.stderr
    for name in ("separate", "arrange", "mel", "mel --invert", "peak memory"):
        assert name in done.stdout


def test_a_figure_reaches_its_target_from_the_right_side(bench):
    assert bench.Figure("speed", 12.0, 12.0, "x").reached
    assert not bench.Figure("speed", 11.9, 12.0, "x").reached
    assert bench.Figure("memory", 1.3, 1.3, "x", at_most=True).reached
    assert not bench.Figure("memory", 1.31, 1.3, "x", at_most=True).reached


def test_the_peak_memory_of_a_child_is_its_own():
    """In a process of its own: a child's peak is never below what its parent holds at the start."""
    script = (
        "import sys, bench\n"
        "peaks = [bench.measure([sys.executable, '-c', code], 1).peak_bytes >> 20\n"
        "         for code in ('pass', 'x = bytearray(200 << 20)')]\n"
        "print(*peaks)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{BENCH.parent}"},
        capture_output=True,
        text=True,
        check=True,
    )
    small, large = map(int, done.stdout.split())
    assert small < 150
    assert 200 <= large < small + 220


def test_a_child_that_fails_is_no_figure(bench):
    with pytest.raises(subprocess.CalledProcessError):
        bench.measure([sys.executable, "-c", "raise SystemExit(3)"], 1)


def test_the_song_is_looped_to_the_length(bench, tmp_path):
    path = bench.loop_song(tmp_path / "a.wav", 30.5)
    assert soundfile.info(path).frames == round(30.5 * 44_100)
