"""Functions of audio do what the commands do: separate, arrange, mel, and files of sound."""

import json

import numpy as np
import pytest

import drumkit_cli as drumkit
from drumkit_cli import cli
from drumkit_cli.midi.files import write_midi
from tests.api.calls import noise, written
from tests.arrange.tiny import bass_line


def test_a_mono_array_gives_mono_stems_that_sum_to_it():
    mix = noise(30_000)
    stems = drumkit.separate(mix, 22_050)
    assert {name: stem.shape for name, stem in stems.items()} == dict.fromkeys(
        ("drums", "bass", "other", "vocals"), mix.shape
    )
    np.testing.assert_allclose(sum(stems.values()), mix, atol=1e-5)


def test_the_command_and_the_function_give_the_same_stems(tmp_path):
    rate = 22_050
    drumkit.write_audio(tmp_path / "song.wav", noise(2, 3 * rate), rate)
    arguments = ["separate", "--threads", "1", str(tmp_path / "song.wav")]
    assert cli.run([*arguments, "-o", str(tmp_path)]) == 0
    song, _ = drumkit.read_audio(tmp_path / "song.wav")
    for name, stem in drumkit.separate(song, rate).items():
        written, _ = drumkit.read_audio(tmp_path / "song" / f"{name}.wav")
        np.testing.assert_array_equal(stem, written)


def test_the_command_and_the_function_play_the_same_drums(tmp_path):
    rate = 44_100
    bass = np.stack([bass_line(3, rate, 0.02), bass_line(3, rate, 0.05)])
    drumkit.write_audio(tmp_path / "bass.wav", bass, rate)
    arguments = ["arrange", "--threads", "1", "--iterations", "2", "--seed", "3"]
    assert cli.run([*arguments, str(tmp_path / "bass.wav"), "-o", str(tmp_path / "d.wav")]) == 0
    written, _ = drumkit.read_audio(tmp_path / "d.wav")
    drums = drumkit.arrange(bass, rate, iterations=2, seed=3)
    assert drums.any()
    np.testing.assert_array_equal(drums, written[0])


def test_the_command_and_the_function_hear_the_same_drums(tmp_path):
    rate = 44_100
    song = noise(2, 3 * rate)
    drumkit.write_audio(tmp_path / "song.wav", song, rate)
    arguments = ["transcribe", "--threshold", "0.5", "--quantize", "16"]
    data = written(tmp_path, *arguments, str(tmp_path / "song.wav"))
    track = drumkit.transcribe(song, rate, threshold=0.5, quantize=16)
    assert track.notes
    assert write_midi(track) == data


def test_the_command_and_the_function_give_the_same_grade(tmp_path):
    rate = 44_100
    drums, real = noise(2, 3 * rate), noise(1, 3 * rate)
    for name, sound in (("made", drums), ("real", real)):
        drumkit.write_audio(tmp_path / f"{name}.wav", sound, rate)
    made, reference, out = (str(tmp_path / n) for n in ("made.wav", "real.wav", "out.json"))
    assert cli.run(["score", "--json", made, "--reference", reference, "-o", out]) == 0
    line = json.loads((tmp_path / "out.json").read_text())
    grade = drumkit.score(drums, rate, reference=real)
    assert grade.grade == line["grade"]
    assert grade.parts == line["parts"]


@pytest.mark.parametrize("options", [[], ["--preset", "synth"]])
def test_the_command_and_the_function_give_the_same_spectrogram_and_sound(tmp_path, options):
    rate, config = 44_100, options[1] if options else "arrange"
    song, npy, wav = (str(tmp_path / name) for name in ("song.wav", "mel.npy", "again.wav"))
    drumkit.write_audio(song, noise(2, 2 * rate), rate)
    assert cli.run(["mel", *options, song, "-o", npy]) == 0
    power = drumkit.mel(drumkit.read_audio(song)[0], rate, config=config)
    np.testing.assert_array_equal(power, np.load(npy))
    assert cli.run(["mel", "--invert", *options, "--iterations", "2", npy, "-o", wav]) == 0
    sound = drumkit.invert(power, config=config, iterations=2)
    np.testing.assert_array_equal(sound, drumkit.read_audio(wav)[0][0])


def test_levels_and_windows_are_inverted_too(tmp_path):
    song, npy, wav = (str(tmp_path / name) for name in ("song.wav", "mel.npy", "again.wav"))
    drumkit.write_audio(song, noise(40_000), 22_050)
    windows = ["--windows", "--width", "32", "--overlap", "8"]
    assert cli.run(["mel", "--discretise", *windows, song, "-o", npy]) == 0
    inverting = ["mel", "--invert", "--overlap", "8", "--iterations", "2"]
    assert cli.run([*inverting, npy, "-o", wav]) == 0
    sound = drumkit.invert(np.load(npy), overlap=8, iterations=2)
    np.testing.assert_array_equal(sound, drumkit.read_audio(wav)[0][0])


def test_no_samples_have_no_frames_and_no_frames_no_samples():
    power = drumkit.mel(np.zeros(0), 44_100)
    assert power.shape == (256, 0)
    assert drumkit.invert(power).shape == (0,)


@pytest.mark.parametrize(
    "power",
    [np.zeros((80, 5)), np.zeros(256), np.full((256, 5), -1.0), np.zeros((256, 5), np.int32)],
)
def test_what_is_no_mel_spectrogram_is_bad_data(power):
    with pytest.raises(drumkit.BadDataError, match="the spectrogram"):
        drumkit.invert(power)


def test_an_unknown_preset_is_a_usage_error():
    with pytest.raises(drumkit.UsageError, match="synth"):
        drumkit.mel(noise(100), 8000, config="tacotron")


@pytest.mark.parametrize(
    ("samples", "rate", "message"),
    [
        (np.zeros((2, 10), np.int16), 44_100, "int16"),
        (np.zeros((1, 2, 10)), 44_100, "shape"),
        (np.zeros((10_000, 2)), 44_100, "transpose"),
        (np.full(10, np.nan), 44_100, "NaN"),
        (np.full(10, 2e6), 44_100, "beyond"),
        (np.zeros(10), 10, "rate"),
    ],
)
def test_samples_that_cannot_be_used_are_bad_data(samples, rate, message):
    with pytest.raises(drumkit.BadDataError, match=message):
        drumkit.separate(samples, rate)


@pytest.mark.parametrize(
    "wrong", [{"overlap": 0.95}, {"shifts": -1}, {"segment_seconds": 0}, {"device": "tpu"}]
)
def test_an_argument_out_of_range_is_a_usage_error(wrong):
    with pytest.raises(drumkit.UsageError):
        drumkit.separate(noise(100), 8000, **wrong)


@pytest.mark.parametrize("encoding", ["float32", "pcm16", "pcm24", "pcm32"])
def test_audio_that_is_written_is_read_back(encoding, tmp_path):
    samples = noise(2, 1000)
    drumkit.write_audio(tmp_path / "a.wav", samples, 48_000, encoding)
    again, rate = drumkit.read_audio(tmp_path / "a.wav")
    assert rate == 48_000
    np.testing.assert_allclose(again, samples, atol=0 if encoding == "float32" else 2e-5)


def test_an_unknown_encoding_is_a_usage_error_and_makes_no_file(tmp_path):
    with pytest.raises(drumkit.UsageError, match="pcm16"):
        drumkit.write_audio(tmp_path / "a.wav", noise(10), 8000, "mp3")
    assert not list(tmp_path.iterdir())
