"""The command itself; what all commands share is in the contract."""

import io
import os

import mido
import numpy as np
import pytest

from drumkit_cli import cli
from drumkit_cli.io.arrays import read_npy
from drumkit_cli.io.streams import open_input
from drumkit_cli.learning.checkpoint import shipped_folder
from drumkit_cli.midi.drum_maps import SIX_VOICES
from drumkit_cli.midi.files import read_midi
from drumkit_cli.patterns import composer
from drumkit_cli.patterns.genres import GENRES
from drumkit_cli.patterns.grid import read_grid
from tests.contract import midi_files
from tests.interpolate.tiny import write_tiny_autoencoder

SHIPPED = shipped_folder() / "interpolate.safetensors"


@pytest.fixture
def interpolate(tmp_path, monkeypatch):
    """Run the command in this process; gives the bytes of what it made."""
    weights = write_tiny_autoencoder(tmp_path / "tiny.safetensors")
    monkeypatch.setenv("DRUMKIT_WEIGHTS", str(weights))
    monkeypatch.chdir(tmp_path)

    def run(*arguments, name="out.mid", status=0):
        assert cli.run(["interpolate", *map(str, arguments), "-o", name]) == status
        return (tmp_path / name).read_bytes() if status == 0 else b""

    return run


def velocities_of(data):
    return read_grid(read_midi(data, "out"), "out", SIX_VOICES, 6).velocities


@pytest.mark.parametrize("path", ["slerp", "lerp", "crossfade"])
@pytest.mark.parametrize("steps", [1, 6])
def test_the_path_has_its_length_and_its_ends(interpolate, path, steps):
    data = interpolate("techno:3", "electro:7", "-n", steps, "--path", path)
    made = velocities_of(data)
    assert made.shape == (6, 64 * (steps + 1))
    np.testing.assert_array_equal(made[:, :64], composer.compose("techno", 3))
    np.testing.assert_array_equal(made[:, -64:], composer.compose("electro", 7))


def test_onsets_are_sorted_and_the_drums_are_general_midis(interpolate):
    data = interpolate("techno:3", "electro:7")
    messages = list(mido.MidiFile(file=io.BytesIO(data)))
    notes = [message for message in messages if not message.is_meta]
    assert {message.channel for message in notes} == {9}
    assert {message.note for message in notes} <= {36, 37, 38, 42, 46, 56}
    track = read_midi(data, "out")
    onsets = [note.onset_ticks for note in track.notes]
    assert onsets == sorted(onsets)
    assert track.end_ticks == 7 * 4 * 4 * track.division


@pytest.mark.parametrize(
    ("arguments", "tempo"),
    [
        (("techno:3", "dnb:1"), GENRES["techno"].tempo_bpm),
        (("dnb:1", "techno:3"), GENRES["dnb"].tempo_bpm),
        (("one.npy", "dnb:1"), GENRES["dnb"].tempo_bpm),
        (("one.npy", "one.npy"), 129),
        (("slow.mid", "dnb:1"), 100),
        (("slow.mid", "dnb:1", "--bpm", "77.5"), 77.5),
    ],
)
def test_the_tempo_is_that_of_start_or_goal_or_as_asked(interpolate, tmp_path, arguments, tempo):
    np.save(tmp_path / "one.npy", composer.compose("idm", 1))
    (tmp_path / "slow.mid").write_bytes(midi_files.WHOLE)
    data = interpolate(*arguments, "-n", 1)
    assert read_midi(data, "out").tempo_bpm == pytest.approx(tempo, abs=1e-3)


def test_of_long_files_starts_last_and_goals_first_measures_are_taken(interpolate, tmp_path):
    first, last = composer.compose("idm", 1), composer.compose("idm", 2)
    np.save(tmp_path / "both.npy", np.stack([first, last]))
    made = velocities_of(interpolate("both.npy", "both.npy", "-n", 2))
    np.testing.assert_array_equal(made[:, :64], last)
    np.testing.assert_array_equal(made[:, -64:], first)


def test_an_array_has_the_numbers_of_the_midi(interpolate, tmp_path):
    interpolate("techno:3", "electro:7", "-n", 3, name="out.npy")
    with open_input("out.npy") as source:
        array = read_npy(source)
    assert array.shape == (4, 6, 64)
    assert array.dtype == np.float32
    made = velocities_of(interpolate("techno:3", "electro:7", "-n", 3))
    np.testing.assert_allclose(made, np.concatenate(list(array), axis=1), atol=0.5 / 127 + 1e-6)
    np.testing.assert_array_equal(made > 0, np.concatenate(list(array), axis=1) > 0)


