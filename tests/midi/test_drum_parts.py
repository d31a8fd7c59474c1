"""Which notes are taken as drums, and what is said of it."""

import pytest

from drumkit_cli.midi.drum_parts import find_drums
from drumkit_cli.midi.files import read_midi
from tests.contract.midi_files import END, file, track

DRUMS = track([(0, 36, 100), (24, 42, 90)])


def part(name="", channel=0, pitches=(36, 38, 42), program=None):
    """A track body of notes on a channel, with a name and a program where they are given."""
    body = b"\x00\xff\x03" + bytes([len(name)]) + name.encode() if name else b""
    if program is not None:
        body += bytes([0, 0xC0 | channel, program])
    for pitch in pitches:
        body += bytes([0, 0x90 | channel, pitch, 90, 12, 0x80 | channel, pitch, 0])
    return body + END


def found(*parts, kind=1):
    """The places of the tracks that are drums, and the remark."""
    drums = find_drums(read_midi(file(*parts, kind=kind), "a.mid"))
    return sorted({note.part for note in drums.notes}), drums.remark


def test_channel_ten_alone_needs_no_remark():
    assert found(DRUMS, part("Bass", 1), part("", 2, (60, 64))) == ([0], "")
    assert found(DRUMS + b"", kind=0) == ([0], "")


@pytest.mark.parametrize("name", ["Drums", "my DRUM rack", "Perc 1", "Percussion", "kit", "Kit A"])
def test_a_track_that_is_called_drums_is_taken_beside_channel_ten(name):
    parts, remark = found(DRUMS, part("Bass", 1), part(name, 10))
    assert parts == [0, 2]
    assert remark == f"drums are also read from track 3 {name!r} (channel 11)"


@pytest.mark.parametrize(
    ("name", "program"),
    [
        ("Steel Drums", None),
        ("Percussive Organ", None),
        ("Kitchen", None),
        ("Synth Drum", None),
        ("War drum", 47),
    ],
)
def test_an_instrument_with_pitches_is_not_drums_whatever_its_name(name, program):
    assert found(DRUMS, part(name, 10, (60, 62), program)) == ([0], "")


def test_without_channel_ten_the_names_of_tracks_decide():
    parts, remark = found(part("Drum Rack", 0), part("Bass", 1, program=33))
    assert parts == [0]
    assert remark == "no drums on channel 10: those of track 1 'Drum Rack' (channel 1) are read"


def test_without_channel_ten_and_names_all_notes_are_drums_and_named():
    parts, remark = found(part("Lead", 0), part("", 1, program=35))
    assert parts == [0, 1]
    assert "all notes are read as drums: track 1 'Lead' (channel 1), track 2" in remark
    assert remark.endswith("track 2 (channel 2, Fretless Bass)")


def test_a_single_part_without_channel_ten_needs_no_remark():
    assert found(part("", 0), kind=0) == ([0], "")


def test_a_song_called_drums_in_one_track_is_not_all_drums():
    both = part("Little Drummer Boy", 0, (60, 62))[: -len(END)] + DRUMS
    drums = find_drums(read_midi(file(both), "a.mid"))
    assert {note.channel for note in drums.notes} == {9}


def test_a_nameless_track_that_may_be_drums_is_named_in_a_remark():
    parts, remark = found(DRUMS, part("", 10, (41, 45, 49)))
    assert parts == [0]
    assert remark.startswith("drums are read from channel 10, not from track 2 (channel 11)")


def test_many_tracks_are_counted_after_the_first_three():
    _, remark = found(*(part("", channel) for channel in range(5)))
    assert remark.endswith("track 3 (channel 3), 2 more")


def test_of_format_two_the_first_part_with_drums_is_taken():
    assert found(END, track([(0, 38, 100)]), DRUMS, kind=2) == ([1], "")
    assert found(END, track([(0, 38, 100)]), DRUMS, kind=1) == ([1, 2], "")
