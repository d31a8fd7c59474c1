import numpy as np
import pytest

from drumkit_cli.listening.tempo_map import STEADY_SECONDS, TICKS, tempo_map
from drumkit_cli.midi.track import Meter


def beats(seconds, first=1, meter=4):
    numbers = (np.arange(len(seconds)) + first - 1) % meter + 1
    return np.stack([np.asarray(seconds, float), numbers], 1)


def test_steady_beats_have_one_tempo():
    made = tempo_map(beats(np.arange(0, 30, 0.5)))
    assert [tuple(tempo) for tempo in made.tempi] == [(0, 500_000)]
    assert made.meters == (Meter(0, 4, 4),)


def test_beats_that_are_heard_with_an_error_have_one_tempo():
    seconds = np.arange(0, 60, 0.5) + np.random.default_rng(0).uniform(-0.005, 0.005, 120)
    assert len(tempo_map(beats(np.abs(seconds))).tempi) == 1


def test_every_beat_comes_near_to_its_second_where_the_tempo_moves():
    seconds = np.cumsum(60 / np.linspace(90, 140, 100)) - 60 / 90
    made = tempo_map(beats(seconds))
    assert len(made.tempi) > 5
    heard = [made.clock.seconds(TICKS * number) for number in range(len(seconds))]
    assert np.abs(heard - seconds).max() < STEADY_SECONDS + 0.001


@pytest.mark.parametrize("late", [0.4, 0.5, 1.1, 1.6])
def test_a_late_first_beat_is_preceded_by_whole_beats(late):
    seconds = np.arange(late, 30, 0.5)
    made = tempo_map(beats(seconds))
    lead = round(late / 0.5)
    assert made.clock.seconds(TICKS * lead) == pytest.approx(late, abs=STEADY_SECONDS)
    assert any(meter.tick == (lead % 4) * TICKS and meter.numerator == 4 for meter in made.meters)


def test_an_early_first_beat_is_put_at_the_start():
    made = tempo_map(beats(np.arange(0.2, 30, 0.5)))
    assert made.clock.seconds(TICKS) == pytest.approx(0.7, abs=STEADY_SECONDS)
    assert made.meters == (Meter(0, 4, 4),)


@pytest.mark.parametrize(("first", "pickup"), [(1, 0), (2, 3), (3, 2), (4, 1)])
def test_a_pickup_is_a_short_bar(first, pickup):
    made = tempo_map(beats(np.arange(0, 30, 0.5), first))
    bar = [Meter(0, pickup, 4)] if pickup else []
    assert list(made.meters) == [*bar, Meter(pickup * TICKS, 4, 4)]


def test_bars_of_three_are_kept_and_a_change_is_told_where_it_is():
    assert tempo_map(beats(np.arange(0, 30, 0.5), meter=3)).meters == (Meter(0, 3, 4),)
    numbers = [1, 2, 3, 4] * 4 + [1, 2, 3] * 4
    changing = np.stack([np.arange(len(numbers)) * 0.5, numbers], 1)
    assert tempo_map(changing).meters == (Meter(0, 4, 4), Meter(16 * TICKS, 3, 4))


@pytest.mark.parametrize("count", [0, 1])
def test_no_beats_are_120_bpm_and_four_four(count):
    made = tempo_map(beats(np.arange(count) * 0.5))
    assert (made.tempi[0].microseconds_per_quarter, made.meters) == (500_000, (Meter(0, 4, 4),))
