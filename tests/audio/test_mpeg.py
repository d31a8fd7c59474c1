"""MP3 of every kind that encoders and `cat` make, to the frame."""

import io
import struct
import tempfile
from functools import cache

import numpy as np
import pytest
import soundfile

from drumkit_cli.audio import mpeg
from drumkit_cli.audio.reader import AudioReader
from drumkit_cli.errors import BadDataError
from drumkit_cli.io.sniffing import sniff
from drumkit_cli.io.streams import Input
from tests import signals

DELAY = 1105
"""Samples that LAME's encoder and the decoder put before the sound."""
ID3 = b"ID3\x04\0\0\0\0\1\0" + b"\xff\xe2" * 64


@cache
def mp3(rate=44_100, channels=2, mode="VARIABLE", seconds=3.0, seed=0):
    """Silence that becomes noise: of variable rate, its first frames are far below the mean."""
    noise = np.random.default_rng(seed).uniform(-0.3, 0.3, (round(rate * seconds), channels))
    noise[: len(noise) // 3] *= 1e-3
    buffer = io.BytesIO()
    soundfile.write(buffer, noise, rate, format="MP3", bitrate_mode=mode, compression_level=0.5)
    return buffer.getvalue()


def header_bytes(data):
    """The length of the first frame, which holds LAME's header."""
    assert data[:200].count(b"Xing") + data[:200].count(b"Info") == 1
    return data.index(data[:2], 4)


def without_header(data):
    return data[header_bytes(data) :]


def with_count(data, count):
    place = max(data.find(word, 0, 200) for word in (b"Xing", b"Info")) + 8
    return data[:place] + count.to_bytes(4, "big") + data[place + 4 :]


def streams(data):
    file = tempfile.TemporaryFile(buffering=0)
    file.write(data)
    return mpeg.find_streams(file, 0, len(data))


def read(data):
    file = tempfile.TemporaryFile(buffering=0)
    file.write(data)
    with AudioReader(Input("song", file, sniff(data))) as reader:
        reader.check_finite()
        samples = reader.read()
        assert samples.shape == (reader.channels, reader.frames)
        return samples


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("mode", ["CONSTANT", "VARIABLE"])
def test_all_of_an_mp3_without_a_header_is_read_to_the_frame(rate, channels, mode):
    whole = mp3(rate, channels, mode)
    bare = without_header(whole)
    (stream,) = streams(bare)
    expected, sound = read(whole), read(bare)
    assert sound.shape[1] == stream.frames * (1152 if rate > 24_000 else 576)
    assert 0 < sound.shape[1] - expected.shape[1] - DELAY < 2 * 1152
    shifted = sound[:, DELAY : DELAY + expected.shape[1]]
    np.testing.assert_allclose(shifted, expected, atol=1e-3)


@pytest.mark.parametrize("count", [0, 3])
def test_a_header_that_counts_too_few_frames_is_not_believed(count):
    whole = mp3()
    np.testing.assert_allclose(read(with_count(whole, count)), read(whole), atol=1e-6)


def test_a_vbri_header_is_no_sound():
    bare = without_header(mp3(mode="CONSTANT"))
    size = header_bytes(mp3(mode="CONSTANT"))
    fields = struct.pack(">4sHHHIIHHHH", b"VBRI", 1, 0, 75, len(bare), 100, 0, 1, 2, 1)
    header = (bare[:4] + bytes(32) + fields).ljust(size, b"\0")
    np.testing.assert_array_equal(read(header + bare), read(bare))


@pytest.mark.parametrize("tag", [b"", ID3, b"TAG" + bytes(125)])
def test_joined_mp3s_are_one_sound(tag):
    first, second = mp3(seed=1), mp3(seed=2, mode="CONSTANT")
    joined = read(first + tag + second)
    np.testing.assert_array_equal(joined, np.concatenate([read(first), read(second)], axis=1))


@pytest.mark.parametrize("tag", [b"", ID3])
def test_joined_mp3s_without_headers_are_one_stream(tag):
    bare = without_header(mp3(mode="CONSTANT"))
    joined = read(bare + tag + bare)
    assert joined.shape[1] == 2 * read(bare).shape[1]


def test_joined_mp3s_of_different_rates_are_refused():
    with pytest.raises(BadDataError, match=r"44,100 Hz and 2 channels.*48,000 Hz and 1 channels"):
        read(mp3() + mp3(48_000, 1))


def test_damage_amid_the_frames_is_skipped_and_told(capfd):
    bare = without_header(mp3(mode="CONSTANT"))
    place = bare.index(bare[:2], len(bare) // 2)
    sound = read(bare[:place] + bytes(5000) + bare[place:])
    assert sound.shape == read(bare).shape
    assert "song: 5,000 bytes amid its MP3 frames are skipped" in capfd.readouterr().err


def test_a_last_frame_that_is_cut_is_left_out():
    bare = without_header(mp3(mode="CONSTANT"))
    assert read(bare).shape[1] - read(bare[:-100]).shape[1] == 1152


@pytest.mark.parametrize("has_header", [True, False])
def test_mp3_in_a_wav_is_read(has_header):
    data = mp3() if has_header else without_header(mp3())
    wav = signals.wave(data, tag=0x55, rate=44_100, channels=2, bits=0, frame_bytes=1)
    np.testing.assert_array_equal(read(wav), read(data))


def test_bytes_that_look_like_a_frame_alone_are_none():
    junk = np.random.default_rng(0).integers(0, 256, 1 << 18, dtype=np.uint8).tobytes()
    assert len(streams(junk)) <= 1
    assert streams(b"\xff" * 100_000) == []
    assert streams(b"\xff\xfb\x90\x64" + bytes(1000)) == []
