import numpy as np
import pytest
from scipy import signal

from drumkit_cli.kick.curves import (
    LAG_SECONDS,
    beat_curve,
    frame_count,
    note_curve,
    pick_hits,
    retimed,
    smoothed,
    standardised,
)
from drumkit_cli.spectral.onset_strength import FRAME_RATE


def peaks(frames, heights, length=400):
    curve = np.full(length, -0.2, np.float32)
    curve[list(frames)] = heights
    return curve


def test_a_standardised_curve_has_mean_0_and_variance_1():
    curve = standardised(np.random.default_rng(0).uniform(0, 9, 1000).astype(np.float32))
    assert curve.mean() == pytest.approx(0, abs=1e-5)
    assert curve.std() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("level", [0.0, 3.0])
def test_a_constant_curve_is_standardised_to_zeros(level):
    assert not standardised(np.full(10, level, np.float32)).any()
    assert not len(standardised(np.zeros(0, np.float32)))


def test_the_low_pass_is_a_butterworth_forwards_and_backwards():
    curve = np.random.default_rng(0).normal(0, 1, 500)
    filtered = signal.filtfilt(*signal.butter(2, 0.5), curve)
    np.testing.assert_allclose(smoothed(curve)[50:-50], filtered[50:-50], atol=1e-6)


def test_hits_are_the_peaks_above_the_threshold():
    curve = peaks([50, 100, 150, 200], [8.0, 4.0, 1.0, 8.0])
    times, levels = pick_hits(curve, 0.25)
    np.testing.assert_allclose(
        times, np.array([50, 100, 200]) / FRAME_RATE - LAG_SECONDS, atol=1e-3
    )
    assert levels[0] == pytest.approx(1.0)
    assert levels[1] == pytest.approx(0.7 + 0.3 * 0.25 / 0.75, abs=0.02)
    assert len(pick_hits(curve, 0.05)[0]) > 3


def test_a_peak_between_frames_is_found_there():
    curve = peaks([100, 101], [4.0, 4.0])
    (time,), _ = pick_hits(curve)
    assert time == pytest.approx(100.5 / FRAME_RATE - LAG_SECONDS, abs=1e-3)


@pytest.mark.parametrize("curve", [np.zeros(100), np.full(100, -1.0), np.ones(2), np.zeros(0)])
def test_a_curve_that_is_nowhere_high_has_no_hits(curve):
    times, levels = pick_hits(curve.astype(np.float32))
    assert len(times) == len(levels) == 0


def test_notes_are_heard_from_their_onset_on_as_loud_as_they_are():
    curve = note_curve(np.array([100, 200]) / FRAME_RATE, np.array([1.0, 0.5]), 400)
    assert curve.argmax() == 101
    assert curve[201] == pytest.approx(0.5)
    assert not curve[:100].any()
    assert not curve[150:200].any()


def test_the_hits_of_a_curve_of_notes_are_the_notes():
    onsets = np.arange(1, 20) * 0.25
    times, _ = pick_hits(standardised(note_curve(onsets, np.ones(19), frame_count(5.5))))
    np.testing.assert_allclose(times, onsets, atol=0.012)


def test_beats_are_triangles_of_height_one():
    curve = beat_curve(np.array([10, 20.5, 90]) / FRAME_RATE, 50)
    np.testing.assert_allclose(curve[8:13], [0, 0.5, 1, 0.5, 0], atol=1e-6)
    np.testing.assert_allclose(curve[19:23], [0.25, 0.75, 0.75, 0.25], atol=1e-6)
    assert curve.sum() == pytest.approx(4)


def test_at_twice_the_tempo_a_peak_comes_in_half_the_time():
    curve = retimed(peaks([100, 101, 102], [5.0] * 3)[None], 2.0)
    assert curve.shape == (1, 200)
    assert 50 <= curve[0].argmax() <= 51
