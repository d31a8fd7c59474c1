"""What the weights that ship must play, and the memory that it takes."""

import os
import subprocess
import sys

import numpy as np
import pytest

from drumkit_cli import cli
from drumkit_cli.learning.checkpoint import shipped_folder
from drumkit_cli.midi.files import read_midi, write_midi
from drumkit_cli.midi.track import empty_track
from tests.groove.tracks import ENVIRONMENT, STEP, beat, performance

SHIPPED = shipped_folder() / "groove.safetensors"


# Not ru_maxrss, which begins with what the parent held: all that its tests had loaded.
LIMITED = """
import sys
from pathlib import Path
from drumkit_cli import cli
status = cli.run(sys.argv[1:])
lines = Path("/proc/self/status").read_text().splitlines()
print(next(line.split()[1] for line in lines if line.startswith("VmHWM")))
sys.exit(status)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
@pytest.mark.skipif(not SHIPPED.is_file(), reason="weights/groove.safetensors does not ship")
def test_twenty_minutes_take_little_more_memory_than_one(tmp_path):
    peaks_mb = []
    for measures in (30, 600):
        (tmp_path / "in.mid").write_bytes(beat(measures))
        done = subprocess.run(
            [sys.executable, "-c", LIMITED, "groove", "in.mid", "-o", "out.mid"],
            capture_output=True,
            cwd=tmp_path,
            env={key: value for key, value in ENVIRONMENT.items() if key != "DRUMKIT_WEIGHTS"},
            timeout=300,
            check=True,
        )
        peaks_mb.append(int(done.stdout) / 1024)
        made = read_midi((tmp_path / "out.mid").read_bytes(), "out")
        assert made.end_ticks == measures * 16 * STEP
    assert peaks_mb[1] - peaks_mb[0] < 150


@pytest.mark.skipif(not SHIPPED.is_file(), reason="weights/groove.safetensors does not ship")
@pytest.mark.skipif("DRUMKIT_WEIGHTS" in os.environ, reason="DRUMKIT_WEIGHTS names others")
def test_the_shipped_model_leans_as_it_is_told(tmp_path):
    """By at least 4 ms each at 120 bpm, where a sixteenth has 125."""
    (tmp_path / "beat.mid").write_bytes(beat(16))
    late = {}
    for options in ((), ("--feel", "pushed"), ("--feel", "laidback")):
        out = tmp_path / "out.mid"
        assert cli.run(["groove", str(tmp_path / "beat.mid"), *options, "-o", str(out)]) == 0
        played = performance(out.read_bytes())
        late[options[-1] if options else "any"] = 125 * played.offsets[played.velocities > 0].mean()
    assert late["pushed"] <= late["any"] - 4
    assert late["laidback"] >= late["any"] + 4


@pytest.mark.skipif(not SHIPPED.is_file(), reason="weights/groove.safetensors does not ship")
@pytest.mark.skipif("DRUMKIT_WEIGHTS" in os.environ, reason="DRUMKIT_WEIGHTS names others")
@pytest.mark.parametrize("options", [(), ("--genre", "rock")])
def test_a_track_of_kicks_alone_gets_no_other_drum(tmp_path, options):
    """The shipped model would fill it with toms or hats at each sixteenth."""
    notes = [(480 * beat, 60, 36, 100) for beat in range(32)]
    track = empty_track(end_ticks=32 * 480)
    (tmp_path / "kicks.mid").write_bytes(
        write_midi(track.with_notes(track.note(*note) for note in notes))
    )
    out = tmp_path / "out.mid"
    assert cli.run(["groove", str(tmp_path / "kicks.mid"), *options, "-o", str(out)]) == 0
    made = read_midi(out.read_bytes(), "out").notes
    assert {note.pitch for note in made} == {36}
    assert 24 <= len(made) <= 48


@pytest.mark.skipif(not SHIPPED.is_file(), reason="weights/groove.safetensors does not ship")
@pytest.mark.skipif("DRUMKIT_WEIGHTS" in os.environ, reason="DRUMKIT_WEIGHTS names others")
@pytest.mark.parametrize("seed", range(3))
def test_a_plain_beat_is_kept_whatever_the_seed(tmp_path, seed):
    """A single draw of codes now and then took every closed hat for an open one."""
    (tmp_path / "beat.mid").write_bytes(beat(8))
    out = tmp_path / "out.mid"
    assert cli.run(["groove", str(tmp_path / "beat.mid"), "--seed", str(seed), "-o", str(out)]) == 0
    template, played = performance(beat(8)), performance(out.read_bytes())
    asked = template.velocities > 0
    kept = asked & (played.velocities > 0)
    for voice in np.flatnonzero(asked.any(1)):
        assert kept[voice].sum() >= 0.7 * asked[voice].sum()
