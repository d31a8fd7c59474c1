"""Notes on sixteenths and back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drumkit_cli.arguments import STEPS_MAX
from drumkit_cli.errors import BadDataError
from drumkit_cli.midi.drum_maps import SIX_VOICES, VOICE_NAMES, VOICE_PITCHES
from drumkit_cli.midi.files import read_midi, write_midi
from drumkit_cli.midi.track import empty_track
from drumkit_cli.patterns.grid import name_unknown, read_grid
from tests.contract import midi_files
from tests.contract.midi_files import END, file, meter, meter_map, track
from tests.patterns.written import grid_notes

STEP = midi_files.DIVISION // 4


def grid_of(data):
    return read_grid(read_midi(data, "a.mid"), "a.mid", SIX_VOICES, 6)


def test_a_note_goes_to_its_nearest_sixteenth_with_how_late_it_is():
    grid = grid_of(file(track([(0, 36, 127), (STEP + 6, 38, 64), (3 * STEP - 6, 42, 32)])))
    assert grid.velocities.shape == (6, 16)
    assert {(v, t) for v, t in zip(*np.nonzero(grid.velocities), strict=True)} == {
        (0, 0),
        (1, 1),
        (2, 3),
    }
    assert grid.velocities[0, 0] == 1
    assert grid.velocities[1, 1] == pytest.approx(64 / 127)
    assert grid.offsets[1, 1] == pytest.approx(0.25)
    assert grid.offsets[2, 3] == pytest.approx(-0.25)


def test_of_two_notes_on_a_sixteenth_the_louder_one_stands():
    grid = grid_of(file(track([(0, 38, 50), (2, 39, 90), (4, 40, 70)])))
    assert grid.velocities[1, 0] == pytest.approx(90 / 127)
    assert grid.offsets[1, 0] == pytest.approx(2 / STEP)


@pytest.mark.parametrize(
    ("voice", "pitches"),
    [
        ("bass drum", (35, 36)),
        ("snare", (38, 39, 40)),
        ("closed hat", (42, 44, 22, 51, 53, 59)),
        ("open hat", (46, 26, 49, 57, 52, 55)),
        ("rimshot", (37,)),
        ("cowbell", (56,)),
    ],
)
def test_each_voice_has_its_drums(voice, pitches):
    assert {SIX_VOICES[pitch] for pitch in pitches} == {VOICE_NAMES.index(voice)}
    assert VOICE_PITCHES[VOICE_NAMES.index(voice)] in pitches


def test_every_voice_is_written_as_a_drum_that_it_is_read_from():
    assert [SIX_VOICES[pitch] for pitch in VOICE_PITCHES] == list(range(6))


def test_drums_of_no_voice_are_counted_and_named():
    grid = grid_of(file(track([(0, 36, 90), (24, 45, 90), (48, 45, 80), (72, 17, 80)])))
    assert grid.unknown == {45: 2, 17: 1}
    assert name_unknown(grid.unknown) == "Drum 17 (1 note), Low Tom (2 notes)"


def test_the_grid_has_whole_measures_as_many_as_notes_or_file_need():
    assert grid_of(file(track([(16 * STEP, 36, 90)]))).steps == 32
    assert grid_of(file(track([(15 * STEP + 13, 36, 90)]))).steps == 32  # nearer to the next
    assert grid_of(file(track([(15 * STEP + 11, 36, 90)]))).steps == 16
    assert grid_of(file(track([(0, 36, 90)], end=48 * STEP))).steps == 48


def test_a_file_that_ends_a_little_late_has_no_measure_more():
    assert grid_of(file(track(end=16 * STEP + 3))).steps == 16


@pytest.mark.parametrize("name", ["format 0", "format 1", "running status", "no tempo"])
@pytest.mark.parametrize("other", ["a tempo map", "SMPTE time", "29.97 frames", "2/4", "8/8"])
def test_the_dress_of_a_file_does_not_change_its_grid(name, other):
    first, second = grid_of(midi_files.SOUND[name]), grid_of(midi_files.SOUND[other])
    if other == "SMPTE time":  # at 120 bpm a sixteenth is 125 ms: 125 of its ticks
        assert second.steps == 16
        assert np.count_nonzero(second.velocities) == len(midi_files.PATTERN)
    elif other != "29.97 frames":
        np.testing.assert_array_equal(first.velocities, second.velocities)
        np.testing.assert_array_equal(first.offsets, second.offsets)


def test_in_smpte_time_sixteenths_are_those_of_the_tempo():
    notes = [(0, 36, 100), (125, 38, 90), (500, 42, 80)]  # milliseconds
    plain = grid_of(file(track(notes), division=midi_files.smpte(25, 40)))
    assert set(zip(*np.nonzero(plain.velocities), strict=True)) == {(0, 0), (1, 1), (2, 4)}
    slow = grid_of(file(track(notes, head=midi_files.tempo(60)), division=midi_files.smpte(25, 40)))
    assert set(zip(*np.nonzero(slow.velocities), strict=True)) == {(0, 0), (1, 1), (2, 2)}


@pytest.mark.parametrize("name", midi_files.OTHER_METERS)
def test_a_file_without_a_measure_of_sixteen_sixteenths_is_refused_by_its_meter(name):
    with pytest.raises(BadDataError, match=f"a.mid is in {name}.*4/4 or 2/4"):
        grid_of(midi_files.OTHER_METERS[name])


def test_a_meter_after_the_last_note_does_not_matter():
    late = track(tail=midi_files.delta(96) + meter(3, 4)[1:])
    assert grid_of(file(late)).steps == 16


def song(*meters):
    """A kick on each bar line and a hat on the next sixteenth: (numerator, denominator, bars)."""
    changes, notes, tick = [], [], 0
    for numerator, denominator, bars in meters:
        changes.append((tick, numerator, denominator))
        for _ in range(bars):
            notes += [(tick, 36, 100), (tick + STEP, 42, 90)]
            tick += 16 * STEP * numerator // denominator
    return file(meter_map(*changes), track(notes, end=tick), kind=1)


def test_measures_begin_at_bar_lines_and_what_is_shorter_or_longer_is_left_out():
    grid = grid_of(song((1, 4, 1), (4, 4, 3), (5, 4, 1), (4, 4, 2)))
    assert grid.steps == 5 * 16
    np.testing.assert_array_equal(np.flatnonzero(grid.velocities[0]), np.arange(0, 80, 16))
    np.testing.assert_array_equal(np.flatnonzero(grid.velocities[2]), np.arange(1, 80, 16))
    assert grid.remarks == ("4 notes left alone: measure 1 (1/4), measure 5 (5/4)",)


def test_an_odd_measure_that_rests_needs_no_remark():
    grid = grid_of(file(meter_map((0, 1, 4), (96, 4, 4)), track([(96, 36, 90)]), kind=1))
    assert grid.velocities[0, 0] > 0
    assert grid.remarks == ()


def test_a_meter_that_is_named_again_within_a_measure_ends_a_pickup():
    notes = track([(0, 38, 90), (96, 36, 90)], end=480)
    grid = grid_of(file(meter_map((0, 4, 4), (96, 4, 4)), notes, kind=1))
    assert grid.steps == 16
    assert grid.velocities[0, 0] > 0
    assert not grid.velocities[1].any()


def test_a_note_just_before_a_bar_line_is_the_next_measures():
    """Also where an odd measure begins, and where one ends."""
    notes = track([(0, 36, 90), (384 - 6, 36, 80), (864 - 6, 36, 70)], end=1248)
    grid = grid_of(file(meter_map((0, 4, 4), (384, 5, 4), (864, 4, 4)), notes, kind=1))
    np.testing.assert_array_equal(np.flatnonzero(grid.velocities[0]), [0, 16])
    assert grid.offsets[0, 16] == pytest.approx(-6 / STEP)
    assert grid.remarks == ("1 note left alone: measure 2 (5/4)",)


def test_nothing_and_too_much_are_bad_data():
    with pytest.raises(BadDataError, match="has no notes"):
        grid_of(file(END))
    quarters = STEPS_MAX // 4 + 4
    tempo = b"\x00\xff\x51\x03\x00\x00\x01"  # or it would be more than 24 hours
    far = file(track([(0, 36, 90)], head=tempo, end=quarters), division=1)
    with pytest.raises(BadDataError, match=f"at most {STEPS_MAX:,}"):
        grid_of(far)


cells = st.dictionaries(
    st.tuples(st.integers(0, 5), st.integers(0, 47)),
    st.tuples(st.integers(1, 127), st.floats(-0.4, 0.4)),
    min_size=1,
)


@settings(deadline=None, max_examples=30)
@given(cells, st.sampled_from([96, 480, 960]), st.integers(0, 3))
def test_notes_of_a_grid_make_the_grid_again(cells, division, first_measure):
    velocities, offsets = np.zeros((2, 6, 48), np.float32)
    for (voice, step), (velocity, late) in cells.items():
        velocities[voice, step] = velocity / 127
        offsets[voice, step] = max(late, 0) if step == first_measure == 0 else late
    empty = empty_track(120.0, ticks_per_quarter=division)
    first = 16 * first_measure
    notes = list(grid_notes(empty, velocities, offsets, VOICE_PITCHES, first))
    made = empty.with_notes(notes)
    grid = read_grid(read_midi(write_midi(made), "a"), "a", SIX_VOICES, 6)
    steps = min(grid.steps - first, 48)
    np.testing.assert_array_equal(grid.velocities[:, first : first + steps], velocities[:, :steps])
    assert not velocities[:, steps:].any()
    assert not grid.velocities[:, :first].any()
    np.testing.assert_allclose(
        grid.offsets[:, first : first + steps], offsets[:, :steps], atol=2.1 / division
    )
