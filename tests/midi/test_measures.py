"""Bar lines by the map of meters."""

import itertools

import pytest

from drumkit_cli.midi.files import read_midi
from drumkit_cli.midi.measures import read_stretches
from tests.contract.midi_files import file, meter_map, track

QUARTER = 96


def stretches(*changes, last=0, end=0, division=QUARTER):
    """(first tick, sixteenths, measures, first number) of each stretch."""
    body = track([(last, 36, 90)], end=end)
    read = read_midi(file(meter_map(*changes), body, kind=1, division=division), "a.mid")
    found = read_stretches(read, last)
    for one, following in itertools.pairwise(found):
        assert following.first_tick == pytest.approx(
            one.first_tick + one.measures * one.measure_ticks, abs=QUARTER / 32
        )
    return [(s.first_tick, s.steps, s.measures, s.first_measure) for s in found]


def test_a_pickup_is_a_measure_of_its_own():
    assert stretches((0, 1, 4), (96, 4, 4), end=96 + 4 * 384) == [(0, 4, 1, 1), (96, 16, 4, 2)]


def test_an_odd_measure_lies_between_the_others():
    changes = (0, 4, 4), (16 * 384, 5, 4), (16 * 384 + 480, 4, 4)
    assert stretches(*changes, end=16 * 384 + 480 + 384) == [
        (0, 16, 16, 1),
        (6144, 20, 1, 17),
        (6624, 16, 1, 18),
    ]


def test_a_meter_within_a_measure_cuts_it_short():
    assert stretches((0, 4, 4), (2 * 384 + 96, 3, 4), end=2 * 384 + 96 + 288) == [
        (0, 16, 2, 1),
        (768, 4, 1, 3),
        (864, 12, 1, 4),
    ]


@pytest.mark.parametrize("tick", [0, 384, 768])
def test_the_same_meter_at_a_bar_line_changes_nothing(tick):
    assert stretches((0, 4, 4), (tick, 4, 4), end=1536) == [(0, 16, 4, 1)]


@pytest.mark.parametrize("late", [-2, 2])
def test_a_meter_that_misses_the_bar_line_by_a_little_means_it(late):
    assert stretches((0, 4, 4), (384 + late, 3, 4), end=384 + 288) == [
        (0, 16, 1, 1),
        (384 + late, 12, 1, 2),
    ]


def test_a_first_meter_a_little_late_leaves_the_first_bar_line_at_the_start():
    assert stretches((1, 3, 4), end=576) == [(0, 12, 2, 1)]


@pytest.mark.parametrize(
    ("meter", "steps"), [((3, 4), 12), ((6, 8), 12), ((12, 8), 24), ((7, 16), 7), ((7, 32), 0)]
)
def test_measures_have_their_sixteenths_where_these_are_whole(meter, steps):
    ticks = 4 * QUARTER * meter[0] // meter[1]
    assert stretches((0, *meter), end=5 * ticks) == [(0, steps, 5, 1)]


def test_the_last_meter_goes_on_to_the_last_note_or_the_end():
    assert stretches((0, 4, 4), last=384)[0][2] == 2
    assert stretches((0, 4, 4), last=384 - 12)[0][2] == 2  # nearest to the bar line
    assert stretches((0, 4, 4), last=384 - 13)[0][2] == 1
    assert stretches((0, 4, 4), end=3 * 384 + 20)[0][2] == 3


def test_a_meter_after_all_notes_has_no_measures():
    assert stretches((0, 4, 4), (384, 3, 4)) == [(0, 16, 1, 1)]
