"""The command itself; what all commands share is in the contract."""

import io
import os
import re

import mido
import numpy as np
import pytest

from drumkit_cli import cli
from drumkit_cli.io.arrays import read_npy
from drumkit_cli.io.streams import open_input
from drumkit_cli.learning.checkpoint import shipped_folder
from drumkit_cli.midi.drum_maps import SIX_VOICES
from drumkit_cli.midi.files import read_midi
from drumkit_cli.patterns.grid import read_grid
from tests.swirl.tiny import write_tiny_drummer

SHIPPED = shipped_folder() / "swirl.safetensors"
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def swirl(tmp_path, monkeypatch):
    """Run the command in this process; gives the bytes of what it made."""
    weights = write_tiny_drummer(tmp_path / "tiny.safetensors")
    monkeypatch.setenv("DRUMKIT_WEIGHTS", str(weights))
    monkeypatch.chdir(tmp_path)

    def run(*arguments, name="out.mid", status=0):
        assert cli.run(["swirl", *map(str, arguments), "-o", name]) == status
        return (tmp_path / name).read_bytes() if status == 0 else b""

    return run


def grid_of(data):
    return read_grid(read_midi(data, "out"), "out", SIX_VOICES, 6)


@pytest.mark.parametrize("count", [1, 3, 16, 70])
def test_the_drums_have_the_length_and_tempo_asked_for(swirl, count):
    track = read_midi(swirl("--measures", count, "--bpm", "93.5"), "out")
    assert track.end_ticks == count * 4 * track.division
    assert track.tempo_bpm == pytest.approx(93.5, abs=1e-3)
    assert [tuple(meter) for meter in track.meters] == [(0, 4, 4)]


def test_onsets_are_sorted_and_the_drums_are_general_midis(swirl):
    data = swirl()
    notes = [message for message in mido.MidiFile(file=io.BytesIO(data)) if not message.is_meta]
    assert {message.channel for message in notes} == {9}
    assert {message.note for message in notes} <= {36, 37, 38, 42, 46, 56}
    onsets = [note.onset_ticks for note in read_midi(data, "out").notes]
    assert onsets == sorted(onsets)
    assert not any(onset % 120 for onset in onsets)


@pytest.mark.parametrize("touch", [[], ["--humanize"]])
@pytest.mark.parametrize("first", [4, 6])
def test_a_run_goes_on_where_another_ended(swirl, capsys, first, touch):
    whole = swirl("--measures", 13, "--seed", 5, *touch, name="whole.npy")
    begun = swirl("--measures", first, "--seed", 5, "-v", *touch, name="a.npy")
    told = re.search(r"--from (\S+) goes on", capsys.readouterr().err)
    then = swirl("--measures", 13 - first, "--seed", 5, "--from", told[1], *touch, name="b.npy")
    header = 128
    assert begun[header:] + then[header:] == whole[header:]


def test_at_speed_0_no_run_is_said_to_go_on(swirl, capsys):
    swirl("--measures", 2, "--speed", 0, "--from", 0.25, "-v")
    told = capsys.readouterr().err
    assert "--from 0.25 begins the same phrase again" in told
    assert "goes on" not in told


def test_the_same_call_gives_the_same_bytes_and_seeds_differ(swirl):
    first, again, other = (swirl("--seed", seed) for seed in (1, 1, 2))
    assert first == again
    assert grid_of(first).velocities.tobytes() != grid_of(other).velocities.tobytes()


def test_speed_and_omegas_change_what_is_played(swirl):
    plain = grid_of(swirl()).velocities
    for options in (("--speed", "0.3"), ("--omegas", "3", "5", "-7", "11"), ("--from", "1.5")):
        assert np.any(grid_of(swirl(*options)).velocities != plain)
    still = grid_of(swirl("--speed", "0")).velocities.reshape(6, 4, 64)
    np.testing.assert_array_equal(still, still[:, :1].repeat(4, axis=1))


def test_humanize_is_off_by_default_and_keeps_every_hit(swirl):
    plain, human = grid_of(swirl()), grid_of(swirl("--humanize"))
    assert not plain.offsets.any()
    np.testing.assert_array_equal(human.velocities > 0, plain.velocities > 0)
    assert 0 < np.abs(human.offsets).max() <= 0.2 + 0.5 / 120
    assert np.any(human.velocities != plain.velocities)
    first_step = grid_of(swirl("--humanize", "--measures", 1))
    assert first_step.offsets[:, 0].min() == 0, "nothing sounds before the start"


def test_an_array_has_the_measures_of_the_midi(swirl):
    swirl("--measures", 5, name="out.npy")
    with open_input("out.npy") as source:
        array = read_npy(source)
    assert array.shape == (5, 6, 16)
    assert array.dtype == np.float32
    made = grid_of(swirl("--measures", 5)).velocities
    np.testing.assert_allclose(made, np.concatenate(list(array), axis=1), atol=0.5 / 127 + 1e-6)


def test_the_path_is_drawn(swirl, tmp_path):
    swirl("--measures", 2, "--plot", "path.png")
    drawn = (tmp_path / "path.png").read_bytes()
    assert drawn.startswith(PNG)
    assert len(drawn) > 10_000
    swirl("--measures", 200, "--plot", "path.png")
    assert (tmp_path / "path.png").read_bytes() != drawn


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "arguments",
    [
        ("--omegas", "nan", "1", "1", "1"),
        ("--omegas", "1e308", "1", "1", "1"),
        ("--omegas", "1", "2", "3"),
        ("--speed", "nan"),
        ("--speed", "11"),
        ("--from", "inf"),
        ("--from", "1", "--speed", "1e-320"),
        ("--from", "1e9", "--speed", "1e-7"),
        ("--measures", "0"),
        ("--measures", "1000001"),
        ("--plot", "-"),
        ("--plot", "out.mid"),
    ],
)
def test_wrong_usage_is_told_and_nothing_is_made(swirl, tmp_path, capsys, arguments):
    swirl(*arguments, status=2)
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.safetensors"]


def test_a_plot_that_cannot_be_made_is_told_before_anything_is_played(swirl, tmp_path):
    swirl("--plot", "none/path.png", status=73)
    assert not (tmp_path / "out.mid").exists()


@pytest.mark.skipif(not SHIPPED.is_file(), reason="weights/swirl.safetensors does not ship")
@pytest.mark.skipif("DRUMKIT_WEIGHTS" in os.environ, reason="DRUMKIT_WEIGHTS names others")
def test_the_shipped_drummer_plays_grooves(tmp_path):
    """A bass drum in nearly all measures, some 4 to 40 hits in each, and change all the while."""
    out = tmp_path / "out.npy"
    assert cli.run(["swirl", "--measures", "64", "-o", str(out)]) == 0
    made = np.load(out) > 0
    assert made[:, 0].any(axis=1).mean() > 0.8
    assert 4 < made.sum((1, 2)).mean() < 40
    assert len({measure.tobytes() for measure in made}) > 16
