import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumkit_cli.io import sniffing
from drumkit_cli.io.sniffing import Kind

HEADS = {
    Kind.WAV: [b"RIFF\0\0\0\0WAVE", b"RF64\xff\xff\xff\xffWAVE", b"RIFX\0\0\0\0WAVE"],
    Kind.FLAC: [b"fLaC\0\0\0\x22"],
    Kind.OGG: [b"OggS\0\x02"],
    Kind.MP3: [b"ID3\x04", b"\xff\xfb\x90\x64", b"\xff\xf3\x40\xc4", b"\xff\xe3\x40\xc4"],
    Kind.AIFF: [b"FORM\0\0\0\0AIFF", b"FORM\0\0\0\0AIFC"],
    Kind.MIDI: [b"MThd\0\0\0\x06"],
    Kind.NPY: [b"\x93NUMPY\x01\x00"],
    Kind.UNKNOWN: [b"", b"RIFF\0\0\0\0AVI ", b"hello", b"\xff\xff\xff\xff", b"\xff\xf1\x50\x80"],
}


@pytest.mark.parametrize(
    ("head", "kind"), [(head, kind) for kind, heads in HEADS.items() for head in heads]
)
def test_first_bytes_tell_the_kind(head, kind):
    assert sniffing.sniff(head) is kind


@given(st.binary(max_size=sniffing.HEAD_BYTES))
def test_sniffing_takes_any_bytes(head):
    assert isinstance(sniffing.sniff(head), Kind)
