"""The command itself; what all commands share is in the contract."""

import io
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from drumkit_cli import cli
from drumkit_cli.midi.files import read_midi, write_midi
from drumkit_cli.midi.track import empty_track
from drumkit_cli.sounds.classes import CLASSES, Inverter
from drumkit_cli.sounds.mel_image import MEL
from drumkit_cli.synth.kits.voices import VOICES
from tests.contract.commands import make_weights
from tests.contract.midi_files import END, file, track
from tests.synth.tiny import TINY

ROOT = Path(__file__).resolve().parents[2]
WIDTH = TINY.latent + len(CLASSES)


def beat(*pitches, measures=2):
    """Eighths of the given pitches in turn at 120 bpm; lasts whole measures."""
    pitches = pitches or (36, 42, 38, 46, 44)
    track = empty_track(120.0, end_ticks=1920 * measures)
    notes = [
        track.note(240 * n, 100, pitches[n % len(pitches)], 60 + 8 * n % 60)
        for n in range(8 * measures)
    ]
    return write_midi(track.with_notes(notes))


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    make_weights(folder)
    return folder


@pytest.fixture
def synth(weights, tmp_path, monkeypatch, capfd):
    """Run the command in this process, in a folder with a beat; gives what it said."""
    monkeypatch.setenv("DRUMKIT_WEIGHTS", str(weights))
    monkeypatch.chdir(tmp_path)
    Path("beat.mid").write_bytes(beat())

    def run(*arguments, status=0):
        capfd.readouterr()
        assert cli.run(["synth", *map(str, arguments)]) == status
        return capfd.readouterr().err

    return run


def sound(path):
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    assert rate == MEL.rate
    return samples.T


def made(folder="."):
    return sorted(path.name for path in Path(folder).iterdir() if path.name != "beat.mid")


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_is_a_sound(synth, name):
    synth(name, "-o", "a.wav")
    samples = sound("a.wav")
    assert samples.shape[0] == 1
    assert 0 < samples.shape[1] <= MEL.rate
    assert np.abs(samples).max() == pytest.approx(0.9, rel=1e-5)


def test_a_file_called_as_a_class_is_named_with_its_folder(synth):
    Path("kick").write_bytes(beat())
    synth("./kick", "-o", "song.wav")
    synth("kick", "-o", "sound.wav")
    assert sound("song.wav").shape[0] == 2
    assert sound("sound.wav").shape[0] == 1


def test_seeds_are_other_sounds_and_several_are_numbered(synth):
    synth("snare", "-n", 3, "-o", "out", "--no-provenance")
    assert made("out") == ["snare-1.wav", "snare-2.wav", "snare-3.wav"]
    synth("snare", "-o", "one.wav", "--no-provenance")
    synth("snare", "--seed", 1, "-o", "other.wav", "--no-provenance")
    files = [Path("out/snare-2.wav"), Path("other.wav"), Path("one.wav"), Path("out/snare-1.wav")]
    first, second, third, again = (path.read_bytes() for path in files)
    assert third == again
    assert len({first, second, third}) == 3


def test_controls_are_places_in_the_class(synth):
    for name, controls in (("a", (0, 0, 0)), ("b", (-1, 0.5, 2)), ("c", (-1, 0.5, 2))):
        synth("tom", "--pc", *controls, "-o", f"{name}.npy")
    middle, moved, again = (np.load(f"{name}.npy") for name in "abc")
    assert middle.shape == (1, WIDTH)
    assert np.array_equal(moved, again)
    assert not np.array_equal(middle, moved)
    assert middle[0, TINY.latent + CLASSES.index("tom")] == 1


def test_a_code_gives_the_sound_that_it_was_drawn_as(synth):
    synth("ride", "--seed", 3, "-o", "a.wav", "--no-provenance")
    synth("ride", "--seed", 3, "-o", "a.npy")
    synth("--z", "a.npy", "--seed", 3, "-o", "b.wav", "--no-provenance")
    assert Path("a.wav").read_bytes() == Path("b.wav").read_bytes()


def test_codes_are_taken_as_rows_or_as_one(synth):
    synth("kick", "-n", 3, "-o", "rows.npy")
    rows = np.load("rows.npy")
    assert rows.dtype == np.float32
    assert rows.shape == (3, WIDTH)
    np.save("one.npy", rows[1].astype(np.float64))
    synth("--z", "rows.npy", "-o", "out", "--no-provenance")
    synth("--z", "one.npy", "-o", "one.wav", "--no-provenance")
    assert made("out") == ["rows-1.wav", "rows-2.wav", "rows-3.wav"]
    assert np.array_equal(sound("out/rows-2.wav"), sound("one.wav"))


def test_a_sample_becomes_a_code_of_its_class_or_of_the_best_one(synth):
    synth("conga", "-o", "a.wav")
    samples, _ = soundfile.read("a.wav")
    stereo = np.repeat(samples, 2)[:, None] * [0.5, 1.0]  # another rate, two channels
    soundfile.write("b.flac", stereo, 2 * MEL.rate)
    said = synth("conga", "--encode", "b.flac", "-v", "-o", "conga.npy")
    assert re.search(r"b.flac: encoded as conga, near --pc( -?\d+\.\d\d){3}\n", said)
    synth("--encode", "b.flac", "-o", "best.npy")
    conga, best = np.load("conga.npy")[0], np.load("best.npy")[0]
    assert conga[TINY.latent :].argmax() == CLASSES.index("conga")
    assert best[TINY.latent :].sum() == 1


