import numpy as np
import pytest

from drumkit_cli.listening.beats import decode_bars, decode_beats, meter_of, steady_beats
from drumkit_cli.listening.levels import FRAME_RATE
from tests.listening.tiny import pulses


def decoded(seconds, length):
    return decode_beats(pulses(seconds, length), FRAME_RATE) / FRAME_RATE


@pytest.mark.parametrize("bpm", [52, 75, 100, 128, 174, 215])
def test_steady_pulses_are_the_beats(bpm):
    times = np.arange(0.4, 20, 60 / bpm)
    np.testing.assert_allclose(decoded(times, 21), times, atol=0.01)


def test_a_slow_change_of_tempo_is_followed():
    times = 0.3 + np.cumsum(60 / np.linspace(90, 140, 60))
    np.testing.assert_allclose(decoded(times, times[-1] + 1), times, atol=0.01)


def test_missing_pulses_are_filled_in():
    times = np.arange(0.5, 20, 0.5)
    kept = np.delete(times, [7, 16, 17, 30])
    np.testing.assert_allclose(decoded(kept, 21), times, atol=0.03)


def test_weak_pulses_between_beats_do_not_double_the_tempo():
    curve = np.maximum(
        pulses(np.arange(0.5, 20, 0.5), 21), pulses(np.arange(0.75, 20, 0.5), 21, height=0.2)
    )
    beats = decode_beats(curve, FRAME_RATE) / FRAME_RATE
    np.testing.assert_allclose(beats, np.arange(0.5, 20, 0.5), atol=0.01)


@pytest.mark.parametrize("frames", [0, 1, 500])
def test_silence_has_no_beats(frames):
    assert decode_beats(np.zeros(frames, np.float32), FRAME_RATE).tolist() == []


def test_one_pulse_is_one_beat():
    assert decoded([1.0], 3).tolist() == pytest.approx([1.0], abs=0.01)


@pytest.mark.parametrize("meter", [3, 4])
@pytest.mark.parametrize("first", [1, 2, 3])
def test_bars_begin_at_the_likely_downbeats(meter, first):
    numbers = (np.arange(40) + first - 1) % meter + 1
    likely = np.where(numbers == 1, 0.7, 0.1)
    likely[np.flatnonzero(numbers == 1)[3]] = 0.2  # one that is hardly heard
    assert decode_bars(likely).tolist() == numbers.tolist()
    assert meter_of(decode_bars(likely)) == meter


def test_a_meter_that_changes_is_followed():
    numbers = [1, 2, 3, 4] * 8 + [1, 2, 3] * 8
    assert decode_bars(np.where(np.array(numbers) == 1, 0.95, 0.02)).tolist() == numbers


def test_no_beats_have_no_bars():
    assert decode_bars(np.zeros(0)).tolist() == []
    assert meter_of(np.zeros(0, int)) == 4


@pytest.mark.parametrize(
    ("offset", "first"), [(0.0, 0.0), (0.3, 0.3), (0.7, 0.2), (2.1, 0.1)], ids=str
)
def test_steady_beats_begin_a_bar_at_the_offset(offset, first):
    made = steady_beats(120, offset, 5.0)
    beats, downbeats = made[:, 0], made[made[:, 1] == 1, 0]
    assert set(made[:, 1]) == {1, 2, 3, 4}
    assert beats[0] == pytest.approx(first)
    np.testing.assert_allclose(np.diff(beats), 0.5)
    assert np.abs(downbeats - offset).min() == pytest.approx(0, abs=1e-9)
    np.testing.assert_allclose(np.diff(downbeats), 2.0)
    assert beats[-1] <= 5.0 < beats[-1] + 0.5
