"""MIDI files: what is read, what is written, and that nothing is lost between the two."""

import random
import struct
import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumkit_cli.errors import BadDataError
from drumkit_cli.midi.clock import Clock, Tempo
from drumkit_cli.midi.files import read_midi, write_midi
from drumkit_cli.midi.track import empty_track, moved
from tests.midi.smf import END, as_saved, chunk, midi_file, read, same


def test_a_note_has_its_place_in_ticks_and_in_seconds():
    track = read(b"\x00\xc2\x21\x81\x70\x92\x28\x64\x83\x60\x82\x28\x40" + END)
    (note,) = track.notes
    assert (note.onset_ticks, note.duration_ticks) == (240, 480)
    assert (note.onset_seconds, note.duration_seconds) == (0.25, 0.5)
    assert (note.pitch, note.velocity, note.channel, note.program) == (40, 100, 2, 33)
    assert not note.drum
    assert note.release_velocity == 64
    assert track.seconds == 0.75


def test_channel_ten_is_drums():
    assert read(b"\x00\x99\x24\x64\x01\x99\x24\x00" + END).notes[0].drum


def test_running_status_goes_on_across_metas_and_note_on_of_no_velocity_ends_a_note():
    track = read(b"\x00\x90\x3c\x40\x0a\x3e\x41\x00\xff\x06\x01A\x0a\x3c\x00\x0a\x3e\x00" + END)
    assert [(n.pitch, n.onset_ticks, n.duration_ticks) for n in track.notes] == [
        (60, 0, 20),
        (62, 10, 20),
    ]
    assert all(note.release_velocity is None for note in track.notes)


def test_the_first_of_overlapping_notes_ends_first():
    track = read(b"\x00\x90\x3c\x40\x0a\x3c\x41\x0a\x3c\x00\x0a\x3c\x00" + END)
    assert [(n.velocity, n.duration_ticks) for n in track.notes] == [(64, 20), (65, 20)]


def test_notes_without_end_last_to_the_end_of_their_track():
    track = read(b"\x00\x90\x3c\x40" + b"\x83\x60\xff\x2f\x00")
    assert track.notes[0].duration_ticks == 480
    assert same(as_saved(track), track)


def test_data_bytes_above_127_are_clipped_and_counted():
    track = read(b"\x00\x90\x3c\xff\x0a\x80\x3c\x00\x00\xb0\x07\xc0" + END)
    assert track.notes[0].velocity == 127
    message = track.parts[0].events[0].message
    assert (message.type, message.control, message.value) == ("control_change", 7, 127)
    assert track.clipped_bytes == 2


def test_a_file_without_notes_or_tempo_has_the_defaults():
    track = read(END)
    assert track.notes == ()
    assert track.tempo_bpm == 120.0
    assert track.seconds == 0.0
    assert [tuple(meter) for meter in track.meters] == [(0, 4, 4)]


def test_tempo_changes_count_on_whatever_track_they_stand():
    drums = b"\x83\x60\x99\x24\x64\x83\x60\x99\x24\x00" + END
    late = b"\x83\x60\xff\x51\x03\x0f\x42\x40" + END  # 60 bpm from the second quarter on
    track = read(drums, late, kind=1)
    assert track.notes[0].onset_seconds == 0.5
    assert track.notes[0].duration_seconds == 1.0
    assert track.tempo_bpm == 60.0


def test_a_tempo_of_zero_is_kept_but_not_followed():
    track = read(b"\x00\xff\x51\x03\x00\x00\x00" + END)
    assert track.tempi == ()
    assert b"\xff\x51\x03\x00\x00\x00" in write_midi(track)


def test_meters_are_read():
    track = read(b"\x00\xff\x58\x04\x07\x03\x18\x08\x83\x60\xff\x58\x04\x03\x02\x18\x08" + END)
    assert [tuple(meter) for meter in track.meters] == [(0, 7, 8), (480, 3, 4)]


