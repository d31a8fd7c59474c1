import contextlib
import os
import random
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drumkit_cli.audio.reader import AudioReader
from drumkit_cli.errors import BadDataError
from drumkit_cli.io.streams import open_input
from tests import signals
from tests.audio.inputs import as_input, of_unknown_length, read

BITS = {"PCM_U8": 8, "PCM_S8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 25, "FLOAT": 25}
LINEAR = [
    ("WAV", subtype) for subtype in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE")
]
LINEAR += [("AIFF", "PCM_S8"), ("AIFF", "PCM_24"), ("FLAC", "PCM_16"), ("RF64", "PCM_16")]


@pytest.mark.parametrize(("container", "subtype"), LINEAR)
@pytest.mark.parametrize("channels", [1, 2, 3, 8])
def test_samples_are_read_as_they_were_written(container, subtype, channels):
    samples = signals.sine(channels=channels)
    sound = read(signals.encode(samples, container=container, subtype=subtype))
    assert sound.dtype == np.float32
    step = 2.0 ** (1 - BITS.get(subtype, 25))
    np.testing.assert_allclose(sound, samples, atol=2 * step)


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100, 48000, 96000, 192000])
def test_rates_are_read(rate):
    with AudioReader(as_input(signals.encode(signals.sine(rate, 0.1), rate))) as reader:
        assert (reader.rate, reader.frames) == (rate, round(rate / 10))
        assert reader.seconds == reader.frames / rate


@pytest.mark.parametrize(
    ("container", "subtype"), [("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", None), ("WAV", "ULAW")]
)
def test_lossy_formats_sound_the_same(container, subtype):
    samples = signals.sine(48000, 1.0, channels=2)
    sound = read(signals.encode(samples, 48000, container, subtype))
    assert sound.shape == samples.shape
    middle = slice(4800, -4800)
    error = sound[:, middle] - samples[:, middle]
    assert 10 * np.log10(np.mean(samples**2) / np.mean(error**2)) > 20


def test_blocks_are_the_whole_in_order():
    samples = signals.sine(channels=2)
    with AudioReader(as_input(signals.encode(samples, subtype="FLOAT"))) as reader:
        blocks = list(reader.blocks(1000))
        assert [block.shape for block in blocks] == [(2, 1000)] * 4
        np.testing.assert_array_equal(np.concatenate(blocks, axis=1), samples)
        assert list(reader.blocks(1000)) == []
        reader.rewind()
        np.testing.assert_array_equal(next(reader.blocks(3500)), samples[:, :3500])
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
        np.testing.assert_array_equal(reader.read(), rest)


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
    assert sound.shape == (2, 0)


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


@pytest.mark.parametrize("level", [1.1e6, -1e30])
def test_a_sample_that_is_too_large_to_compute_with_is_refused(level):
    samples = signals.sine(seconds=10)
    samples[0, 40_000] = level
    data = signals.encode(samples, subtype="FLOAT")
    with pytest.raises(BadDataError, match=rf"{re.escape(f'{level:.3g}')} samples.* 5\.000 s"):
        read(data)


def test_a_loud_sample_is_read():
    samples = signals.sine() * np.float32(1e6)
    np.testing.assert_array_equal(read(signals.encode(samples, subtype="FLOAT")), samples)


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


@pytest.mark.parametrize("claimed", [0, 0x7FFFF000, 0x80000000, 0xFFFFFFFF])
def test_a_wav_from_a_pipe_is_read_to_its_end(claimed, tmp_path):
    samples = signals.sine(channels=2)
    path = tmp_path / "song"
    path.write_bytes(signals.wave(signals.pcm16(samples), size=claimed, channels=2))
    with open_input(str(path)) as source, AudioReader(source) as reader:
        assert reader.frames == 4000
        np.testing.assert_allclose(reader.read(), samples, atol=1e-4)


def test_a_flac_from_a_pipe_is_read_to_its_end():
    data = of_unknown_length(signals.encode(signals.sine(), container="FLAC"))
    np.testing.assert_allclose(read(data), signals.sine(), atol=1e-4)


def test_encodings_that_cannot_be_sought_are_read_twice():
    samples = signals.sine(8000, 1.0)
    with AudioReader(as_input(signals.encode(samples, subtype="GSM610"))) as reader:
        reader.check_finite()
        sound = reader.read()[:, : samples.shape[1]]
    assert 10 * np.log10(np.mean(samples**2) / np.mean((sound - samples) ** 2)) > 10


def test_a_wav_of_the_broadcasters_64_bit_name_is_read():
    samples = signals.sine(channels=2)
    data = signals.encode(samples, container="RF64", subtype="PCM_16")
    assert data[:4] == b"RF64"
    np.testing.assert_allclose(read(b"BW64" + data[4:]), samples, atol=1e-4)


MP2_FRAME = b"\xff\xfd\x50\x04" + bytes(257)  # 80 kbit/s and 44,100 Hz: 261 bytes


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"\0\0\0\x20ftypM4A ", "MPEG-4"),
        (bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"), "WMA"),
        (MP2_FRAME * 40, r"MP2"),
        (b"\xff\xf1\x50\x80" + bytes(400), "AAC"),
        (b"\x1aE\xdf\xa3" + bytes(100), "WebM"),
    ],
)
def test_formats_of_other_programs_are_named_with_the_way_to_convert_them(head, name):
    with pytest.raises(BadDataError, match=f"{name}.*ffmpeg -i song song.wav"):
        read(head)


def test_the_command_that_converts_quotes_the_name(tmp_path):
    path = tmp_path / "my song.m4a"
    path.write_bytes(b"\0\0\0\x20ftypM4A " + bytes(100))
    with (
        open_input(str(path)) as source,
        pytest.raises(BadDataError, match=r"ffmpeg -i '.*my song\.m4a' '.*my song\.wav'"),
    ):
        AudioReader(source)


def test_a_wav_of_an_encoding_of_other_programs_is_not_called_damaged():
    with pytest.raises(BadDataError, match=r"format 0x00ff.*ffmpeg -i song song\.flac"):
        read(signals.wave(bytes(2600), tag=0xFF))


def test_a_header_that_claims_less_ends_the_sound_early():
    samples = signals.sine()
    sound = read(signals.wave(signals.pcm16(samples), size=200))
    assert sound.shape == (1, 100)


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
        assert np.isfinite(sound).all()
