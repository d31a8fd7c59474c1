"""Functions of drum sounds do what the command does: single sounds, kits and tracks."""

import numpy as np
import pytest

import drumkit_cli as drumkit
from drumkit_cli import cli
from tests.api.calls import TRACK


@pytest.mark.parametrize("inverter", ["spectral", "mcnn", "griffin-lim"])
def test_the_command_and_the_function_make_the_same_sound(tmp_path, inverter):
    output = str(tmp_path / "kick.wav")
    options = ["--seed", "3", "--velocity", "0.5", "--length", "0.2", "--inverter", inverter]
    assert cli.run(["synth", "kick", *options, "-o", output]) == 0
    kick = drumkit.synth("kick", velocity=0.5, length_seconds=0.2, inverter=inverter, seed=3)
    assert kick.any()
    np.testing.assert_array_equal(kick, drumkit.read_audio(output)[0][0])


def test_the_command_and_the_function_play_a_track_alike(tmp_path):
    drumkit.write_midi(tmp_path / "beat.mid", TRACK)
    beat, kit, output = (str(tmp_path / name) for name in ("beat.mid", "kit.json", "beat.wav"))
    assert cli.run(["synth", beat, "--seed", "2", "--save-kit", kit, "-o", output]) == 0
    written, rate = drumkit.read_audio(output)
    assert (rate, len(written)) == (44_100, 2)
    np.testing.assert_array_equal(drumkit.synth(TRACK, seed=2), written)
    again = drumkit.synth(TRACK, kit=drumkit.read_kit(kit), seed=2)
    np.testing.assert_array_equal(again, written)


def test_controls_and_codes_are_sounds(tmp_path):
    output = str(tmp_path / "code.npy")
    bright, dull = (drumkit.synth("tom", controls=(p, 0, 0)) for p in (2.0, -2.0))
    assert not np.array_equal(bright, dull)
    assert cli.run(["synth", "tom", "--pc", "2", "0", "0", "-o", output]) == 0
    np.testing.assert_array_equal(drumkit.synth(np.load(output)), bright)


@pytest.mark.parametrize(
    ("source", "options"),
    [
        ("kick", {"kit": drumkit.Kit()}),
        ("kick", {"humanize": 0.5}),
        ("kick", {"velocity": 2}),
        ("kick", {"length_seconds": 61}),
        ("kick", {"controls": (np.nan, 0, 0)}),
        ("kick", {"inverter": "vocoder"}),
        ("flute", {}),
        (TRACK, {"velocity": 0.5}),
        (TRACK, {"controls": (0, 0, 0)}),
        (TRACK, {"humanize": 2}),
        (np.zeros(23), {"controls": (0, 0, 0)}),
    ],
)
def test_a_sound_that_cannot_be_is_a_usage_error(source, options):
    with pytest.raises(drumkit.UsageError):
        drumkit.synth(source, **options)


@pytest.mark.parametrize("source", [np.zeros(3), np.zeros((2, 23)), TRACK.with_notes([])])
def test_what_is_no_sound_is_bad_data(source):
    with pytest.raises(drumkit.BadDataError):
        drumkit.synth(source)