@pytest.mark.parametrize(
    ("frames", "rate"), [(24, 24.0), (25, 25.0), (29, 30000 / 1001), (30, 30.0)]
)
def test_smpte_time_runs_at_its_frame_rate_whatever_the_tempo(frames, rate):
    division = struct.unpack(">h", bytes([256 - frames, 40]))[0]
    body = b"\x00\xff\x51\x03\x0f\x42\x40\x87\x68\x99\x24\x64\x01\x99\x24\x00" + END
    track = read(body, division=division)
    assert track.notes[0].onset_seconds == pytest.approx(1000 / rate / 40)
    assert track.ticks_per_quarter == pytest.approx(rate * 40)
    assert same(as_saved(track), track)


def test_parts_of_format_two_have_their_own_clocks():
    slow = b"\x00\xff\x51\x03\x0f\x42\x40\x83\x60\x99\x24\x64\x01\x99\x24\x00" + END
    plain = b"\x83\x60\x99\x26\x64\x01\x99\x26\x00" + END
    track = read(slow, plain, kind=2)
    assert {note.pitch: note.onset_seconds for note in track.notes} == {36: 1.0, 38: 0.5}
    assert same(as_saved(track), track)


def test_a_part_that_names_no_program_has_that_of_its_channel():
    setup = b"\x00\xc0\x21" + END
    bass = b"\x00\x90\x28\x40\x01\x90\x28\x00" + END
    other = b"\x00\xc0\x10\x00\x90\x30\x40\x01\x90\x30\x00" + END
    track = read(setup, bass, other, kind=1)
    assert {note.pitch: note.program for note in track.notes}[48] == 16
    assert read(setup, bass, kind=1).notes[0].program == 33


@pytest.mark.parametrize("name", ["Bass", "Schläger", "ドラム"])
def test_track_names_are_read_in_utf8_and_else_in_latin1(name):
    body = name.encode()
    assert read(b"\x00\xff\x03" + bytes([len(body)]) + body + END).parts[0].name == name
    if name == "Schläger":
        body = name.encode("latin-1")
        assert read(b"\x00\xff\x03" + bytes([len(body)]) + body + END).parts[0].name == name


def test_whatever_is_no_note_is_kept():
    events = (
        b"\x00\xf0\x05\x7e\x7f\x09\x01\xf7"  # system exclusive
        b"\x00\xf7\x02\xfa\x01"  # escape
        b"\x00\xff\x7f\x03abc"  # sequencer's own
        b"\x00\xff\x59\x02\x63\x09"  # key signature that is none
        b"\x05\xe9\x00\x40\x00\xa9\x24\x11\x00\xd9\x22"
        b"\x00\x89\x30\x40"  # note-off without a note
    )
    data = midi_file(events + END) + chunk(b"XFIH", b"whatever")
    track = read_midi(data, "a.mid")
    assert write_midi(track) == data


def test_a_track_without_end_mark_and_a_wrong_track_count_are_taken():
    body = b"\x00\x99\x24\x64\x0a\x99\x24\x00"
    assert len(read(body, count=7).notes) == 1
    two = read(body, body, kind=0)
    assert two.format == 1


