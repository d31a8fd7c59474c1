"""Attacks, ends and rates of sounds."""

import numpy as np
import pytest

from drumkit_cli.sounds.classes import CLASSES
from drumkit_cli.sounds.codes import class_weights
from drumkit_cli.sounds.finishing import (
    ATTACK_SECONDS,
    attack_seconds,
    finished,
    level_db,
    normalised_sound,
    sharpened,
)
from drumkit_cli.sounds.mel_image import MEL

RATE = MEL.rate


def swell(seconds, rate=RATE):
    """A square wave that rises in a straight line, then decays."""
    count = round(seconds * rate)
    rise = np.arange(count) / count
    envelope = np.concatenate([rise, np.exp(-np.arange(rate // 4) / 2000)])
    return (envelope * np.where(np.arange(len(envelope)) % 8 < 4, 1, -1)).astype(np.float32)


def test_an_attack_lasts_from_a_tenth_to_nine_tenths_of_the_peak():
    assert attack_seconds(swell(0.05), RATE) == pytest.approx(0.04, abs=1e-3)
    assert attack_seconds(np.zeros(10, np.float32), RATE) == 0


def test_a_long_attack_is_shortened_and_all_from_its_peak_on_stays():
    samples = swell(0.02)
    made = sharpened(samples, 0.004)
    assert attack_seconds(made, RATE) == pytest.approx(0.004, abs=2e-3)
    peak = round(0.018 * RATE) + 1
    assert np.array_equal(made[peak:], samples[peak:])
    assert np.all(np.abs(made) <= np.abs(samples))


def test_a_short_attack_stays_as_it_is():
    samples = swell(0.003)
    assert np.array_equal(sharpened(samples, 0.004), samples)


def test_every_class_has_an_attack():
    assert set(ATTACK_SECONDS) == set(CLASSES)


@pytest.mark.parametrize("rate", [11_025, 22_050, 44_100, 48_000])
def test_a_sound_is_finished_at_any_rate_from_its_attack_on(rate):
    samples = np.pad(swell(0.001), (3000, 0))
    made = finished(samples, class_weights(0), rate, 0)
    assert len(made) == pytest.approx((len(samples) - 3000) * rate / RATE, rel=0.02)
    assert np.abs(made[: rate // 1000]).max() > 0.5


def test_the_level_is_of_the_first_tenth_of_a_second():
    assert level_db(np.full(RATE, 0.1, np.float32), RATE) == pytest.approx(-20, abs=0.01)
    assert level_db(np.full(RATE // 20, 0.1, np.float32), RATE) == pytest.approx(-23, abs=0.02)


def test_a_normalised_sound_has_its_peak_and_ends_where_it_is_silent():
    made = normalised_sound(np.pad(swell(0.001, 44_100), (0, 9000)), 0.5, 44_100)
    assert np.abs(made).max() == pytest.approx(0.5)
    assert len(made) < 44_100 // 4 + 100
    assert abs(made[-1]) < 1e-6
