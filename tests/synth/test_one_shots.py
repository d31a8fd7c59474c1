import re
from pathlib import Path

import numpy as np
import pytest
import soundfile

from drumkit_cli.audio.loudness import start_loudness
from drumkit_cli.sounds.classes import CLASSES
from tests.synth.drums import RATE, WIDTH, beat, made, sound
from tests.synth.tiny import TINY


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_is_a_sound(synth, name):
    synth(name, "-o", "a.wav")
    samples = sound("a.wav")
    assert samples.shape[0] == 1
    assert 0 < samples.shape[1] <= RATE
    assert 0 < np.abs(samples).max() < 0.901


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
    soundfile.write("b.flac", stereo, 2 * RATE)
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
    synth("kick", "-o", "hard.wav")
    synth("kick", "--velocity", 0.5, "-o", "soft.wav")
    hard, soft = (start_loudness(sound(name)[0], RATE) for name in ("hard.wav", "soft.wav"))
    assert hard - soft == pytest.approx(-20 * np.log10(0.5**1.5), abs=0.5)


def test_a_class_for_codes_that_have_theirs_is_a_usage_error(synth):
    synth("kick", "-o", "a.npy")
    assert "leave tom out" in synth("tom", "--between", "a.npy", "a.npy", "-o", "out", status=2)


def test_encoding_into_a_wav_or_a_folder_gives_the_sound(synth):
    synth("kick", "-o", "a.wav")
    synth("--encode", "a.wav", "-o", "again.wav")
    synth("--encode", "a.wav", "-o", "out")
    assert np.array_equal(sound("again.wav"), sound("out/a-1.wav"))


@pytest.mark.parametrize("rate", [22_050, 48_000])
def test_a_sound_has_the_format_of_its_name_and_the_rate_that_was_asked_for(synth, rate):
    synth("snare", "--rate", rate, "-o", "a.flac")
    synth("beat.mid", "--rate", rate, "--length", 0.5, "-o", "b.mp3")
    sound, beat = (soundfile.info(name) for name in ("a.flac", "b.mp3"))
    assert (sound.format, sound.samplerate, sound.channels) == ("FLAC", rate, 1)
    assert (beat.format, beat.samplerate, beat.channels) == ("MP3", rate, 2)
    assert "MP3 has no rate" in synth("kick", "--rate", 96_000, "-o", "a.mp3", status=2)