def test_junk_after_the_last_track_is_dropped():
    data = midi_file(END)
    assert write_midi(read_midi(data + b"\x00" * 100, "a.mid")) == data


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is not a MIDI file"),
        (b"MThd", "is not a MIDI file"),
        (b"RIFF" + b"\x00" * 40, "is not a MIDI file"),
        (b"MThd" + struct.pack(">IHHh", 6, 9, 1, 480), "broken MIDI header"),
        (midi_file(END, division=0), "impossible time division"),
        (midi_file(END, division=-1), "impossible time division"),
        (midi_file(), "holds no MIDI track"),
        (midi_file(b"\x00\x90\x3c\x40" + END)[:-6], "is truncated"),
        (midi_file(b"\x00\x90\x3c"), "track 1 breaks off"),
        (midi_file(END, b"\x00\xff\x01\x7fabc"), "track 2 breaks off"),
        (midi_file(b"\xff\xff\xff\xff\xff\x00" + END), "breaks off"),
        (midi_file(b"\x00\x3c\x40" + END), "undefined MIDI event at byte 23"),
        (midi_file(b"\x00\xf4\x40" + END), "undefined MIDI event at byte 23"),
        (midi_file(b"\xff\xff\xff\x7f\xff\x2f\x00"), "lasts 78 hours"),
    ],
)
def test_a_broken_file_is_one_line_that_names_it(data, message):
    with pytest.raises(BadDataError) as error:
        read_midi(data, "beat.mid")
    assert message in str(error.value)
    assert str(error.value).startswith("beat.mid ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize(
    "pattern", [b"\x00\xc0\x00", b"\x00\x90\x3c\x40", b"\x00", b"\x00\x00", None]
)
def test_ten_megabytes_of_junk_are_refused_in_bounded_time(pattern, wrapped):
    junk = (
        random.Random(0).randbytes(10_000_000)
        if pattern is None
        else pattern * (10_000_000 // len(pattern))
    )
    data = midi_file(junk) if wrapped else junk
    start = time.process_time()
    with pytest.raises(BadDataError):
        read_midi(data, "junk")
    assert time.process_time() - start < 20


def test_a_comment_becomes_a_text_event_and_nothing_else_changes():
    track = read(b"\x00\x99\x24\x64\x0a\x99\x24\x00" + END)
    again = read_midi(write_midi(track, "made by drumkit"), "a.mid")
    message = again.parts[0].events[0].message
    assert (message.type, message.text) == ("text", "made by drumkit")
    assert [note.onset_ticks for note in again.notes] == [0]
    assert again.parts[0].events[1:] == track.parts[0].events


def test_other_notes_leave_the_rest_alone_and_get_their_seconds():
    track = read(
        b"\x00\xff\x51\x03\x0f\x42\x40\x00\x99\x24\x64\x0a\x99\x24\x00\x00\xb9\x07\x20" + END
    )
    later = track.with_notes([moved(track.notes[0], 480, 240)])
    assert (later.notes[0].onset_seconds, later.notes[0].duration_seconds) == (1.0, 0.5)
    assert later.parts == track.parts
    assert as_saved(later).notes[0].onset_ticks == 480


def test_a_new_track_takes_notes_and_survives_its_writing():
    track = empty_track(93.0, meter=(3, 4), name="drumkit", end_ticks=1440)
    track = track.with_notes([track.note(480, 60, 38, 90), track.note(0, 0, 36, 127)])
    again = as_saved(track)
    assert again.tempo_bpm == pytest.approx(93.0, abs=1e-3)
    assert again.meters[0][1:] == (3, 4)
    assert again.end_ticks == 1440
    assert [(n.pitch, n.onset_ticks, n.duration_ticks) for n in again.notes] == [
        (36, 0, 0),
        (38, 480, 60),
    ]
    assert again.parts[0].name == "drumkit"


@pytest.mark.parametrize(
    "wrong", [{"pitch": 128}, {"velocity": 0}, {"channel": 16}, {"onset_ticks": -1}]
)
def test_a_note_out_of_range_is_not_written(wrong):
    track = empty_track()
    note = replace(track.note(0, 1, 36, 100), **wrong)
    with pytest.raises(ValueError, match=r"range|cannot be written"):
        write_midi(replace(track, notes=(note,)))


@pytest.mark.parametrize("tempo", [{"tempo_bpm": 1.0}, {"meter": (4, 3)}])
def test_a_tempo_or_meter_that_midi_cannot_tell_is_not_written(tempo):
    with pytest.raises(ValueError, match="cannot be written"):
        empty_track(**tempo)


@given(
    st.lists(st.tuples(st.integers(1, 10_000), st.integers(20_000, 2_000_000)), max_size=8),
    st.integers(24, 960),
    st.lists(st.integers(0, 100_000), min_size=2, max_size=10),
)
def test_seconds_grow_with_ticks_and_lead_back_to_them(steps, division, ticks):
    tempi, at = [], 0
    for step, microseconds in steps:
        tempi.append(Tempo(at, microseconds))
        at += step
    clock = Clock(division, tempi)
    ticks.sort()
    seconds = [clock.seconds(tick) for tick in ticks]
    assert seconds == sorted(seconds)
    assert [clock.ticks(second) for second in seconds] == ticks
