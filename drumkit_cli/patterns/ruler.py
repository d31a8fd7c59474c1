"""Ruler: which column of a grid a tick of a file is, and which tick a column.

A grid has measures of sixteen columns. Where a file's measures are as long, columns are simply its
sixteenths. A layout decides for other measures: it spreads their sixteenths over columns, with
columns between that are of no time in the file, or leaves them out of the grid.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.midi.measures import Stretch

MEASURE_STEPS: Final = 16

Layout = Callable[[Sequence[Stretch]], Sequence[Sequence[int]]]
"""For each stretch the columns of a measure's sixteenths, rising from 0; empty: not on the grid."""


class Span(NamedTuple):
    """A stretch of measures, from ``first_column`` on ``columns`` columns of a grid, perhaps 0.

    ``places`` are the columns of a measure's sixteenths and ``room`` those of a whole measure.
    """

    stretch: Stretch
    places: tuple[int, ...]
    room: int
    first_column: int
    columns: int


def sixteen_steps(stretches: Sequence[Stretch]) -> list[range]:
    """The layout that takes measures of sixteen sixteenths, or of which several are as long."""
    return [
        range(stretch.steps if stretch.steps and MEASURE_STEPS % stretch.steps == 0 else 0)
        for stretch in stretches
    ]


class Ruler:
    """The measures of a file beside the columns of a grid.

    Attributes:
        ticks_per_step: length of a sixteenth.
        spans: the measures, also those without columns.
    """

    def __init__(
        self, stretches: Sequence[Stretch], ticks_per_step: float, layout: Layout = sixteen_steps
    ) -> None:
        self.ticks_per_step = ticks_per_step
        self.spans = _spans(stretches, layout(stretches))
        self._first_ticks = [span.stretch.first_tick for span in self.spans]

    @property
    def columns(self) -> int:
        """The length of the grid, T: a multiple of 16."""
        return self.spans[-1].first_column + self.spans[-1].columns

    @cached_property
    def ticks(self) -> NDArray[np.float64]:
        """Where each column is in the file, ``[T]``; NaN for columns of no time."""
        ticks = np.full(self.columns, np.nan)
        for stretch, places, room, first_column, columns in self.spans:
            if columns:
                measures = np.arange(stretch.measures)[:, None]
                steps = measures * stretch.steps + np.arange(stretch.steps)
                held = first_column + measures * room + np.array(places)
                ticks[held] = stretch.first_tick + steps * self.ticks_per_step
        return ticks

    def span(self, onset_ticks: float) -> Span:
        """The measures that an onset, taken to the nearest sixteenth, is in."""
        return self._span_at(onset_ticks + self.ticks_per_step / 2)

    def place(self, onset_ticks: float) -> tuple[int, float] | None:
        """The column that an onset is nearest to and how late it is there, -0.5 to below 0.5.

        None in measures that are not on the grid.
        """
        stretch, places, room, first_column, columns = self.span(onset_ticks)
        if not columns:
            return None
        place = (onset_ticks - stretch.first_tick) / self.ticks_per_step
        step = min(int(place + 0.5), stretch.measures * stretch.steps - 1)
        measure, within = divmod(step, stretch.steps)
        return first_column + measure * room + places[within], place - step

    def cell_ticks(self, column: int) -> tuple[int, int]:
        """The first and the last tick that are nearest to a column; none where first > last."""
        tick, half = float(self.ticks[column]), self.ticks_per_step / 2
        return max(math.ceil(tick - half), 0), math.ceil(tick + half) - 1

    def columns_begun(self, tick: float) -> int:
        """How many columns the measures have that begin at a tick or before."""
        return self._columns_until(tick, lambda measures: math.floor(measures) + 1)

    def columns_filled(self, tick: float) -> int:
        """How many columns the measures have that a file of this length fills, rounded."""
        return self._columns_until(tick, round)

    def _span_at(self, tick: float) -> Span:
        return self.spans[max(bisect_right(self._first_ticks, tick) - 1, 0)]

    def _columns_until(self, tick: float, count: Callable[[float], int]) -> int:
        span = self._span_at(tick)
        measures = count((tick - span.stretch.first_tick) / span.stretch.measure_ticks)
        return span.first_column + min(_whole(measures * span.room), span.columns)


def _spans(stretches: Sequence[Stretch], layouts: Sequence[Sequence[int]]) -> list[Span]:
    """Put stretches on a grid one after the other, each on whole measures of it.

    What does not fill one stays out of the grid, but the end of the file, which rests fill up.
    """
    spans: list[Span] = []
    column = 0
    for stretch, places in zip(stretches, layouts, strict=True):
        room = _room(places[-1] + 1) if places else MEASURE_STEPS
        rest = stretch.measures % max(MEASURE_STEPS // room, 1)
        whole = stretch.measures - (0 if stretch is stretches[-1] else rest)
        if whole:
            columns = _whole(whole * room) if places else 0
            held = stretch._replace(measures=whole)
            spans.append(Span(held, tuple(places), room, column, columns))
            column += columns
        if whole < stretch.measures:
            left = stretch._replace(
                first_tick=stretch.first_tick + whole * stretch.measure_ticks,
                measures=rest,
                first_measure=stretch.first_measure + whole,
            )
            spans.append(Span(left, (), room, column, 0))
    return spans


def _room(columns: int) -> int:
    """The columns of a measure that needs so many: 1, 2, 4, 8 or a multiple of 16."""
    if columns > MEASURE_STEPS // 2:
        return _whole(columns)
    return 1 << (columns - 1).bit_length()


def _whole(columns: int) -> int:
    """So many columns or more, as whole measures of the grid."""
    return -(-columns // MEASURE_STEPS) * MEASURE_STEPS
