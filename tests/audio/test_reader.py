import contextlib
import io
import itertools
import os
import random
import tempfile

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from drumkit_cli.audio import reader, stems
from drumkit_cli.audio.reader import AudioReader
from drumkit_cli.audio.wav import WavWriter
from drumkit_cli.errors import BadDataError
from drumkit_cli.io.sniffing import sniff
from drumkit_cli.io.streams import Encoding, Input, open_input, open_output
from tests import signals

BITS = {"PCM_U8": 8, "PCM_S8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 25, "FLOAT": 25}
LINEAR = [
    ("WAV", subtype) for subtype in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE")
]
LINEAR += [("AIFF", "PCM_S8"), ("AIFF", "PCM_24"), ("FLAC", "PCM_16"), ("RF64", "PCM_16")]


def as_input(data):
    file = tempfile.TemporaryFile(buffering=0)
    file.write(data)
    return Input("song", file, sniff(data))


def read(data):
    with AudioReader(as_input(data)) as reader:
        reader.check_finite()
        sound = reader.read()
        assert (sound.frames, sound.channels) == (reader.frames, reader.channels)
        return sound


@pytest.mark.parametrize(("container", "subtype"), LINEAR)
@pytest.mark.parametrize("channels", [1, 2, 3, 8])
def test_samples_are_read_as_they_were_written(container, subtype, channels):
    samples = signals.sine(channels=channels)
    sound = read(signals.encode(samples, container=container, subtype=subtype))
    assert sound.samples.dtype == np.float32
    assert sound.rate == 8000
    step = 2.0 ** (1 - BITS.get(subtype, 25))
    np.testing.assert_allclose(sound.samples, samples, atol=2 * step)


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100, 48000, 96000, 192000])
def test_rates_are_read(rate):
    sound = read(signals.encode(signals.sine(rate, 0.1), rate))
    assert (sound.rate, sound.frames, sound.seconds) == (
        rate,
        round(rate / 10),
        round(rate / 10) / rate,
    )


@pytest.mark.parametrize(
    ("container", "subtype"), [("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", None), ("WAV", "ULAW")]
)
def test_lossy_formats_sound_the_same(container, subtype):
    samples = signals.sine(48000, 1.0, channels=2)
    sound = read(signals.encode(samples, 48000, container, subtype))
    assert sound.frames == samples.shape[1]
    middle = slice(4800, -4800)
    error = sound.samples[:, middle] - samples[:, middle]
    assert 10 * np.log10(np.mean(samples**2) / np.mean(error**2)) > 20


def test_blocks_are_the_whole_in_order():
    samples = signals.sine(channels=2)
    with AudioReader(as_input(signals.encode(samples, subtype="FLOAT"))) as reader:
        blocks = list(reader.blocks(1000))
        assert [block.shape for block in blocks] == [(2, 1000)] * 4
        np.testing.assert_array_equal(np.concatenate(blocks, axis=1), samples)
        assert list(reader.blocks(1000)) == []
        reader.seek(3500)
        np.testing.assert_array_equal(next(reader.blocks(1000)), samples[:, 3500:])


def test_two_readings_of_a_file_agree(tmp_path):
    path = tmp_path / "song"
    path.write_bytes(signals.encode(signals.sine()))
    with open_input(str(path)) as source, AudioReader(source) as reader:
        blocks = reader.blocks(100)
        first = next(blocks)
        before = source.sha256()
        rest = np.concatenate([first, *blocks], axis=1)
        assert source.sha256() == before
        np.testing.assert_array_equal(reader.read().samples, rest)


def test_descriptors_are_given_back(tmp_path):
    path = tmp_path / "song"
    for data in (signals.encode(signals.sine()), b"RIFF\0\0\0\0WAVEjunk"):
        path.write_bytes(data)
        before = os.listdir("/proc/self/fd")
        for _ in range(3):
            try:
                with open_input(str(path)) as source, AudioReader(source) as reader:
                    reader.read()
            except BadDataError:
                pass
        assert os.listdir("/proc/self/fd") == before


@pytest.mark.parametrize("container", ["WAV", "AIFF"])
def test_no_samples_are_a_sound_too(container):
    sound = read(signals.encode(np.zeros((2, 0), np.float32), container=container))
    assert sound.samples.shape == (2, 0)
    assert sound.seconds == 0


@pytest.mark.parametrize(
    ("value", "word"), [(np.nan, "NaN"), (np.inf, "infinite"), (-np.inf, "infinite")]
)
@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
def test_a_sample_that_is_no_number_is_found(value, word, subtype):
    samples = signals.sine(seconds=10, channels=2)
    samples[1, 72_000] = value
    data = signals.encode(samples, subtype=subtype)
    with AudioReader(as_input(data)) as reader:
        with pytest.raises(BadDataError, match=rf"song holds {word}.* 9\.000 s in channel 2"):
            reader.check_finite()
        with pytest.raises(BadDataError, match=word):
            reader.read()


def test_a_double_beyond_float32_is_infinite():
    data = signals.wave(np.array([1e300], "<f8").tobytes(), bits=64, tag=3)
    with pytest.raises(BadDataError, match="infinite"):
        read(data)


@pytest.mark.parametrize("container", ["WAV", "AIFF", "FLAC", "OGG", "MP3", "RF64"])
@pytest.mark.parametrize("kept", [0.95, 0.5, 0.05, 0.001])
def test_a_truncated_file_is_refused(container, kept, capfd):
    whole = signals.encode(signals.sine(44100, 2.0, 2), 44100, container)
    with pytest.raises(BadDataError, match="song"):
        read(whole[: max(20, int(len(whole) * kept))])
    assert capfd.readouterr().err == ""


