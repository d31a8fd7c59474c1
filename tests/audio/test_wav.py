import io
import os

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from drumkit_cli.audio import stems
from drumkit_cli.audio.encoding import Encoding
from drumkit_cli.audio.reader import AudioReader
from drumkit_cli.audio.wav import WavWriter
from drumkit_cli.errors import BadDataError
from drumkit_cli.io.streams import open_input, open_output
from tests import signals
from tests.audio.inputs import read


def written(samples, tmp_path, **settings):
    path = tmp_path / "out.wav"
    with (
        open_output(str(path)) as sink,
        WavWriter(sink, 44100, len(samples), frames=samples.shape[1], **settings) as writer,
    ):
        for start in range(0, samples.shape[1], 777):
            writer.write(samples[:, start : start + 777])
    return path, writer.clipped_samples


@pytest.mark.parametrize(
    ("encoding", "subtype", "step"),
    [
        (Encoding.FLOAT32, "FLOAT", 0),
        (Encoding.PCM16, "PCM_16", 2**-16),
        (Encoding.PCM24, "PCM_24", 2**-23),
        (Encoding.PCM32, "PCM_32", 2**-24),
    ],
)
@pytest.mark.parametrize("channels", [1, 2, 3, 8])
def test_other_programs_read_what_is_written(tmp_path, encoding, subtype, step, channels):
    samples = signals.sine(44100, 0.051, channels, gain=0.9)
    path, clipped = written(samples, tmp_path, encoding=encoding, comment="made by a test")
    with soundfile.SoundFile(path) as file:
        assert (file.subtype, file.samplerate, file.channels) == (subtype, 44100, channels)
        complaints = [line for line in file.extra_info.splitlines() if line.startswith("*")]
        assert all("'data' chunk should be an even" in line for line in complaints)  # it may not
        assert file.comment == "made by a test"
        np.testing.assert_allclose(file.read(dtype="float32", always_2d=True).T, samples, atol=step)
    with open_input(str(path)) as source, AudioReader(source) as reader:
        told = reader.format, reader.encoding, reader.comment
        assert told == ("WAV", subtype, "made by a test")
    assert clipped == 0
    assert os.path.getsize(path) % 2 == 0


@settings(deadline=None)
@given(st.integers(1, 6), st.integers(0, 50), st.sampled_from(Encoding), st.integers(0, 2**32 - 1))
def test_integers_and_floats_survive_a_round_trip(channels, frames, encoding, seed):
    samples = np.random.default_rng(seed).uniform(-1, 1, (channels, frames)).astype(np.float32)
    buffer = io.BytesIO()
    with WavWriter(buffer, 8000, channels, frames=frames, encoding=encoding) as writer:
        writer.write(samples)
    once = read(buffer.getvalue())
    again = io.BytesIO()
    with WavWriter(again, 8000, channels, frames=frames, encoding=encoding) as writer:
        writer.write(once)
    assert again.getvalue() == buffer.getvalue()
    np.testing.assert_allclose(once, samples, atol=2**-15)


def test_samples_beyond_full_scale_are_clipped_and_counted(tmp_path):
    samples = np.array([[0.0, 1.0, -1.0, 1.5, -7.0, 0.5]], np.float32)
    path, clipped = written(samples, tmp_path, encoding=Encoding.PCM16)
    assert clipped == 2
    values = soundfile.read(path, dtype="int16")[0].tolist()
    assert values == [0, 32767, -32768, 32767, -32768, 16384]


def test_a_stems_stream_names_its_channels(tmp_path):
    names = stems.stem_track_names(("drums", "bass", "other"))
    assert names == ("drums.L", "drums.R", "bass.L", "bass.R", "other.L", "other.R")
    path, _ = written(np.zeros((6, 10), np.float32), tmp_path, track_names=names)
    with open_input(str(path)) as source, AudioReader(source) as reader:
        assert reader.track_names == names
        assert stems.select_stem(reader, "drums") == slice(0, 2)
        assert stems.select_stem(reader, "other") == slice(4, 6)
        with pytest.raises(BadDataError, match="no vocals; its stems are drums, bass, other"):
            stems.select_stem(reader, "vocals")


def test_mono_stems_are_selected_too(tmp_path):
    names = stems.stem_track_names(("drums", "bass"), channels=1)
    path, _ = written(np.zeros((2, 10), np.float32), tmp_path, track_names=names)
    with open_input(str(path)) as source, AudioReader(source) as reader:
        assert stems.select_stem(reader, "bass") == slice(1, 2)


def test_channels_of_a_stem_must_lie_together(tmp_path):
    names = ("drums.L", "bass", "drums.R")
    path, _ = written(np.zeros((3, 10), np.float32), tmp_path, track_names=names)
    with (
        open_input(str(path)) as source,
        AudioReader(source) as reader,
        pytest.raises(BadDataError, match="together"),
    ):
        stems.select_stem(reader, "drums")


@pytest.mark.parametrize("names", [(), ("Boom", "Lav 1")])
def test_plain_audio_is_taken_whole(tmp_path, names):
    path, _ = written(np.zeros((2, 10), np.float32), tmp_path, track_names=names)
    with open_input(str(path)) as source, AudioReader(source) as reader:
        assert stems.select_stem(reader, "bass") is None
