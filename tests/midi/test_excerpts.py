"""Parts of MIDI files: their measures and drums, and what holds there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumkit_cli.errors import BadDataError, UsageError
from drumkit_cli.midi.drum_maps import DRUM_PITCHES
from drumkit_cli.midi.excerpts import select
from drumkit_cli.midi.files import read_midi, write_midi
from drumkit_cli.midi.selection import WHOLE, parse_selection
from drumkit_cli.midi.track import empty_track
from tests.contract import midi_files

QUARTER = midi_files.DIVISION
BAR = 4 * QUARTER


def song(*bodies, meters=((0, 4, 4),)):
    parts = midi_files.meter_map(*meters), *bodies
    return read_midi(midi_files.file(*parts, kind=1), "song.mid")


def part(track, bars=None, voices=None, drum_map=None):
    chosen = select(track, parse_selection(bars, voices), "song.mid", drum_map)
    return read_midi(write_midi(chosen), "again.mid")


def notes(track):
    return [(note.onset_ticks, note.pitch) for note in track.notes]


def counted(bars=6, pickup=0):
    """As many hats in each measure as its number, after a pickup."""
    hits = [
        (pickup + BAR * bar + 24 * hat, 42, 90) for bar in range(bars) for hat in range(bar + 1)
    ]
    return midi_files.track(hits, end=pickup + bars * BAR)


@pytest.mark.parametrize(
    ("bars", "hats"),
    [
        ("1", [1]),
        ("3", [3]),
        ("2-4", [2, 3, 4]),
        ("5-", [5, 6]),
        (" 6 ", [6]),
        ("1,3-4, 6", [1, 3, 4, 6]),
        ("1-2,3,4-", range(1, 7)),
        ("1-6", range(1, 7)),
    ],
)
def test_bars_come_to_the_start(bars, hats):
    found = part(song(counted()), bars)
    assert notes(found) == [
        (BAR * bar + 24 * hat, 42) for bar, count in enumerate(hats) for hat in range(count)
    ]
    assert found.end_ticks == BAR * len(hats)


def test_bars_follow_the_meters_of_the_file():
    meters = ((0, 1, 4), (QUARTER, 4, 4), (QUARTER + 2 * BAR, 3, 4))
    track = song(counted(pickup=QUARTER), meters=meters)
    assert part(track, "1").end_ticks == QUARTER
    assert notes(part(track, "2")) == [(0, 42)]
    third = part(track, "4-5")
    assert third.meters[0][1:] == (3, 4)
    assert third.end_ticks == 2 * 3 * QUARTER
    with pytest.raises(UsageError, match="has no measure 99; it has"):
        part(track, "99")


def test_tempo_programs_and_controllers_hold_where_the_part_begins():
    tempi = midi_files.tempo(60) + midi_files.tempo(90, BAR) + midi_files.tempo(140, BAR)
    bass = (
        b"\x00\xc0\x21\x00\xb0\x07\x50" + midi_files.delta(BAR) + b"\xb0\x07\x40\x00\xc0\x26"
        b"\x00\x90\x24\x64" + midi_files.delta(BAR) + b"\x80\x24\x00" + midi_files.END
    )
    track = song(tempi + midi_files.END, bass, counted(3))
    found = part(track, "2-3")
    assert [(tempo.tick, 60e6 / tempo.microseconds_per_quarter) for tempo in found.tempi] == [
        (0, pytest.approx(90)), (BAR, pytest.approx(140, rel=1e-4)),
    ]  # fmt: skip
    (low,) = (note for note in found.notes if not note.drum)
    assert (low.onset_ticks, low.duration_ticks, low.program) == (0, BAR, 38)
    (level,) = (
        event for part in found.parts for event in part.events
        if event.message.type == "control_change"
    )  # fmt: skip
    assert (level.tick, level.message.value) == (0, 64)
    assert found.notes[-1].onset_seconds == pytest.approx(4 * 60 / 90 + 2 * 24 / QUARTER * 60 / 140)


def test_what_changes_between_two_parts_holds_in_the_second():
    changes = [(BAR, 90), (2 * BAR, 100), (4 * BAR, 140)]
    at, tempi = 0, midi_files.tempo(60)
    for tick, bpm in changes:
        tempi, at = tempi + midi_files.tempo(bpm, tick - at), tick
    track = song(tempi + midi_files.END, counted(6))
    assert [
        (tempo.tick, round(60e6 / tempo.microseconds_per_quarter))
        for tempo in part(track, "1,4-6").tempi
    ] == [(0, 60), (BAR, 100), (2 * BAR, 140)]
    whole, pieces = part(track, "1-6"), part(track, "1-2,3,4-6")
    assert pieces.tempi == whole.tempi
    assert [len(piece.events) for piece in pieces.parts] == [
        len(piece.events) for piece in whole.parts
    ]


def test_an_early_note_is_of_the_bar_that_it_is_meant_for():
    track = song(midi_files.track([(0, 36, 90), (BAR - 8, 38, 90), (2 * BAR - 8, 36, 80)]))
    assert notes(part(track, "2")) == [(0, 38)]
    assert notes(part(track, "1")) == [(0, 36)]
    assert notes(part(track, "1,2")) == [(0, 36), (BAR - 8, 38)]


def test_notes_end_with_the_part():
    track = empty_track(end_ticks=4 * 1920)
    track = track.with_notes([track.note(0, 4 * 1920, 36, 90), track.note(1920, 4000, 38, 90)])
    (snare,) = part(track, "2").notes
    assert (snare.onset_ticks, snare.duration_ticks) == (0, 1920)


def test_other_drums_are_left_out_and_other_instruments_stay():
    bass = b"\x00\x90\x28\x64\x60\x80\x28\x00" + midi_files.END
    hits = [(0, 36, 90), (24, 38, 90), (48, 42, 90), (72, 45, 90), (96, 50, 90)]
    track = song(midi_files.track(hits), bass)
    assert notes(part(track, voices="kick, tom")) == [(0, 36), (0, 40), (72, 45), (96, 50)]
    assert notes(part(track, voices="hat", drum_map={50: 42})) == [(0, 40), (96, 50)]
    with pytest.raises(BadDataError, match="none of the drums"):
        part(track, voices="crash")


@pytest.mark.parametrize("voices", ["", "kick,", "drum", "closed hat", "-hat"])
def test_what_is_no_drum_is_told(voices):
    with pytest.raises(UsageError, match="no drum"):
        parse_selection(None, voices)


def test_every_drum_has_a_name_and_pitches_of_its_own():
    pitches = [pitch for name in DRUM_PITCHES for pitch in DRUM_PITCHES[name]]
    assert len(pitches) == len(set(pitches))
    for name in (*DRUM_PITCHES, "tom", "conga", "bongo", "hat"):
        assert parse_selection(None, name).pitches


@given(
    st.lists(
        st.tuples(st.sampled_from([2, 3, 4, 5, 7]), st.integers(1, 3)), min_size=1, max_size=4
    ),
    st.data(),
)
def test_the_parts_of_a_song_are_the_song(meters, data):
    """Any song, cut at any bar line, has the notes and the length of its two parts."""
    changes, tick = [], 0
    for numerator, bars in meters:
        changes.append((tick, numerator, 4))
        tick += numerator * bars * QUARTER
    onsets = data.draw(st.sets(st.integers(0, tick // 24 - 1), min_size=1, max_size=30))
    hits = [(24 * step, 36 + step % 5, 90) for step in sorted(onsets)]
    track = song(midi_files.track(hits, end=tick), meters=changes)
    bars = sum(count for _, count in meters)
    last = data.draw(st.integers(1, bars))
    first = part(track, f"1-{last}")
    rest = [] if last == bars else notes(part(track, f"{last + 1}-"))
    shifted = [(onset + first.end_ticks, pitch) for onset, pitch in rest]
    assert notes(first) + shifted == notes(track)
    assert select(track, WHOLE, "song.mid") is track
