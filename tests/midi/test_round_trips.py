"""Property tests: what is read and written is the same."""

import io
import os
from pathlib import Path

import mido
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drumkit_cli.errors import BadDataError
from drumkit_cli.midi.files import read_midi, write_midi
from tests.midi.smf import END, as_saved, midi_file, read, same

septet = st.integers(0, 127)
channel_message = st.one_of(
    st.builds(
        lambda kind, channel, a, b: bytes([kind | channel, a, b]),
        st.sampled_from([0x80, 0x90, 0xA0, 0xB0, 0xE0]),
        st.integers(0, 15),
        st.integers(58, 62),
        septet,
    ),
    st.builds(
        lambda kind, channel, a: bytes([kind | channel, a]),
        st.sampled_from([0xC0, 0xD0]),
        st.integers(0, 15),
        septet,
    ),
)
text_meta = st.builds(
    lambda kind, text: bytes([0xFF, kind, len(text)]) + text,
    st.integers(1, 7),
    st.binary(max_size=20),
)
tempo_meta = st.integers(1, 0xFFFFFF).map(lambda t: b"\xff\x51\x03" + t.to_bytes(3, "big"))
sysex = st.lists(septet, max_size=10).map(lambda b: bytes([0xF0, len(b) + 1, *b, 0xF7]))
delta = st.integers(0, 127).map(lambda d: bytes([d]))
track_body = st.lists(
    st.tuples(delta, st.one_of(channel_message, text_meta, tempo_meta, sysex)), max_size=40
).map(lambda events: b"".join(d + e for d, e in events) + END)


@given(st.lists(track_body, min_size=1, max_size=3), st.integers(1, 960), st.sampled_from([1, 2]))
def test_reading_and_writing_loses_nothing(bodies, division, kind):
    track = read(*bodies, kind=kind, division=division)
    data = write_midi(track)
    again = read_midi(data, "again.mid")
    assert same(again, track)
    assert write_midi(again) == data
    hanging = data != midi_file(*bodies, kind=kind, division=division)
    assert not hanging or any(note.off_order >= 1 << 40 for note in track.notes)
    onsets = [note.onset_seconds for note in track.notes]
    assert onsets == sorted(onsets)
    assert all(note.duration_seconds >= 0 and 0 < note.velocity < 128 for note in track.notes)


@given(st.lists(track_body, min_size=1, max_size=3), st.integers(1, 960))
def test_mido_reads_in_our_bytes_what_we_wrote(bodies, division):
    track = read(*bodies, kind=1, division=division)
    theirs = mido.MidiFile(file=io.BytesIO(write_midi(track)))
    assert theirs.ticks_per_beat == division
    onsets = []
    for part in theirs.tracks:
        tick = 0
        for message in part:
            tick += message.time
            if message.type == "note_on" and message.velocity:
                onsets.append((tick, message.channel, message.note, message.velocity))
    ours = [(n.onset_ticks, n.channel, n.pitch, n.velocity) for n in track.notes]
    assert sorted(onsets) == sorted(ours)
    if theirs.tracks and track.notes:
        assert theirs.length == pytest.approx(track.seconds)


@settings(max_examples=200)
@given(st.binary(max_size=200), st.booleans())
def test_whatever_the_bytes_the_reader_gives_a_track_or_says_what_is_wrong(body, wrapped):
    data = midi_file(body) if wrapped else b"MThd" + body
    try:
        track = read_midi(data, "a.mid")
    except BadDataError:
        return
    assert same(as_saved(track), track)


def test_every_file_of_the_data_survives_a_round_trip():
    folder = os.environ.get("DRUMKIT_DATA")
    if not folder:
        pytest.skip("DRUMKIT_DATA names no data folder")
    files = sorted(Path(folder, "bands-midi").rglob("*.mid"))[::20]
    assert files
    for file in files:
        track = read_midi(file.read_bytes(), file.name)
        assert same(as_saved(track), track), file