def test_what_it_made_is_a_start_again(interpolate, tmp_path):
    (tmp_path / "a.mid").write_bytes(interpolate("techno:3", "electro:7", "-n", 1))
    made = velocities_of(interpolate("a.mid", "a.mid", "-n", 1))
    np.testing.assert_array_equal(made[:, :64], composer.compose("electro", 7))
    np.testing.assert_array_equal(made[:, -64:], composer.compose("techno", 3))


def test_the_same_call_gives_the_same_bytes_with_how_it_was_made(interpolate):
    first, again = (interpolate("techno:3", "electro:7") for _ in range(2))
    assert first == again
    assert b"drumkit interpolate" in first
    bare = interpolate("techno:3", "electro:7", "--no-provenance")
    assert b"drumkit interpolate" not in bare
    np.testing.assert_array_equal(velocities_of(bare), velocities_of(first))


def test_a_crossfade_loads_no_weights_but_for_a_reconstruction(interpolate):
    interpolate("techno:3", "electro:7", "--path", "crossfade", "--weights", "none")
    arguments = ("techno:3", "electro:7", "--path", "crossfade", "--reconstruct")
    interpolate(*arguments, "--weights", "none", status=66)
    interpolate(*arguments)


def test_silent_patterns_are_told(interpolate, capsys):
    interpolate("techno:3", "electro:7", "-n", 4, "--threshold", 1)
    assert "3 of 5 patterns are silent; a lower --threshold" in " ".join(
        capsys.readouterr().err.split()
    )


def test_drums_that_are_left_out_are_told(interpolate, tmp_path, capsys):
    notes = [(0, 36, 100), (24, 45, 90)]
    (tmp_path / "a.mid").write_bytes(midi_files.file(midi_files.track(notes)))
    interpolate("a.mid", "electro:7", "--path", "crossfade")
    assert "a.mid: left out Low Tom (1 note)" in " ".join(capsys.readouterr().err.split())


def test_list_names_every_pattern(capfd):
    assert cli.run(["interpolate", "--list"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert len(lines) == 2482
    name, tempo, notes = lines[690].split("\t")
    assert (name, tempo) == ("techno:1", f"{GENRES['techno'].tempo_bpm:g} bpm")
    assert notes == f"{np.count_nonzero(composer.compose('techno', 1))} notes"


def test_the_list_goes_to_the_output_that_is_named(tmp_path, capfd):
    names = tmp_path / "names.txt"
    assert cli.run(["interpolate", "--list", "-o", str(names)]) == 0
    assert capfd.readouterr().out == ""
    assert len(names.read_text().splitlines()) == 2482


@pytest.mark.parametrize("arguments", [[], ["techno:1"], ["-", "-"], ["techno:0", "techno:1"]])
def test_wrong_usage_is_told(arguments, capsys):
    assert cli.run(["interpolate", *arguments]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_an_output_that_cannot_be_made_is_told_before_anything_is_read(interpolate, capsys):
    interpolate("no.mid", "techno:1", name="none/out.mid", status=73)
    assert "no.mid" not in capsys.readouterr().err


@pytest.mark.skipif(not SHIPPED.is_file(), reason="weights/interpolate.safetensors does not ship")
@pytest.mark.skipif("DRUMKIT_WEIGHTS" in os.environ, reason="DRUMKIT_WEIGHTS names others")
@pytest.mark.parametrize("name", ["techno:3", "electro:7", "idm:100", "house:20"])
def test_the_shipped_model_knows_the_shipped_patterns(tmp_path, name):
    """Patterns that it was trained on, or variants of them: half the onsets is a low bar."""
    out = tmp_path / "out.npy"
    assert cli.run(["interpolate", name, name, "-n", "1", "--reconstruct", "-o", str(out)]) == 0
    genre, number = name.split(":")
    true, made = composer.compose(genre, int(number)) > 0, np.load(out)[0] > 0
    assert 2 * np.sum(true & made) / (true.sum() + made.sum()) > 0.5


@pytest.mark.skipif(not SHIPPED.is_file(), reason="weights/interpolate.safetensors does not ship")
@pytest.mark.skipif("DRUMKIT_WEIGHTS" in os.environ, reason="DRUMKIT_WEIGHTS names others")
def test_the_shipped_model_goes_from_start_to_goal(tmp_path):
    """Each pattern of the path is nearer to the goal than the ones well before it."""
    out = tmp_path / "out.npy"
    assert cli.run(["interpolate", "techno:3", "electro:7", "-n", "8", "-o", str(out)]) == 0
    onsets = np.load(out) > 0
    to_goal = np.sum(onsets != onsets[-1], axis=(1, 2))
    assert all(onsets.any((1, 2)))
    assert to_goal[0] > to_goal[4] > to_goal[8] == 0