def test_steps_between_two_sounds_include_both(synth):
    synth("kick", "-o", "a.npy")
    synth("tom", "-o", "b.npy")
    synth("--between", "a.npy", "b.npy", "-o", "path.npy")
    path = np.load("path.npy")
    assert path.shape == (8, WIDTH)
    assert np.array_equal(path[[0, -1]], [np.load("a.npy")[0], np.load("b.npy")[0]])
    synth("clap", "-o", "c.wav")
    synth("--between", "a.npy", "c.wav", "-n", 3, "-o", "out")
    assert made("out") == [f"a-to-c-{n}.wav" for n in (1, 2, 3)]


def test_variations_are_around_their_source(synth):
    synth("kick", "-o", "a.npy")
    for amount in (0, 0.1, 0.2):
        synth("kick", "--vary", amount, "-n", 4, "-o", f"{amount}.npy")
    source, none, near, far = (np.load(f"{x}.npy") for x in ("a", 0, 0.1, 0.2))
    assert np.array_equal(none, np.repeat(source, 4, 0))
    assert len(np.unique(near, axis=0)) == 4
    np.testing.assert_allclose(far - source, 2 * (near - source), atol=1e-5)


def test_velocity_makes_a_sound_softer(synth):
    synth("kick", "--velocity", 0.5, "-o", "a.wav")
    assert np.abs(sound("a.wav")).max() == pytest.approx(0.9 * 0.5**1.5, rel=1e-5)


@pytest.mark.parametrize("seconds", [0.1, 2.5])
def test_a_length_is_to_the_sample(synth, seconds):
    for what in ("kick", "beat.mid"):
        synth(what, "--length", seconds, "-o", "a.wav")
        assert sound("a.wav").shape[1] == round(seconds * MEL.rate)


@pytest.mark.parametrize("inverter", Inverter)
@pytest.mark.parametrize("what", ["kick", "beat.mid"])
def test_every_inverter_makes_sounds(synth, weights, inverter, what):
    file = weights / "synth.safetensors"  # mcnn's lie beside
    Path("beat.mid").write_bytes(beat(36, measures=1))
    synth(what, "--inverter", inverter, "--weights", file, "-o", "a.wav")
    assert np.isfinite(sound("a.wav")).all()


def test_a_track_is_played_in_stereo_to_its_end(synth):
    synth("beat.mid", "-o", "a.wav")
    samples = sound("a.wav")
    seconds = read_midi(beat(), "beat").seconds
    assert samples.shape[0] == 2
    assert seconds <= samples.shape[1] / MEL.rate <= seconds + 1
    assert 0.01 < np.abs(samples).max() < 1
    assert not np.array_equal(*samples)  # hats are to one side


def test_what_would_not_fit_is_turned_down_as_a_whole(synth):
    Path("loud.mid").write_bytes(beat(36, 38))
    synth("loud.mid", "-o", "a.wav", "--humanize", 0)
    message = synth("loud.mid", "-o", "b.wav", "--humanize", 0, "-v",
                    "--gain", "kick=30", "--gain", "snare=28")  # fmt: skip
    assert "scaled" in message
    assert np.abs(sound("b.wav")).max() == pytest.approx(1 - 2**-15, rel=1e-6)


def test_drums_without_a_voice_are_named_once(synth):
    Path("odd.mid").write_bytes(beat(36, 71, 80, 71))
    message = synth("odd.mid", "-o", "a.wav")
    assert message.count("warning") == 1
    assert "Short Whistle (8 notes), Mute Triangle (4 notes)" in message
    Path("none.mid").write_bytes(beat(80))
    assert "Mute Triangle (16 notes)" in synth("none.mid", "-o", "b.wav")
    assert not sound("b.wav").any()
    assert sound("b.wav").shape[1] == 4 * MEL.rate


def test_other_instruments_are_left_out(synth):
    track = read_midi(beat(), "beat")
    bass = replace(track.note(0, 100, 40, 100), channel=0, drum=False)
    Path("both.mid").write_bytes(write_midi(track.with_notes([*track.notes, bass])))
    assert "1 notes that are no drums" in synth("both.mid", "-o", "a.wav", "-v")
    synth("beat.mid", "-o", "b.wav")
    assert np.array_equal(sound("a.wav"), sound("b.wav"))


def test_a_saved_kit_plays_the_same_under_any_seed(synth):
    synth("beat.mid", "--save-kit", "kit.json", "--humanize", 0, "-o", "a.wav", "--seed", 4)
    synth("beat.mid", "--kit", "kit.json", "--humanize", 0, "-o", "b.wav", "--seed", 5)
    synth("beat.mid", "--humanize", 0, "-o", "c.wav", "--seed", 5)
    assert set(json.loads(Path("kit.json").read_text())["voices"]) == set(VOICES)
    assert np.array_equal(sound("a.wav"), sound("b.wav"))
    assert not np.array_equal(sound("a.wav")[:, :9999], sound("c.wav")[:, :9999])


