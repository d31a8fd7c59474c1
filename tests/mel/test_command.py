import io
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
import soundfile

from drumkit_cli import cli
from drumkit_cli.audio.reader import resample
from drumkit_cli.audio.stems import stem_track_names
from drumkit_cli.audio.wav import WavWriter
from drumkit_cli.mel import command
from drumkit_cli.spectral import mel_spectrogram
from drumkit_cli.spectral.griffin_lim import GRIFFIN_LIM_ITERATIONS
from drumkit_cli.spectral.mel_config import PRESETS, MelConfig

ARRANGE = PRESETS["arrange"]
SIZES = ["--rate", "8000", "--window", "256", "--hop", "64", "--mels", "40"]
SMALL = MelConfig(rate=8000, window=256, hop=64, fft=256, mels=40)
DRUMKIT = [sys.executable, "-m", "drumkit_cli"]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def drumkit(*arguments):
    return cli.run([str(argument) for argument in arguments])


def sine(seconds=1.0, rate=8000, channels=1, hertz=440.0):
    time = np.arange(round(seconds * rate)) / rate
    return np.repeat([0.5 * np.sin(2 * np.pi * hertz * time)], channels, axis=0).astype(np.float32)


def write_wave(name, samples, rate=8000, track_names=()):
    channels, frames = samples.shape
    with (
        open(name, "wb") as file,
        WavWriter(file, rate, channels, frames=frames, track_names=track_names) as writer,
    ):
        writer.write(samples)
    return name


def test_gives_the_power_that_the_library_gives():
    write_wave("in.wav", sine(3.0))
    assert drumkit("mel", "in.wav", "-o", "out.npy", *SIZES) == 0
    got = np.load("out.npy")
    assert got.dtype == np.float32
    assert np.array_equal(got, mel_spectrogram.mel_power(sine(3.0)[0], SMALL))


