"""The band above 11 kHz: its level, its time, and the fit that predicts it."""

import numpy as np
import pytest

from drumkit_cli.sounds import high_band
from drumkit_cli.sounds.classes import CLASSES
from drumkit_cli.sounds.codes import class_weights
from drumkit_cli.sounds.high_band import FULL_RATE, extended, high_levels, low_levels, predicted
from drumkit_cli.sounds.mel_image import MEL
from drumkit_cli.synth.metrics import high_band_distance
from drumkit_cli.synth.training.high_band_fit import fit

HAT = class_weights(CLASSES.index("closed-hat"))


def burst(start=0, seed=0):
    """Noise that begins at a sample and dies away, a quarter of a second at `MEL.rate`."""
    samples = np.zeros(MEL.rate // 4, np.float32)
    count = len(samples) - start
    noise = np.random.default_rng(seed).uniform(-1, 1, count)
    samples[start:] = noise * np.exp(-np.arange(count) / 900)
    return samples


def above(samples):
    """Samples at `FULL_RATE` without what is below 11 kHz."""
    spectrum = np.fft.rfft(samples)
    spectrum[np.fft.rfftfreq(len(samples), 1 / FULL_RATE) < MEL.rate / 2 + 300] = 0
    return np.fft.irfft(spectrum, len(samples))


def test_what_is_below_stays_and_noise_comes_above():
    samples = burst()
    made = extended(samples, HAT, 0)
    assert len(made) == 2 * len(samples)
    low, made_low = (np.abs(np.fft.rfft(x))[: len(samples) // 2 - 400] for x in (samples, made / 2))
    np.testing.assert_allclose(made_low, low, atol=0.05 * low.max())
    assert np.square(above(made)).sum() > 0.01 * np.square(made).sum()
    assert np.array_equal(made, extended(samples, HAT, 0))
    assert not np.array_equal(made, extended(samples, HAT, 1))


def test_the_band_above_starts_with_the_sound():
    made = np.abs(above(extended(burst(start=2000), HAT, 0)))
    first = int(np.flatnonzero(made > 0.2 * made.max())[0])
    assert first == pytest.approx(4000, abs=high_band.WINDOW)


def test_the_noise_has_the_levels_that_were_predicted():
    samples = burst()
    wanted = predicted(low_levels(samples), HAT)[2:20]
    found = high_levels(extended(samples, HAT, 0))[2:20]
    assert np.abs((found - wanted).mean()) < 3  # the mean of a level is below the level of a mean


def test_silence_stays_silent():
    assert not extended(np.zeros(5000, np.float32), HAT, 0).any()
    assert extended(np.zeros(0, np.float32), HAT, 0).shape == (0,)


def test_the_fit_finds_what_made_the_sounds(monkeypatch):
    table = np.zeros((5 + len(CLASSES), 8), np.float32)
    table[4], table[5:] = 0.8, -10
    monkeypatch.setattr(high_band, "_table", lambda: (table[:5], table[5:]))
    sounds = [(extended(burst(seed=n), HAT, n), "closed-hat", 1.0) for n in range(6)]
    found = fit(sounds)
    below = low_levels(burst(seed=9))[1:20]
    was, now = (below @ part[:5] + HAT @ part[5:] for part in (table, found))
    assert np.abs(was - now).mean() < 3.5


def test_the_distance_above_is_that_of_levels_there():
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, FULL_RATE).astype(np.float32)
    assert high_band_distance(samples, samples) == 0
    assert high_band_distance(samples, samples / 10) == pytest.approx(20, abs=0.01)
    assert np.isnan(high_band_distance(np.zeros(100, np.float32), samples))
