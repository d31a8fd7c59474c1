"""The command in real processes, with tiny weights; what all commands share is in the contract."""

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from drumkit_cli import cli
from drumkit_cli.arrange import command
from drumkit_cli.audio.encoding import Encoding
from drumkit_cli.audio.reader import AudioReader
from drumkit_cli.audio.riff import wave_header
from drumkit_cli.audio.stems import stem_track_names
from drumkit_cli.io.streams import open_input
from tests.arrange.tiny import bass_line, write_tiny_arranger, write_tiny_pix2pix
from tests.listening.tiny import write_tiny_ear

RATE = 44100
ENVIRONMENT = {
    **os.environ,
    "OMP_NUM_THREADS": "1",
    "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
}


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    write_tiny_ear(folder / "transcribe.safetensors")
    write_tiny_arranger(folder / "arrange.safetensors")
    write_tiny_pix2pix(folder / "arrange-pix2pix.safetensors")
    return folder


@pytest.fixture
def arrange(weights, tmp_path):
    def run(*arguments, stdin=b""):
        done = subprocess.run(
            [sys.executable, "-m", "drumkit_cli", "arrange", "--iterations", "2", *arguments],
            input=stdin,
            capture_output=True,
            cwd=tmp_path,
            env={**ENVIRONMENT, "DRUMKIT_WEIGHTS": str(weights)},
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def encode(samples, rate=RATE):
    buffer = io.BytesIO()
    soundfile.write(buffer, samples.T, rate, format="WAV", subtype="FLOAT")
    return buffer.getvalue()


def decode(data):
    samples, rate = soundfile.read(io.BytesIO(data), always_2d=True, dtype="float32")
    return samples.T, rate


def stems_stream(bass, others):
    """Drums, bass and other, two channels each, as `separate` writes them."""
    names = stem_track_names(("drums", "bass", "other"))
    samples = np.concatenate([others, bass, others])
    header = wave_header(
        rate=RATE,
        channels=len(names),
        frames=samples.shape[1],
        encoding=Encoding.FLOAT32,
        track_names=names,
        comment="",
        software="",
    )
    return header + samples.T.astype("<f4").tobytes()


def test_a_pipe_gives_mono_drums_of_the_basss_rate_and_length(arrange):
    bass = bass_line(7, RATE)
    drums, rate = decode(arrange(stdin=encode(np.stack([bass, bass]))))
    assert (drums.shape, rate) == ((1, len(bass)), RATE)
    assert 0.01 < np.sqrt(np.mean(drums**2)) < 1


def test_of_a_stems_stream_it_hears_the_bass(arrange):
    bass = np.stack([bass_line(7, RATE)] * 2)
    noise = np.random.default_rng(0).normal(0, 0.2, bass.shape).astype(np.float32)
    given = ("--bpm", "120")
    from_stems, _ = decode(arrange(*given, stdin=stems_stream(bass, noise)))
    alone, _ = decode(arrange(*given, stdin=encode(bass)))
    assert np.array_equal(from_stems, alone)


def test_drums_follow_the_tempo_that_is_given(arrange):
    bass = encode(bass_line(7, RATE)[None])
    one, other, shifted = (
        arrange("--no-provenance", "--bpm", *given, stdin=bass)
        for given in (("120",), ("100",), ("120", "--offset", "0.5"))
    )
    assert len({one, other, shifted}) == 3


def test_the_mix_adds_the_drums_to_a_bass_that_stays_as_it_is(arrange):
    bass = np.stack([bass_line(7, RATE, 0.4), bass_line(7, RATE, 0.2)])
    source = encode(bass)
    drums, _ = decode(arrange(stdin=source))
    for gain_db in (-12, 24):
        mix, _ = decode(arrange("--mix", "--gain", str(gain_db), stdin=source))
        expected = bass + drums * 10 ** (gain_db / 20)
        np.testing.assert_allclose(mix, expected, rtol=1e-5, atol=1e-5)
    assert np.abs(mix).max() > 2  # full scale is no limit to floats


def test_where_the_drums_rest_the_mix_is_the_bass_to_the_bit(arrange):
    bass = np.stack([bass_line(2, RATE, 0.9), bass_line(2, RATE, 0.3)])
    faint = 1e-5 * np.random.default_rng(0).normal(size=(2, 8 * RATE)).astype(np.float32)
    mix, _ = decode(arrange("--mix", stdin=encode(np.concatenate([bass, faint], axis=1))))
    np.testing.assert_array_equal(mix[:, -3 * RATE :], faint[:, -3 * RATE :])


def test_drums_are_as_loud_as_the_bass_however_loud_that_is(arrange):
    bass = bass_line(7, RATE)[None]
    soft, _ = decode(arrange(stdin=encode(bass * np.float32(0.1))))
    loud, _ = decode(arrange(stdin=encode(bass * np.float32(3))))
    rms = [float(np.sqrt(np.mean(drums**2))) for drums in (soft, loud)]
    assert rms[1] / rms[0] == pytest.approx(30, rel=0.05)


def test_integers_that_would_not_fit_are_turned_down_and_that_is_told(weights, tmp_path):
    (tmp_path / "bass.wav").write_bytes(encode(bass_line(3, RATE, 0.4)[None]))
    arguments = ["arrange", "--iterations", "2", "--mix", "--gain", "24", "--weights", str(weights)]
    sounds, warnings = [], []
    for encoding in ("float32", "pcm24"):
        done = subprocess.run(
            [sys.executable, "-m", "drumkit_cli", *arguments, "--encoding", encoding, "bass.wav"],
            capture_output=True,
            cwd=tmp_path,
            env=ENVIRONMENT,
            timeout=100,
            check=True,
        )
        sounds.append(decode(done.stdout)[0])
        warnings.append([line for line in done.stderr.decode().splitlines() if "warning" in line])
    whole, scaled = sounds
    peak = np.abs(whole).max()
    assert peak > 1
    np.testing.assert_allclose(scaled, whole / peak, atol=1e-4)
    assert warnings[0] == []
    (line,) = warnings[1]
    assert f"turned down by {20 * np.log10(peak):.1f} dB to fit pcm24" in line


def test_no_samples_give_no_drums_in_integers_too(arrange):
    drums, _ = decode(arrange("--encoding", "pcm16", stdin=encode(np.zeros((1, 0), np.float32))))
    assert drums.shape == (1, 0)


def test_several_inputs_go_into_a_folder(arrange, tmp_path):
    for name in ("a.wav", "b.wav"):
        (tmp_path / name).write_bytes(encode(bass_line(2, RATE)[None]))
    assert arrange("a.wav", "b.wav", "-o", "out", "--encoding", "pcm16") == b""
    made = sorted(path.name for path in (tmp_path / "out").glob("[!.]*"))
    assert made == ["a.wav", "b.wav"]
    assert soundfile.info(tmp_path / "out" / "a.wav").subtype == "PCM_16"


@pytest.mark.parametrize(
    ("bass", "told"),
    [
        (np.zeros(RATE), "the bass is silent, and so are the drums"),
        (np.full(RATE, 1e-5), "the bass is too soft to play to, so the drums are silent"),
    ],
)
def test_a_bass_that_gets_no_drums_is_told(weights, tmp_path, bass, told):
    done = subprocess.run(
        [sys.executable, "-m", "drumkit_cli", "arrange", "--weights", str(weights)],
        input=encode(bass[None].astype(np.float32)),
        capture_output=True,
        env=ENVIRONMENT,
        timeout=100,
        check=True,
    )
    assert told in " ".join(done.stderr.decode().split())
    assert not decode(done.stdout)[0].any()


def test_silent_drums_to_a_bass_that_sounds_are_not_blamed_on_it(tmp_path):
    path = tmp_path / "bass.wav"
    path.write_bytes(encode(bass_line(1, RATE)[None]))
    with open_input(str(path)) as source, AudioReader(source) as reader:
        assert "the bass sounds" in command._why_silent(reader, slice(0, 1))


def test_pix2pix_is_another_model(arrange):
    bass = encode(bass_line(4)[None], 22050)
    first, other = (decode(arrange("--model", m, stdin=bass))[0] for m in ("cyclegan", "pix2pix"))
    assert first.shape == other.shape
    assert not np.array_equal(first, other)


def test_a_rate_that_mp3_lacks_is_refused_before_any_work(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("DRUMKIT_WEIGHTS", str(tmp_path / "none"))
    path = tmp_path / "bass.wav"
    path.write_bytes(encode(bass_line(1, 96_000)[None], 96_000))
    assert cli.run(["arrange", str(path), "-o", str(tmp_path / "drums.mp3")]) == 2
    assert "MP3 has no rate of 96000 Hz" in capfd.readouterr().err
    assert not (tmp_path / "drums.mp3").exists()
