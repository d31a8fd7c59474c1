"""Attacks, ends and rates of sounds."""

import numpy as np
import pytest

from drumkit_cli.audio.loudness import start_loudness
from drumkit_cli.sounds.classes import CLASSES
from drumkit_cli.sounds.codes import class_weights
from drumkit_cli.sounds.finishing import (
    ATTACK_SECONDS,
    HEADROOM_DB,
    LOUDNESS_LUFS,
    attack_seconds,
    finished,
    levelled,
    sharpened,
    trimmed,
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


def test_every_class_has_an_attack_and_a_loudness():
    assert set(ATTACK_SECONDS) == set(LOUDNESS_LUFS) == set(CLASSES)


@pytest.mark.parametrize("rate", [11_025, 22_050, 44_100, 48_000])
def test_a_sound_is_finished_at_any_rate_from_its_attack_on(rate):
    samples = np.pad(swell(0.001), (3000, 0))
    made = finished(samples, class_weights(0), rate, 0)
    assert len(made) == pytest.approx((len(samples) - 3000) * rate / RATE, rel=0.02)
    assert np.abs(made[: rate // 1000]).max() > 0.5


@pytest.mark.parametrize("rate", [22_050, 44_100])
def test_sounds_of_a_class_are_equally_loud_whatever_their_peaks(rate):
    snare = class_weights(CLASSES.index("snare"))
    dense = levelled(swell(0.001, rate), snare, rate)
    impulse = swell(0.001, rate)
    impulse[10] *= 3
    wanted = LOUDNESS_LUFS["snare"] - HEADROOM_DB
    for made in (dense, levelled(impulse, snare, rate), levelled(0.01 * impulse, snare, rate)):
        assert start_loudness(made, rate) == pytest.approx(wanted, abs=0.01)


def test_a_sound_of_two_classes_is_as_loud_as_between_them():
    kick, rimshot = (class_weights(CLASSES.index(name)) for name in ("kick", "rimshot"))
    made = levelled(swell(0.001), (kick + rimshot) / 2, RATE)
    wanted = (LOUDNESS_LUFS["kick"] + LOUDNESS_LUFS["rimshot"]) / 2 - HEADROOM_DB
    assert start_loudness(made, RATE) == pytest.approx(wanted, abs=0.01)


def test_a_sound_never_exceeds_full_scale():
    click = np.full(1000, 1e-3, np.float32)
    click[20] = 0.1
    assert np.abs(levelled(click, class_weights(0), RATE)).max() == pytest.approx(1)


def test_a_sound_ends_where_it_is_silent():
    made = trimmed(np.pad(swell(0.001, 44_100), (0, 9000)), 44_100)
    assert len(made) < 44_100 // 4 + 100
    assert abs(made[-1]) < 1e-6
