import numpy as np
import pytest

from drumkit_cli.arrange import metrics
from drumkit_cli.spectral.bass_share import power_spectrum
from drumkit_cli.spectral.onsets import MEL, SECONDS_PER_FRAME
from tests.arrange.tiny import RATE

BEATS = np.stack([np.arange(32) * 0.5, np.arange(32) % 4 + 1.0], 1)
NONE = np.zeros((0, 2))


def noise(seconds, seed=0):
    return np.random.default_rng(seed).normal(0, 0.1, round(seconds * RATE)).astype(np.float32)


def strength_of(hits, seconds=16.0):
    """Onset strength with an impulse of some height at each of some times."""
    strength = np.zeros(MEL.frames(round(seconds * MEL.rate)), np.float32)
    for time, height in hits:
        strength[round(time / SECONDS_PER_FRAME)] = height
    return strength


def test_beats_are_divided_evenly():
    np.testing.assert_allclose(
        metrics.divide_beats(np.array([[0, 1], [1, 2], [3, 3]]), 2), [0, 0.5, 1, 2, 3]
    )
    assert not len(metrics.divide_beats(NONE, 4))


def test_sixteenths_agree_with_their_grid_and_every_second_one_by_two_thirds():
    sixteenths = np.arange(0, 15.51, 0.125)
    assert metrics.grid_f_measure(sixteenths, BEATS) == 1
    assert metrics.grid_f_measure(sixteenths[::2], BEATS) == pytest.approx(2 / 3, abs=0.01)
    assert metrics.grid_f_measure(sixteenths + 0.0625, BEATS) == 0
    outside = np.append(sixteenths, [16.1, 17.3])
    assert metrics.grid_f_measure(outside, BEATS) == 1
    assert np.isnan(metrics.grid_f_measure(sixteenths, NONE))


def test_onsets_on_the_grid_are_counted_within_its_range():
    onsets = np.array([0.01, 0.26, 0.6, 0.99, 40.0])
    grid = metrics.divide_beats(BEATS, 2)
    assert metrics.share_on_grid(onsets, grid) == 3 / 4
    assert np.isnan(metrics.share_on_grid(onsets[:0], grid))
    assert np.isnan(metrics.share_on_grid(onsets, np.zeros(0)))


def test_repeated_bars_are_alike_and_alternating_ones_opposite():
    kicks = [(bar * 2 + beat * 0.5, 1.0) for bar in range(8) for beat in (0, 1, 2.5)]
    assert metrics.bar_likeness(strength_of(kicks), BEATS) == pytest.approx(1)
    turns = [(bar * 2 + k * 0.125, 1.0) for bar in range(8) for k in range(bar % 2, 16, 2)]
    assert metrics.bar_likeness(strength_of(turns), BEATS) == pytest.approx(-1)


def test_bars_of_another_tempo_or_a_little_late_are_as_alike():
    slow = BEATS * [1.3, 1]
    late = [(bar * 2.6 + beat * 0.65 + 0.02, 1.0) for bar in range(6) for beat in (0, 1, 2.5)]
    assert metrics.bar_likeness(strength_of(late), slow) == pytest.approx(1)


def test_one_bar_or_none_is_like_no_other():
    assert np.isnan(metrics.bar_likeness(strength_of([]), NONE))
    assert np.isnan(metrics.bar_likeness(strength_of([(0, 1.0)]), BEATS[:5]))
    assert np.isnan(metrics.bar_likeness(strength_of([]), BEATS))


@pytest.mark.parametrize(("hertz", "band"), [(60, 0), (1000, 1), (4000, 2), (9000, 3)])
def test_a_sine_has_its_energy_in_one_band(hertz, band):
    sine = np.sin(2 * np.pi * hertz * np.arange(2 * RATE) / RATE).astype(np.float32)
    shares = metrics.band_shares(power_spectrum(sine))
    assert sum(shares) == pytest.approx(1)
    assert shares[band] > 0.99
    assert np.isnan(metrics.band_shares(power_spectrum(np.zeros(RATE, np.float32)))).all()


def test_seams_show_by_their_flux():
    image = np.cumsum(np.ones((4, 100), np.float32), axis=1)
    seams = np.arange(100) % 20 < 3
    assert metrics.seam_ratio(image, seams) == pytest.approx(1)
    steps = np.where(seams, 3.0, 1.0)
    jumpy = np.broadcast_to(np.cumsum(steps), (4, 100))
    assert metrics.seam_ratio(jumpy, seams) == pytest.approx(3)
    assert np.isnan(metrics.seam_ratio(image, np.zeros(100, bool)))
    assert np.isnan(metrics.seam_ratio(np.ones((4, 100)), seams))


def test_spectral_distance_is_zero_for_the_same_and_the_shift_for_a_louder_sound():
    image = np.random.default_rng(0).uniform(0, 0.5, (256, 400)).astype(np.float32)
    assert metrics.spectral_distance([image], [image]) == pytest.approx(0, abs=1e-3)
    louder = image + 12 / metrics.IMAGE_DECIBELS
    assert metrics.spectral_distance([image], [louder]) == pytest.approx(6, rel=1e-3)
    silent = np.full((256, 10), -1, np.float32)
    assert np.isnan(metrics.spectral_distance([image], [silent]))