@pytest.mark.parametrize("preset", ["arrange", "synth"])
@pytest.mark.parametrize("rate", [22050, 44100, 48000, 8000])
def test_presets_resample_and_count_frames(preset, rate):
    write_wave("in.wav", sine(0.503, rate), rate)
    assert drumkit("mel", "in.wav", "-o", "out.npy", "--preset", preset) == 0
    config = PRESETS[preset]
    samples = resample(sine(0.503, rate), rate, config.rate)[0]
    wanted = mel_spectrogram.mel_power(samples, config)
    got = np.load("out.npy")
    assert got.shape == (config.mels, 1 + samples.size // config.hop) == wanted.shape
    assert np.abs(got - wanted).max() < 1e-4 * wanted.max()


def test_any_other_sizes_by_flags():
    write_wave("in.wav", sine())
    flags = [*SIZES, "--fft", "512", "--fmin", "100", "--fmax", "3000"]
    assert drumkit("mel", "in.wav", "-o", "out.npy", *flags) == 0
    config = MelConfig(8000, 256, 64, 512, 40, 100.0, 3000.0)
    assert np.array_equal(np.load("out.npy"), mel_spectrogram.mel_power(sine()[0], config))


def test_channels_are_averaged():
    write_wave("in.wav", sine(channels=3) * np.float32([[1], [0.5], [0]]))
    assert drumkit("mel", "in.wav", "-o", "out.npy", *SIZES) == 0
    wanted = mel_spectrogram.mel_power(sine()[0] * np.float32(0.5), SMALL)
    assert np.load("out.npy") == pytest.approx(wanted, rel=1e-4, abs=1e-6)


def test_of_a_stems_stream_the_mix_or_the_stem():
    stems = [sine(channels=2, hertz=hertz) for hertz in (200, 800, 2000)]
    names = stem_track_names(("drums", "bass", "other"))
    write_wave("stems.wav", np.concatenate(stems), track_names=names)
    for flags, wanted in (((), sum(stems)), (("--stem", "bass"), stems[1])):
        assert drumkit("mel", "stems.wav", "-o", "out.npy", *SIZES, *flags) == 0
        power = mel_spectrogram.mel_power(wanted[0], SMALL)
        assert np.load("out.npy") == pytest.approx(power, rel=1e-3, abs=1e-4)
    assert drumkit("mel", "stems.wav", "-o", "no.npy", "--stem", "vocals") == 65


def test_windows_and_levels():
    write_wave("in.wav", sine(3.0))
    assert drumkit("mel", "in.wav", "-o", "out.npy", *SIZES) == 0
    flags = ["--windows", "--width", "64", "--overlap", "14", "--discretise"]
    assert drumkit("mel", "in.wav", "-o", "cut.npy", *SIZES, *flags) == 0
    whole, cut = np.load("out.npy"), np.load("cut.npy")
    levels = mel_spectrogram.discretise(whole, SMALL)
    assert cut.dtype == np.uint8
    assert cut.shape == (8, 40, 64)
    assert np.array_equal(cut[0], levels[:, :64])
    assert np.array_equal(cut[2], levels[:, 100:164])
    assert all(np.array_equal(a[:, 50:], b[:, :14]) for a, b in pairwise(cut))


def test_windows_are_256_frames_with_50_in_common_by_default():
    write_wave("in.wav", sine(4.0))
    assert drumkit("mel", "in.wav", "-o", "out.npy", *SIZES, "--mels", "256", "--windows") == 0
    assert np.load("out.npy").shape == (3, 256, 256)  # 501 frames: 0, 206, 412


@pytest.mark.parametrize("flags", [(), ("--discretise",), ("--windows",)])
def test_there_and_back(flags):
    write_wave("in.wav", sine(2.0))
    assert drumkit("mel", "in.wav", "-o", "mel.npy", *SIZES, *flags) == 0
    assert drumkit("mel", "--invert", "mel.npy", "-o", "out.wav", *SIZES) == 0
    got, rate = soundfile.read("out.wav")
    assert rate == 8000
    assert got.ndim == 1
    assert len(got) >= 16000
    if "--windows" not in flags:
        assert len(got) < 16000 + 64
    spectrum = np.abs(np.fft.rfft(got[:16000]))
    assert abs(spectrum.argmax() / 2 - 440) < 20
    assert np.sqrt(np.mean(got[2000:14000] ** 2)) == pytest.approx(0.354, rel=0.15)


def test_an_inverted_file_says_how_it_was_made_unless_told_not_to():
    write_wave("in.wav", sine())
    assert drumkit("mel", "in.wav", "-o", "mel.npy", *SIZES) == 0
    invert = ["mel", "--invert", "mel.npy", "--iterations", "1", *SIZES]
    assert drumkit(*invert, "-o", "a.wav", "--seed", "7") == 0
    comment = soundfile.SoundFile("a.wav").comment
    assert "seed: 7" in comment
    assert "--invert" in comment
    assert "input sha256" in comment
    assert drumkit(*invert, "-o", "b.wav", "--no-provenance") == 0
    assert soundfile.SoundFile("b.wav").comment == ""


@pytest.mark.parametrize("encoding", ["pcm16", "pcm24", "float32"])
def test_inverts_to_the_encoding_that_is_asked_for(encoding):
    np.save("mel.npy", mel_spectrogram.mel_power(sine()[0], SMALL))
    invert = ["mel", "--invert", "mel.npy", "--iterations", "2", *SIZES]
    assert drumkit(*invert, "-o", "out.wav", "--encoding", encoding) == 0
    assert soundfile.info("out.wav").subtype in {"PCM_16", "PCM_24", "FLOAT"}


def test_no_samples_give_no_frames_and_no_frames_no_samples():
    write_wave("in.wav", np.zeros((2, 0), np.float32))
    assert drumkit("mel", "in.wav", "-o", "mel.npy") == 0
    assert np.load("mel.npy").shape == (256, 0)
    assert drumkit("mel", "--invert", "mel.npy", "-o", "out.wav") == 0
    assert soundfile.info("out.wav").frames == 0
    assert drumkit("mel", "in.wav", "-o", "cut.npy", "--windows") == 0
    assert np.load("cut.npy").shape == (0, 256, 256)
    assert drumkit("mel", "--invert", "cut.npy", "-o", "out.wav") == 0


def test_several_inputs_fill_a_folder():
    for name in ("a", "b"):
        write_wave(f"{name}.wav", sine())
    assert drumkit("mel", "a.wav", "b.wav", "-o", "out", *SIZES) == 0
    assert np.array_equal(np.load("out/a.npy"), np.load("out/b.npy"))
    assert drumkit("mel", "a.wav", "-o", "out/", *SIZES, "--discretise") == 0
    assert np.load("out/a.npy").dtype == np.uint8
    back = ["mel", "--invert", "out/a.npy", "out/b.npy", "-o", "out", "--iterations", "1", *SIZES]
    assert drumkit(*back) == 0
    assert soundfile.info("out/b.wav").frames == 126 * 64 - 1


@pytest.mark.parametrize("back", [False, True])
def test_plot_is_a_png(back):
    np.save("mel.npy", mel_spectrogram.mel_power(sine()[0], SMALL))
    write_wave("in.wav", sine())
    arguments = ["--invert", "--iterations", "0", "mel.npy"] if back else ["in.wav"]
    assert drumkit("mel", *arguments, *SIZES, "-o", "out", "--plot", "mel.png") == 0
    with open("mel.png", "rb") as file:
        assert file.read(8) == b"\x89PNG\r\n\x1a\n"


def test_overview_keeps_the_loudest_of_a_column():
    from drumkit_cli.mel.plot import Overview

    power = np.random.default_rng(0).random((40, 4000), dtype=np.float32)
    overview = Overview(4000, SMALL)
    for start in (0, 700, 701, 600, 3000):
        overview.add(start, power[:, start : start + 2400])
    wanted = np.pad(power, ((0, 0), (0, 2))).reshape(40, -1, 3).max(axis=2)
    assert np.array_equal(overview._power[:, :1333], wanted[:, :1333])


@pytest.mark.parametrize(
    ("flags", "status"),
    [
        (["--hop", "9999"], 2),
        (["--fmin", "9000", "--fmax", "8000"], 2),
        (["--windows", "--overlap", "129"], 2),
        (["--invert"], 65),
        (["--invert", "--windows"], 2),
        (["--invert", "--stem", "bass"], 2),
        (["--plot", "-"], 2),
        (["--plot", "no/such.png"], 73),
        (["--preset", "other"], 2),
    ],
)
def test_what_cannot_be_is_refused_and_writes_nothing(flags, status, here, capsys):
    write_wave("in.wav", sine())
    assert drumkit("mel", "in.wav", "-o", "out", *flags) == status
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert [path.name for path in here.iterdir()] == ["in.wav"]


def test_an_array_without_invert_says_so(capsys):
    np.save("mel.npy", np.ones((256, 4), np.float32))
    assert drumkit("mel", "mel.npy", "-o", "out.npy") == 65
    assert "--invert" in capsys.readouterr().err


def test_bad_arrays_are_refused_before_anything_is_written(here, capsys):
    np.save("mel.npy", np.full((256, 600), np.nan, np.float32))
    assert drumkit("mel", "--invert", "mel.npy", "-o", "out.wav") == 65
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert [path.name for path in here.iterdir()] == ["mel.npy"]


def test_names_that_collide_are_refused():
    assert drumkit("mel", "a/x.wav", "b/x.flac", "-o", "out") == 2
    assert drumkit("mel", "a.wav", "b.wav") == 2


def test_constants_of_the_command_line_are_those_of_the_library():
    assert command.ITERATIONS == GRIFFIN_LIM_ITERATIONS
    assert {preset.value for preset in command.Preset} == set(PRESETS)


def test_through_pipes_and_without_torch():
    buffer = io.BytesIO()
    soundfile.write(buffer, sine(1.0, 22050)[0], 22050, format="WAV")
    first = [sys.executable, "-X", "importtime", "-m", "drumkit_cli", "mel"]
    with (
        subprocess.Popen(
            first, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as forth,
        subprocess.Popen(
            [*DRUMKIT, "mel", "--invert"], stdin=forth.stdout, stdout=subprocess.PIPE
        ) as back,
    ):
        forth.stdout.close()
        forth.stdin.write(buffer.getvalue())
        forth.stdin.close()
        data = back.stdout.read()
        imported = forth.stderr.read().decode()
    assert (forth.returncode, back.returncode) == (0, 0)
    assert "| torch\n" not in imported
    got, rate = soundfile.read(io.BytesIO(data))
    assert rate == 22050
    assert 22050 <= len(got) < 22050 + 512
    assert abs(np.abs(np.fft.rfft(got[:22050])).argmax() - 440) < 12