def test_a_kit_of_some_voices_plays_those(synth):
    synth("beat.mid", "--save-kit", "kit.json", "-o", "a.wav")
    kit = json.loads(Path("kit.json").read_text())
    del kit["voices"]["snare"]
    Path("less.json").write_text(json.dumps(kit))
    assert "Acoustic Snare" in synth("beat.mid", "--kit", "less.json", "-o", "b.wav")
    line = ["beat.mid", "--kit", "less.json", "--gain", "snare=3", "--weights", "none"]
    assert "the kit has no snare" in synth(*line, status=2)


def test_a_kit_of_other_weights_is_told(synth):
    synth("beat.mid", "--save-kit", "kit.json", "-o", "a.wav")
    kit = json.loads(Path("kit.json").read_text())
    Path("kit.json").write_text(json.dumps({**kit, "weights": "0" * 64}))
    assert "other weights" in synth("beat.mid", "--kit", "kit.json", "-o", "b.wav")


def test_drums_of_another_map_sound_as_what_they_are(synth):
    Path("own.mid").write_bytes(beat(36, 52, 43))
    Path("usual.mid").write_bytes(beat(36, 42, 38))
    Path("a.map").write_text("36 kick\n52 closed hat\n43 snare\n")
    synth("own.mid", "--map", "a.map", "-o", "own.wav")
    synth("usual.mid", "-o", "usual.wav")
    np.testing.assert_array_equal(sound("own.wav"), sound("usual.wav"))
    assert "--map plays drum tracks" in synth("kick", "--map", "gm", "-o", "a.wav", status=2)


def test_tracks_that_are_called_drums_are_played_and_named(synth):
    name = b"\x00\xff\x03\x05drums"
    second = name + b"\x00\x9a\x24\x64\x60\x8a\x24\x00"
    Path("two.mid").write_bytes(file(track([(0, 42, 90)]), second + END, kind=1))
    Path("one.mid").write_bytes(file(track([(0, 36, 100), (0, 42, 90)])))
    told = synth("two.mid", "--humanize", 0, "-o", "two.wav")
    assert "two.mid: drums are also read from track 2 'drums' (channel 11)" in told
    synth("one.mid", "--humanize", 0, "-o", "one.wav")
    np.testing.assert_allclose(sound("two.wav"), sound("one.wav"), atol=1e-6)


def test_a_code_of_ones_own_plays_a_voice_of_the_kit(synth):
    synth("clap", "--seed", 7, "-o", "clap.npy")
    line = ["beat.mid", "--voice", "kick=clap.npy", "--gain", "kick=-3.5", "--pan", "kick=-1"]
    synth(*line, "--save-kit", "kit.json", "-o", "a.wav")
    kick = json.loads(Path("kit.json").read_text())["voices"]["kick"]
    code = np.load("clap.npy")[0]
    assert kick["classes"] == {"clap": 1.0}
    assert np.array_equal(np.float32(kick["code"]), code[: TINY.latent])
    assert (kick["gain_db"], kick["pan"]) == (-3.5, -1.0)


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
    soundfile.write("silent.wav", np.zeros(1000), MEL.rate)
    soundfile.write("short.wav", np.zeros(0), MEL.rate)
    kick = {"classes": {"kick": 1}, "code": [0.0]}
    Path("short.json").write_text(json.dumps({"drumkit-kit": 1, "voices": {"kick": kick}}))
    before = made()
    assert word in synth(*line.split(), status=65)
    assert made() == before


def test_a_bad_kit_is_told_once_and_before_weights_are_loaded(synth):
    Path("k.json").write_text("[]")
    Path("other.mid").write_bytes(beat())
    line = ["beat.mid", "other.mid", "-o", "out", "--kit", "k.json", "--weights", "none"]
    assert synth(*line, status=65).count("not a kit") == 1


def test_a_class_for_codes_that_have_theirs_is_a_usage_error(synth):
    synth("kick", "-o", "a.npy")
    assert "leave tom out" in synth("tom", "--between", "a.npy", "a.npy", "-o", "out", status=2)


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


@pytest.fixture
def shell(weights, tmp_path):
    """Run a line of shell in which `drumkit` is this checkout's."""
    shim = tmp_path / "bin" / "drumkit"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m drumkit_cli "$@"\n')
    shim.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{shim.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "DRUMKIT_WEIGHTS": str(weights),
        "OMP_NUM_THREADS": "1",
    }

    def run(line):
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", line],
            cwd=tmp_path, env=environment, capture_output=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    return run


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


def test_encoding_into_a_wav_or_a_folder_gives_the_sound(synth):
    synth("kick", "-o", "a.wav")
    synth("--encode", "a.wav", "-o", "again.wav")
    synth("--encode", "a.wav", "-o", "out")
    assert np.array_equal(sound("again.wav"), sound("out/a-1.wav"))


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
