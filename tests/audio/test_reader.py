import contextlib
import io
import itertools
import os
import random
import re
import tempfile

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from drumkit_cli.audio import reader, stems
from drumkit_cli.audio.encoding import Encoding
from drumkit_cli.audio.reader import AudioReader
from drumkit_cli.audio.wav import WavWriter
from drumkit_cli.errors import BadDataError
from drumkit_cli.io.sniffing import sniff
from drumkit_cli.io.streams import Input, open_input, open_output
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
        samples = reader.read()
        assert samples.shape == (reader.channels, reader.frames)
        return samples


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


def of_unknown_length(flac):
    """A FLAC as it is streamed: the 36 bits of its sample count are 0."""
    assert flac[4] & 0x7F == 0  # STREAMINFO
    return flac[:21] + bytes([flac[21] & 0xF0]) + bytes(4) + flac[26:]


def opened_streams(container, subtype, *seeds):
    """A file for each seed, noise of half a second."""
    return [
        signals.encode(
            np.random.default_rng(seed).uniform(-0.5, 0.5, (2, 24_000)).astype(np.float32),
            48_000,
            container,
            subtype,
        )
        for seed in seeds
    ]


def relabelled(ogg, serial):
    """An Ogg whose pages say another serial number."""
    data, place = bytearray(ogg), 0
    while place < len(data):
        segments = data[place + 26]
        end = place + 27 + segments + sum(data[place + 27 : place + 27 + segments])
        data[place + 14 : place + 18] = serial.to_bytes(4, "little")
        data[place + 22 : place + 26] = bytes(4)
        data[place + 22 : place + 26] = ogg_crc(data[place:end]).to_bytes(4, "little")
        place = end
    return bytes(data)


def ogg_crc(page):
    """The check sum of RFC 3533: polynomial 0x04c11db7, no reflection, from 0."""
    crc = 0
    for byte in page:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1) ^ (0x04C11DB7 if crc & 0x80000000 else 0)
        crc &= 0xFFFFFFFF
    return crc


@pytest.mark.parametrize(
    ("container", "subtype"), [("OGG", "VORBIS"), ("OGG", "OPUS"), ("FLAC", "PCM_16")]
)
@pytest.mark.parametrize("seeds", [(0, 1), (0, 0), (0, 1, 2)])
def test_joined_streams_are_one_sound(container, subtype, seeds):
    streams = opened_streams(container, subtype, *seeds)
    joined = read(b"".join(streams))
    parts = np.concatenate([read(stream) for stream in streams], axis=1)
    np.testing.assert_array_equal(joined, parts)


def test_chained_streams_may_share_a_serial_number():
    first, second = opened_streams("OGG", "VORBIS", 0, 1)
    joined = read(relabelled(first, 7) + relabelled(second, 7))
    parts = np.concatenate([read(first), read(second)], axis=1)
    np.testing.assert_array_equal(joined, parts)


def test_blocks_span_joined_streams():
    joined = b"".join(opened_streams("FLAC", "PCM_16", 0, 1))
    with AudioReader(as_input(joined)) as reader:
        for _ in range(2):
            lengths = [block.shape[1] for block in reader.blocks(10_000)]
            assert lengths == [10_000] * 4 + [8_000]
            reader.rewind()


def test_a_flac_from_a_pipe_may_be_joined_too():
    first, second = opened_streams("FLAC", "PCM_16", 0, 1)
    parts = [read(first), read(second)]
    joined = read(of_unknown_length(first) + of_unknown_length(second))
    np.testing.assert_array_equal(joined, np.concatenate(parts, axis=1))


def test_streams_of_different_rates_are_refused():
    parts = [signals.encode(signals.sine(rate), rate, "FLAC") for rate in (22_050, 48_000)]
    with pytest.raises(BadDataError, match=r"22,050 Hz.*48,000 Hz"):
        read(b"".join(parts))


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
