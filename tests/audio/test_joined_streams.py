import numpy as np
import pytest

from drumkit_cli.audio.reader import AudioReader
from drumkit_cli.errors import BadDataError
from tests import signals
from tests.audio.inputs import as_input, of_unknown_length, read


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