def test_an_mp3_without_a_header_that_counts_frames_is_read_to_its_end():
    buffer = io.BytesIO()
    sine = signals.sine(44100, 2.0, 2).T
    soundfile.write(
        buffer, sine, 44100, format="MP3", bitrate_mode="CONSTANT", compression_level=0.5
    )
    whole = buffer.getvalue()
    kilobits = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)[whole[2] >> 4]
    first_frame_bytes = 144_000 * kilobits // 44100 + (whole[2] >> 1 & 1)
    bare = whole[first_frame_bytes:]
    tag = b"ID3\x03\x00\x00" + bytes([0, 0, 0x20, 0]) + bytes(0x20 << 7)  # 4 KiB of tag
    sound = read(tag + bare)
    assert 0 <= sound.frames - 2 * 44100 < 4 * 1152


@pytest.mark.parametrize("claimed", [0, 0x7FFFF000, 0x80000000, 0xFFFFFFFF])
def test_a_wav_from_a_pipe_is_read_to_its_end(claimed, tmp_path):
    samples = signals.sine(channels=2)
    path = tmp_path / "song"
    path.write_bytes(signals.wave(signals.pcm16(samples), size=claimed, channels=2))
    with open_input(str(path)) as source, AudioReader(source) as reader:
        assert reader.frames == 4000
        np.testing.assert_allclose(reader.read().samples, samples, atol=1e-4)


def test_a_flac_from_a_pipe_is_read_to_its_end():
    data = bytearray(signals.encode(signals.sine(), container="FLAC"))
    assert data[4] & 0x7F == 0  # STREAMINFO; its 36 bits from byte 13 on are the sample count
    data[21] &= 0xF0
    data[22:26] = bytes(4)
    np.testing.assert_allclose(read(bytes(data)).samples, signals.sine(), atol=1e-4)


def test_a_header_that_claims_less_ends_the_sound_early():
    samples = signals.sine()
    sound = read(signals.wave(signals.pcm16(samples), size=200))
    assert sound.frames == 100


@pytest.mark.parametrize(
    "lie",
    [
        {"channels": 0, "frame_bytes": 2},
        {"channels": 65, "frame_bytes": 130},
        {"rate": 0},
        {"rate": 10},
        {"rate": 0x7FFFFFF0, "channels": 1, "frame_bytes": 1},
        {"bits": 0, "frame_bytes": 2},
        {"bits": 64},
        {"tag": 0x1234},
    ],
)
def test_absurd_headers_are_refused(lie):
    with pytest.raises(BadDataError, match="song"):
        read(signals.wave(bytes(2600), **lie))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"MThd\0\0\0\6\0\0\0\1\0\1", "is MIDI, not audio"),
        (b"\x93NUMPY\1\0", "is NPY, not audio"),
        (b"hello, world", "is not audio"),
        (b"RIFF\0\0\0\0WAVE", "song"),
        (b"fLaC" + bytes(100), "song"),
        (b"OggS" + bytes(100), "song"),
        (b"\xff\xfb\x90\x64" + bytes(100), "song"),
        (b"ID3\4" + bytes(100), "song"),
        (b"FORM\0\0\0\0AIFF", "song"),
    ],
)
def test_what_is_no_audio_is_refused(data, reason, capfd):
    with pytest.raises(BadDataError, match=reason):
        read(data)
    assert capfd.readouterr().err == ""


@settings(max_examples=80, deadline=None)
@given(st.randoms(use_true_random=False), st.sampled_from(["WAV", "AIFF", "FLAC", "OGG", "MP3"]))
def test_damaged_files_are_read_or_refused_and_never_crash(chance: random.Random, container):
    data = bytearray(signals.encode(signals.sine(seconds=0.1), container=container))
    for _ in range(chance.randint(1, 8)):
        data[chance.randrange(min(len(data), chance.choice([60, 1 << 20])))] = chance.randrange(256)
    with contextlib.suppress(BadDataError):
        sound = read(bytes(data[: chance.choice([len(data), chance.randrange(1, len(data))])]))
        assert np.isfinite(sound.samples).all()


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
        writer.write(once.samples)
    assert again.getvalue() == buffer.getvalue()
    np.testing.assert_allclose(once.samples, samples, atol=2**-15)


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


@pytest.mark.parametrize("to_rate", [8000, 22050, 44100, 48000, 96000])
@pytest.mark.parametrize("from_rate", [22050, 44100])
def test_a_resampled_sine_is_the_sine_at_the_new_rate(from_rate, to_rate):
    converted = reader.resample(signals.sine(from_rate, 1.0, 2), from_rate, to_rate)
    expected = signals.sine(to_rate, 1.0, 2)
    assert converted.shape == expected.shape
    middle = slice(to_rate // 10, -to_rate // 10)
    np.testing.assert_allclose(converted[:, middle], expected[:, middle], atol=1e-3)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 5000),
    st.sampled_from([8000, 11025, 22050, 44100, 48000, 192000]),
    st.sampled_from([8000, 11025, 22050, 44100, 48000, 192000]),
    st.lists(st.integers(0, 2000), max_size=4),
)
def test_resampling_in_blocks_is_resampling_at_once(frames, from_rate, to_rate, cuts):
    samples = np.random.default_rng(frames).normal(size=(2, frames)).astype(np.float32)
    whole = reader.resample(samples, from_rate, to_rate)
    assert whole.shape == (2, int(frames * to_rate / from_rate + 0.5))
    resampler = reader.Resampler(from_rate, to_rate, 2)
    places = [0, *sorted(min(cut, frames) for cut in cuts), frames]
    parts = [
        resampler.push(samples[:, begin:end], last=index == len(places) - 2)
        for index, (begin, end) in enumerate(itertools.pairwise(places))
    ]
    np.testing.assert_allclose(np.concatenate(parts, axis=1), whole, atol=1e-5)
