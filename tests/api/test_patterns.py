"""Functions of drum tracks do what the commands do: swirl, interpolate, groove, and MIDI files."""

import numpy as np
import pytest

import drumkit_cli as drumkit
from drumkit_cli import cli
from drumkit_cli.midi.files import read_midi, write_midi
from drumkit_cli.patterns.composer import compose
from tests.api.calls import TRACK, written
from tests.contract import midi_files


@pytest.mark.usefixtures("shipped")
@pytest.mark.parametrize("humanize", [False, True])
def test_the_command_and_the_function_swirl_alike(tmp_path, humanize):
    options = ["--seed", "2", "--bpm", "90", "--from", "1.5", *["--humanize"] * humanize]
    track = drumkit.swirl(5, start=1.5, humanize=humanize, tempo_bpm=90, seed=2)
    assert track.notes
    assert write_midi(track) == written(tmp_path, "swirl", "--measures", "5", *options)
    assert track.tempo_bpm == pytest.approx(90)


@pytest.mark.parametrize(
    "wrong", [{"measures": 0}, {"tempo_bpm": 0}, {"speed": np.nan}, {"seed": -1}, {"start": np.inf}]
)
def test_a_swirl_that_cannot_be_is_a_usage_error(wrong):
    with pytest.raises(drumkit.UsageError):
        drumkit.swirl(**wrong)


@pytest.mark.usefixtures("shipped")
def test_the_command_and_the_function_interpolate_alike(tmp_path):
    beat = drumkit.swirl(5, tempo_bpm=90)
    drumkit.write_midi(tmp_path / "beat.mid", beat)
    options = ["-n", "3", "--path", "lerp", "--threshold", "0.2"]
    arguments = ["interpolate", str(tmp_path / "beat.mid"), "techno:3", *options]
    track = drumkit.interpolate(beat, "techno:3", 3, path="lerp", threshold=0.2)
    assert write_midi(track) == written(tmp_path, *arguments)
    assert track.tempo_bpm == pytest.approx(90)


def test_tracks_arrays_and_names_are_patterns_alike(tmp_path):
    options = {"steps": 1, "path": "crossfade", "tempo_bpm": 129}
    track = drumkit.interpolate("techno:3", "techno:3", **options)
    drumkit.write_midi(tmp_path / "pattern.mid", track)
    named = str(tmp_path / "pattern.mid@5-8")
    array = compose("techno", 3)
    for start in (track, array, array[None], named):
        assert drumkit.interpolate(start, "techno:3", **options) == track


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"start": "techno:99999"}, drumkit.UsageError),
        ({"start": "nothing.mid"}, drumkit.MissingInputError),
        ({"start": np.full((6, 64), 2.0)}, drumkit.BadDataError),
        ({"start": np.zeros((6, 64))}, drumkit.BadDataError),
        ({"start": np.ones((5, 64))}, drumkit.BadDataError),
        ({"steps": 0}, drumkit.UsageError),
        ({"path": "detour"}, drumkit.UsageError),
        ({"threshold": -1}, drumkit.UsageError),
        ({"tempo_bpm": 1}, drumkit.UsageError),
    ],
)
def test_a_transition_that_cannot_be_is_refused(wrong, error):
    with pytest.raises(error):
        drumkit.interpolate(**{"start": "techno:1", "goal": "techno:2", **wrong})


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        ({}, ""),
        ({"genre": "hip-hop", "seed": 3, "amount": 0.5}, "--genre hip-hop --seed 3 --amount 0.5"),
        (
            {"feel": "laidback", "velocity_pattern": (5, 2)},
            "--feel laidback --velocity-pattern 5,2",
        ),
        ({"feel": (0.5, -1), "keep_notes": True}, "--feel 0.5,-1 --keep-notes"),
    ],
)
def test_the_command_and_the_function_play_a_groove_alike(tmp_path, options, arguments):
    beat = str(tmp_path / "beat.mid")
    drumkit.write_midi(beat, TRACK)
    played = drumkit.groove(TRACK, **options)
    assert played.notes != TRACK.notes
    assert write_midi(played) == written(tmp_path, "groove", beat, *arguments.split())


def test_a_groove_is_that_of_a_track_or_of_a_table(tmp_path):
    beat, like, table = (str(tmp_path / name) for name in ("a.mid", "like.mid", "like.groove"))
    reference = read_midi(midi_files.file(midi_files.track([(0, 36, 20), (96, 38, 30)])), "like")
    drumkit.write_midi(beat, TRACK)
    drumkit.write_midi(like, reference)
    assert cli.run(["groove", "--extract", like, "-o", table]) == 0
    for path, groove in ((like, reference), (table, drumkit.read_groove(table))):
        played = drumkit.groove(TRACK, like=groove)
        assert write_midi(played) == written(tmp_path, "groove", beat, "--like", path)


@pytest.mark.parametrize(
    "wrong",
    [
        {"genre": "polka"},
        {"feel": "late"},
        {"feel": (2,)},
        {"velocity_pattern": (6,)},
        {"amount": 1.5},
        {"seed": -1},
        {"variation": -1},
    ],
)
def test_a_groove_that_cannot_be_is_a_usage_error(wrong):
    with pytest.raises(drumkit.UsageError):
        drumkit.groove(TRACK, **wrong)


def test_a_track_without_drums_is_bad_data():
    with pytest.raises(drumkit.BadDataError, match="the track"):
        drumkit.groove(TRACK.with_notes([]))


@pytest.mark.usefixtures("shipped")
def test_midi_that_is_written_is_read_back(tmp_path):
    track = drumkit.swirl(2)
    drumkit.write_midi(tmp_path / "a.mid", track)
    assert drumkit.read_midi(tmp_path / "a.mid") == track
