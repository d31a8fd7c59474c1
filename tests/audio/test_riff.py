import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumkit_cli.audio import riff
from drumkit_cli.audio.encoding import Encoding
from tests import signals

DATA = bytes(range(200))


def layout(data):
    return riff.read_layout(io.BytesIO(data))


def test_an_honest_header_is_believed():
    found = layout(signals.wave(DATA, channels=2))
    assert (found.claimed_bytes, found.present_bytes, found.frame_bytes) == (200, 200, 4)
    assert found.start == 44
    assert not found.is_truncated


def test_sound_ends_where_its_chunk_does():
    found = layout(signals.wave(DATA, after=b"LIST\4\0\0\0INFO"))
    assert found.present_bytes == 200


@pytest.mark.parametrize("claimed", [201, 10_000, 0x7FFEFFFF])
def test_a_header_that_claims_more_than_there_is_means_truncation(claimed):
    found = layout(signals.wave(DATA, size=claimed))
    assert found.is_truncated
    assert (found.claimed_bytes, found.present_bytes) == (claimed, 200)


@pytest.mark.parametrize("claimed", [0, 0x7FFF0000, 0x7FFFF000, 0x80000000, 0xFFFFFFDB, 0xFFFFFFFF])
def test_headers_that_streaming_programs_leave_reach_to_the_end(claimed):
    found = layout(signals.wave(DATA, size=claimed))
    assert not found.is_truncated
    assert found.present_bytes == 200
    assert found.claims_nothing == (claimed == 0)


def test_no_sound_before_other_chunks_is_no_sound():
    found = layout(signals.wave(b"", after=b"LIST\4\0\0\0INFO"))
    assert found.present_bytes == 0
    assert not found.claims_nothing


def test_aiff_is_held_to_its_sound_chunk_too():
    whole = signals.encode(signals.sine(), container="AIFF")
    assert not layout(whole).is_truncated
    assert layout(whole[:-100]).is_truncated


@given(st.binary(max_size=300))
def test_any_bytes_are_survived(data):
    for head in (b"", b"RIFF\0\0\0\0WAVE", b"FORM\0\0\0\0AIFF", b"RF64\xff\xff\xff\xffWAVEds64"):
        found = layout(head + data)
        assert found is None or found.present_bytes <= len(data)


@given(st.binary(max_size=80), st.integers(0, 400))
def test_any_damage_to_a_good_file_is_survived(noise, place):
    good = riff.wave_header(
        rate=8000, channels=2, frames=9, encoding=Encoding.FLOAT32, track_names=("a", "b")
    )
    damaged = bytearray(good + bytes(72))
    damaged[place : place + len(noise)] = noise
    found = layout(bytes(damaged))
    assert found is None or found.present_bytes <= len(damaged)


@given(st.lists(st.text(min_size=1, max_size=10), min_size=1, max_size=12))
def test_track_names_travel(names):
    # XML has no control characters, and reads a carriage return as a line feed.
    names = [name for name in names if name.isprintable()]
    header = riff.wave_header(
        rate=44100, channels=max(len(names), 1), frames=0, encoding=Encoding.PCM16,
        track_names=names,
    )  # fmt: skip
    assert layout(header).track_names == tuple(names)


@pytest.mark.parametrize(
    "xml",
    [
        b"<BWFXML>",
        b"<BWFXML/>",
        b"<!DOCTYPE x><BWFXML/>",
        b"<B><TRACK_LIST><TRACK><NAME>a</NAME></TRACK></TRACK_LIST></B>",
        b"<B><TRACK_LIST><TRACK><INTERLEAVE_INDEX>2</INTERLEAVE_INDEX></TRACK></TRACK_LIST></B>",
        b"\xff\xfe\0",
        b'<?xml version="1.0" encoding="none"?><B/>',
    ],
)
def test_damaged_track_lists_name_nothing(xml):
    chunk = b"iXML" + struct.pack("<I", len(xml)) + xml + b"\0" * (len(xml) % 2)
    assert layout(signals.wave(b"", after=chunk)).track_names == ()


def test_track_names_follow_the_interleave_index():
    xml = (
        b"<BWFXML><TRACK_LIST>"
        b"<TRACK><INTERLEAVE_INDEX>2</INTERLEAVE_INDEX><NAME>right</NAME></TRACK>"
        b"<TRACK><INTERLEAVE_INDEX>1</INTERLEAVE_INDEX><NAME>left</NAME></TRACK>"
        b"</TRACK_LIST></BWFXML>\0"
    )
    chunk = b"iXML" + struct.pack("<I", len(xml)) + xml
    assert layout(signals.wave(b"", after=chunk)).track_names == ("left", "right")


def test_plain_stereo_is_plain_pcm():
    header = riff.wave_header(rate=44100, channels=2, frames=1, encoding=Encoding.PCM16)
    assert header == bytes.fromhex(
        "52494646 28000000 57415645 666d7420 10000000 0100 0200 44ac0000 10b10200 0400 1000"
        "64617461 04000000"
    )


def test_more_than_4_gb_is_rf64():
    frames = 2**31
    header = riff.wave_header(rate=48000, channels=2, frames=frames, encoding=Encoding.FLOAT32)
    assert header[:4] == b"RF64"
    assert header[12:16] == b"ds64"
    _, data_bytes, samples = struct.unpack_from("<QQQ", header, 20)
    assert (data_bytes, samples) == (frames * 8, frames)
    assert layout(header).claimed_bytes == frames * 8
    assert layout(header).is_truncated
