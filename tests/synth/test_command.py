"""The command itself; what all commands share is in the contract."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from drumkit_cli.sounds.classes import Inverter
from tests.synth.drums import RATE, WIDTH, beat, made, sound
from tests.synth.tiny import TINY


@pytest.mark.parametrize("seconds", [0.1, 2.5])
def test_a_length_is_to_the_sample(synth, seconds):
    for what in ("kick", "beat.mid"):
        synth(what, "--length", seconds, "-o", "a.wav")
        assert sound("a.wav").shape[1] == round(seconds * RATE)


@pytest.mark.parametrize("inverter", Inverter)
@pytest.mark.parametrize("what", ["kick", "beat.mid"])
def test_every_inverter_makes_sounds(synth, weights, inverter, what):
    file = weights / "synth.safetensors"  # mcnn's lie beside
    Path("beat.mid").write_bytes(beat(36, measures=1))
    synth(what, "--inverter", inverter, "--weights", file, "-o", "a.wav")
    assert np.isfinite(sound("a.wav")).all()


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("kick snare", "one class"),
        ("beat.mid kick", "no class beat.mid"),
        ("drum --encode a.wav", "no class drum"),
        ("kick --z a.npy", "leave kick out"),
        ("kick --pc 0 0 0 --z a.npy", "--pc and --z"),
        ("--encode a.wav --between a.npy b.npy", "--encode and --between"),
        ("--pc 0 0 0", "needs a class"),
        ("kick --pc nan 0 0", "finite"),
        ("kick --pc 0 0 0 -n 2 -o out", "needs --vary"),
        ("--z a.npy -n 2 -o out", "needs --vary"),
        ("--encode a.wav -n 2 -o out", "needs --vary"),
        ("--encode a.wav --velocity 0.5", "--velocity"),
        ("kick --length 1 -o a.npy", "--length"),
        ("kick --inverter spectral -o a.npy", "--inverter"),
        ("kick --rate 48000 -o a.npy", "--rate"),
        ("kick --length 61", "60 seconds"),
        ("kick -n 2", "-o DIR"),
        ("kick -n 2 -o a.wav", "-o DIR"),
        ("--between a.npy b.npy", "-o DIR"),
        ("--between - -", "only once"),
        ("kick --kit kit.json", "--kit"),
        ("kick --save-kit kit.json", "--save-kit"),
        ("kick --voice kick=a.npy", "--voice"),
        ("kick --gain kick=1", "--gain"),
        ("kick --pan kick=1", "--pan"),
        ("kick --humanize 0", "--humanize"),
        ("kick -o kick.mid", "cannot write .mid"),
        ("beat.mid --vary 0.1", "--vary"),
        ("beat.mid -n 2", "-n"),
        ("beat.mid --velocity 1", "--velocity"),
        ("beat.mid -o beat.npy", "cannot write .npy"),
        ("beat.mid --gain kick", "VOICE=VALUE"),
        ("beat.mid --gain kick=", "VOICE=VALUE"),
        ("beat.mid --gain drum=1", "no voice drum"),
        ("beat.mid --gain kick=loud", "no number"),
        ("beat.mid --gain kick=nan", "not within"),
        ("beat.mid --pan kick=1.1", "not within -1 and 1"),
        ("beat.mid --save-kit kit.txt", "NAME.json"),
        ("beat.mid --save-kit -", "NAME.json"),
        ("beat.mid --kit k.json --save-kit k.json", "is an input"),
        ("- --kit -", "only once"),
        ("beat.mid beat.mid", "-o DIR"),
    ],
)
def test_what_does_not_go_together_is_told_before_anything_is_done(synth, line, word):
    Path("k.json").write_text("{}")
    before = made()
    message = synth(*line.split(), "--weights", "none", status=2)
    assert word in message
    assert made() == before


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("--z beat.mid", "not an NPY array but MIDI"),
        ("--z wide.npy", "wide.npy: codes of shape"),
        ("--z nan.npy", "nan.npy holds NaN"),
        ("--z none.npy", "no code"),
        ("--encode beat.mid", "MIDI, not audio"),
        ("--encode silent.wav", "silent.wav: the sound is silent"),
        ("--encode short.wav", "silent"),
        ("--between several.npy several.npy -o out", "3 codes"),
        ("beat.mid --kit beat.mid", "not a kit"),
        ("beat.mid --voice kick=several.npy", "3 codes"),
        ("beat.mid --voice kick=wide.npy", "wide.npy: codes of shape"),
        ("beat.mid --kit short.json", "these take codes of 8 numbers"),
    ],
)
def test_inputs_that_cannot_be_are_bad_data(synth, line, word):
    np.save("wide.npy", np.zeros((1, WIDTH + 1), np.float32))
    np.save("nan.npy", np.full(WIDTH, np.nan, np.float32))
    np.save("none.npy", np.zeros((0, WIDTH), np.float32))
    np.save("several.npy", np.eye(3, WIDTH, TINY.latent, dtype=np.float32))
    soundfile.write("silent.wav", np.zeros(1000), RATE)
    soundfile.write("short.wav", np.zeros(0), RATE)
    kick = {"classes": {"kick": 1}, "code": [0.0]}
    Path("short.json").write_text(json.dumps({"drumkit-kit": 1, "voices": {"kick": kick}}))
    before = made()
    assert word in synth(*line.split(), status=65)
    assert made() == before


def test_an_input_is_not_written_over(synth):
    synth("kick", "-o", "a.npy")
    assert "is an input" in synth("--z", "a.npy", "--vary", 0.1, "-o", "a.npy", status=2)


def test_every_output_says_how_it_was_made(synth):
    synth("kick", "-o", "a.wav", "--seed", 3)
    synth("beat.mid", "-o", "b.wav")
    for path, words in (("a.wav", b"synth kick"), ("b.wav", b"input sha256")):
        data = Path(path).read_bytes()
        assert words in data[:2000]
        assert b"weights sha256" in data[:2000]


def test_generated_drums_are_played_through_a_pipe(shell, tmp_path):
    shell("drumkit swirl --measures 2 | drumkit synth -o robot.wav")
    samples = sound(tmp_path / "robot.wav")
    assert samples.shape[0] == 2
    assert samples.any()


def test_encoding_gives_a_code_on_a_pipe_and_varying_it_a_sound(shell):
    shell("drumkit synth kick -o a.wav")
    code = shell("drumkit synth --encode a.wav")
    assert np.load(io.BytesIO(code)).shape == (1, WIDTH)
    assert shell("drumkit synth --encode a.wav --vary 0.1")[:4] == b"RIFF"


def test_a_sound_is_encoded_varied_and_played_through_pipes(shell, tmp_path):
    shell("drumkit synth kick > s.wav; "
          "drumkit synth --encode s.wav | drumkit synth --z - --vary 0.2 -n 4 -o out/")  # fmt: skip
    assert made(tmp_path / "out") == [f"stdin-{n}.wav" for n in (1, 2, 3, 4)]
    several = [sound(tmp_path / "out" / f"stdin-{n}.wav") for n in (1, 2)]
    assert several[0].shape != several[1].shape or not np.array_equal(*several)


def test_two_runs_write_the_same_bytes(shell, tmp_path):
    (tmp_path / "beat.mid").write_bytes(beat())
    first, second = (shell("drumkit synth < beat.mid --seed 5") for _ in range(2))
    assert first == second
    assert first[:4] == b"RIFF"
