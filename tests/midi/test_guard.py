"""Tracks are found where their lengths are wrong, and what is not read is warned of."""

import struct

import pytest

from drumkit_cli.errors import BadDataError
from drumkit_cli.io.sniffing import Kind, sniff
from drumkit_cli.midi.files import read_midi, write_midi

END = b"\x00\xff\x2f\x00"
BASS = b"\x00\x90\x28\x64\x60\x80\x28\x40" + END
DRUMS = b"\x00\x99\x24\x64\x60\x89\x24\x40" + END
HEADER = b"MThd" + struct.pack(">IHHh", 6, 1, 2, 96)


def chunk(body: bytes, *, stated: int = 0, name: bytes = b"MTrk") -> bytes:
    """A chunk whose stated length is off by `stated` bytes."""
    return name + (len(body) + stated).to_bytes(4, "big") + body


WHOLE = HEADER + chunk(BASS) + chunk(DRUMS)


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"".join(
        name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)
        for name, content in chunks
    )
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"RMID" + body


def warnings(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().err.splitlines()


@pytest.mark.parametrize("stated", [-5, -4, -1, 3, 6, 8, 8 + len(DRUMS)])
def test_a_wrong_length_loses_no_track(stated, capsys):
    data = HEADER + chunk(BASS, stated=stated) + chunk(DRUMS)
    assert write_midi(read_midi(data, "a.mid")) == WHOLE
    (line,) = warnings(capsys)
    assert f"track 1 states a length of {len(BASS) + stated} bytes" in line
    assert line.endswith(f"its end mark, {len(BASS)}")


@pytest.mark.parametrize("stated", [-7, -1])
def test_a_last_track_that_says_too_short_a_length_is_read_to_its_end_mark(stated, capsys):
    data = HEADER + chunk(BASS) + chunk(DRUMS, stated=stated)
    assert write_midi(read_midi(data, "a.mid")) == WHOLE
    assert "track 2 states a length" in warnings(capsys)[0]


def test_a_length_beyond_the_file_is_taken_where_the_end_mark_is_there(capsys):
    data = HEADER + chunk(BASS) + chunk(DRUMS, stated=1000)
    assert write_midi(read_midi(data, "a.mid")) == WHOLE
    assert warnings(capsys) == []


def test_a_wrong_length_without_an_end_mark_is_refused():
    data = HEADER + chunk(BASS[:-4], stated=-2) + chunk(DRUMS)
    with pytest.raises(BadDataError, match="track 1 breaks off"):
        read_midi(data, "a.mid")


def test_what_follows_an_end_mark_in_a_track_is_counted_in_a_warning(capsys):
    data = HEADER + chunk(BASS + DRUMS) + chunk(DRUMS)
    assert write_midi(read_midi(data, "a.mid")) == WHOLE
    (line,) = warnings(capsys)
    assert line.endswith(f"{len(DRUMS)} bytes after the end mark of MIDI track 1 are not read")


def test_junk_between_tracks_is_counted_in_a_warning(capsys):
    data = HEADER + chunk(BASS) + b"\x01junk" + chunk(DRUMS)
    assert write_midi(read_midi(data, "a.mid")) == WHOLE
    assert "5 bytes from byte 34 on" in warnings(capsys)[0]


@pytest.mark.parametrize("tail", [b"\0" * 5, b"\0" * 100])
def test_zeros_that_fill_up_a_file_are_no_loss(tail, capsys):
    assert write_midi(read_midi(WHOLE + tail, "a.mid")) == WHOLE
    assert warnings(capsys) == []


def test_a_foreign_chunk_between_tracks_is_kept_after_them(capsys):
    foreign = chunk(b"whatever", name=b"XFIH")
    data = HEADER + chunk(BASS) + foreign + chunk(DRUMS)
    assert write_midi(read_midi(data, "a.mid")) == WHOLE + foreign
    assert warnings(capsys) == []


def test_real_time_messages_are_kept_and_do_not_end_a_running_status():
    body = b"\x00\x99\x24\x64\x18\xf8\x00\x26\x64\x18\xfc\x00\x99\x24\x00\x00\x26\x00" + END
    track = read_midi(HEADER + chunk(body), "a.mid")
    assert [note.pitch for note in track.notes] == [36, 38]
    assert [event.message.type for event in track.parts[0].events] == ["clock", "stop"]
    assert read_midi(write_midi(track), "b.mid").parts == track.parts


@pytest.mark.parametrize("status", [0xF1, 0xF4, 0xF5, 0xF9, 0xFD])
def test_an_event_that_no_file_may_have_is_refused(status):
    with pytest.raises(BadDataError, match="undefined MIDI event at byte 23"):
        read_midi(HEADER + chunk(b"\x00" + bytes([status]) + END), "a.mid")


def test_midi_in_a_riff_file_is_midi(capsys):
    data = riff((b"data", WHOLE))
    assert sniff(data) is Kind.MIDI
    assert write_midi(read_midi(data, "a.rmi")) == WHOLE
    assert warnings(capsys) == []


def test_other_chunks_of_a_riff_file_are_named_in_a_warning(capsys):
    data = riff((b"LIST", b"INFO!"), (b"data", WHOLE), (b"DISP", b"name"))
    assert write_midi(read_midi(data, "a.rmi")) == WHOLE
    assert warnings(capsys) == [
        "drumkit: warning: a.rmi: these RIFF chunks are not read: LIST, DISP"
    ]


def test_a_riff_file_without_midi_data_is_refused():
    with pytest.raises(BadDataError, match="not a MIDI file"):
        read_midi(riff((b"LIST", b"INFO")), "a.rmi")


def test_thousands_of_tracks_of_wrong_lengths_are_read():
    """Looking for the end mark of one track never reads more than to the next one."""
    tracks = chunk(b"\x00\xb0\x07\x40" * 10, stated=-3) * 3000
    with pytest.raises(BadDataError, match="breaks off"):
        read_midi(HEADER + tracks, "a.mid")
    sound = chunk(BASS, stated=-3) * 3000
    assert len(read_midi(HEADER + sound, "a.mid").parts) == 3000
