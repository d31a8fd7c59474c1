"""Columns and ticks: sixteenths of measures of any length in measures of sixteen columns."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumkit_cli.groove.inputs.meters import model_measures
from drumkit_cli.midi.measures import Stretch
from drumkit_cli.midi.track import Meter
from drumkit_cli.patterns.ruler import Ruler, sixteen_steps

STEP = 24


def ruler_of(*meters, layout=sixteen_steps):
    """A ruler of stretches (numerator, denominator, measures)."""
    stretches, tick, number = [], 0.0, 1
    for numerator, denominator, measures in meters:
        steps = 16 * numerator / denominator
        whole = int(steps) if steps == int(steps) else 0
        meter = Meter(int(tick), numerator, denominator)
        stretches.append(Stretch(tick, STEP * steps, whole, measures, number, meter))
        tick, number = tick + STEP * steps * measures, number + measures
    return Ruler(stretches, STEP, layout)


def columns(ruler):
    """The columns that sixteenths have, one after the other."""
    return np.flatnonzero(~np.isnan(ruler.ticks)).tolist()


def test_in_four_four_columns_are_sixteenths():
    ruler = ruler_of((4, 4, 3))
    assert ruler.columns == 48
    assert ruler.place(17 * STEP + 6) == (17, pytest.approx(0.25))
    np.testing.assert_array_equal(ruler.ticks, STEP * np.arange(48))


def test_measures_of_two_quarters_share_a_measure():
    assert columns(ruler_of((2, 4, 4))) == list(range(32))
    assert ruler_of((2, 4, 3)).columns == 32  # the end is filled up


def test_what_does_not_fill_a_measure_before_a_meter_is_off_the_grid():
    ruler = ruler_of((2, 4, 3), (4, 4, 1))
    assert ruler.columns == 32
    assert ruler.place(16 * STEP) is None
    assert ruler.place(24 * STEP) == (16, 0)


def test_a_pickup_and_an_odd_measure_have_no_columns():
    for layout in (sixteen_steps, model_measures):
        ruler = ruler_of((1, 4, 1), (4, 4, 2), (5, 4, 1), (4, 4, 1), layout=layout)
        assert ruler.columns == 48
        assert ruler.place(0) is None
        assert ruler.place(4 * STEP) == (0, 0)
        assert ruler.place(37 * STEP) is None
        assert ruler.place(56 * STEP) == (32, 0)
        assert ruler.ticks[32] == 56 * STEP


@pytest.mark.parametrize(
    ("meter", "first_measure", "columns_a_measure"),
    [
        ((3, 4), [*range(12)], 16),
        ((6, 8), [*range(6), *range(8, 14)], 16),
        ((12, 8), [*range(6), *range(8, 14), *range(16, 22), *range(24, 30)], 32),
        ((9, 8), [*range(6), *range(8, 14), *range(16, 22)], 32),
        ((5, 4), [*range(12), *range(16, 24)], 32),
        ((7, 4), [*range(16), *range(16, 28)], 32),
        ((7, 8), [*range(14)], 16),
        ((3, 8), [*range(6)], 8),
        ((12, 16), [*range(3), *range(4, 7), *range(8, 11), *range(12, 15)], 16),
        ((4, 4), [*range(16)], 16),
        ((2, 4), [*range(8)], 8),
    ],
)
def test_the_models_measures_begin_where_measures_do_and_beats_align(
    meter, first_measure, columns_a_measure
):
    ruler = ruler_of((*meter, 4), layout=model_measures)
    expected = [
        columns_a_measure * number + column for number in range(4) for column in first_measure
    ]
    assert columns(ruler) == expected


def test_measures_without_whole_sixteenths_are_off_the_grid():
    assert ruler_of((7, 32, 8), layout=model_measures).columns == 0


@given(
    st.lists(
        st.tuples(
            st.sampled_from([1, 2, 3, 4, 5, 6, 7, 9, 12]),
            st.sampled_from([4, 8, 16, 32]),
            st.integers(1, 5),
        ),
        min_size=1,
        max_size=5,
    ),
    st.integers(0, 10_000),
)
def test_a_tick_on_the_grid_comes_back_from_its_column(meters, tick):
    for layout in (sixteen_steps, model_measures):
        ruler = ruler_of(*meters, layout=layout)
        assert ruler.columns % 16 == 0
        last = ruler.spans[-1].stretch
        if tick + STEP / 2 >= last.first_tick + last.measures * last.measure_ticks:
            continue
        place = ruler.place(tick)
        if place is not None:
            column, late = place
            assert -0.5 <= late < 0.5
            assert ruler.ticks[column] + late * STEP == pytest.approx(tick)
        assert (np.diff(ruler.ticks[columns(ruler)]) > 0).all()
