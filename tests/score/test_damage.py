import numpy as np
import pytest

from drumkit_cli.score import damage
from drumkit_cli.spectral.onsets import MEL, gated_level
from tests.score.tiny import RATE, scene

DRUMS, BASS = scene().drums, scene().bass


def chance():
    return np.random.default_rng(0)


def times(samples):
    return damage.hit_starts(samples) / RATE


def test_hits_start_a_little_before_they_sound():
    starts = times(DRUMS)
    assert len(starts) == pytest.approx(23, abs=1)
    off = (starts + 0.02) % 0.25
    assert np.minimum(off, 0.25 - off).max() < 0.04


def test_a_sound_is_added_at_its_level():
    other = damage.noise(len(DRUMS), chance())
    added = damage.add(DRUMS, other, -10.0) - DRUMS
    assert gated_level([added]) == pytest.approx(gated_level([DRUMS]) - 10, abs=0.1)
    np.testing.assert_array_equal(damage.add(DRUMS, np.zeros_like(DRUMS), 0.0), DRUMS)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_dropouts_are_silent_for_their_share(share):
    steady = np.ones(len(DRUMS), np.float32)
    left = damage.drop_out(steady, share, chance())
    assert 1 - left.mean() == pytest.approx(share, abs=0.09)


def test_all_but_a_muted_voice_stays():
    noise = damage.noise(len(DRUMS), chance())
    lost = [1 - np.var(damage.mute_voices(noise, n, chance())) / np.var(noise) for n in range(5)]
    assert lost[0] == pytest.approx(0, abs=1e-6)
    assert (np.diff(lost) > 0).all()
    assert lost[4] > 0.999


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_a_share_of_the_hits_is_missing(share):
    kept = damage.miss_hits(DRUMS, share, chance())
    count = len(times(DRUMS))
    assert len(times(kept)) == pytest.approx((1 - share) * count, abs=2)


def test_drift_moves_hits_by_its_deviation():
    moved = damage.drift(DRUMS, 0.04, chance())
    off = (times(moved) + 0.02) % 0.25
    off = np.minimum(off, 0.25 - off)
    assert 0.015 < np.sqrt(np.mean(off**2)) < 0.07
    np.testing.assert_allclose(times(damage.drift(DRUMS, 0.0, chance())), times(DRUMS), atol=0.03)


def test_another_tempo_has_other_distances_and_fills_the_clip():
    changed = times(damage.change_tempo(DRUMS, 0.2, chance()))
    gap = np.median(np.diff(changed))
    assert min(abs(gap - 0.25 * 1.2), abs(gap - 0.25 / 1.2)) < 0.02
    assert changed[-1] > len(DRUMS) / RATE - 0.4


def test_drums_that_follow_the_bass_have_a_hit_at_each_of_its_notes():
    shifted = np.roll(BASS, int(0.1 * RATE))
    notes = times(shifted)
    hits = times(damage.follow(DRUMS, shifted, 1.0, chance()))
    # the last one is where the clip ends
    assert np.abs(notes[:-1, None] - hits).min(1).max() < 0.03
    assert len(hits) == pytest.approx(len(notes), abs=1)
    silence = np.zeros_like(DRUMS)
    np.testing.assert_array_equal(damage.follow(silence, BASS, 1.0, chance()), silence)


def test_a_blur_keeps_the_length_and_smears_the_hits():
    little, much = (damage.blur(DRUMS, frames, chance()) for frames in (0.3, 8))
    assert len(little) == len(much) == len(DRUMS)
    assert len(times(little)) > 15
    assert len(times(much)) < 5


@pytest.mark.parametrize("length", [0, 1, 1000])
def test_hardly_any_sound_can_be_damaged(length):
    sound = DRUMS[:length]
    for made in (
        damage.miss_hits(sound, 0.5, chance()),
        damage.drift(sound, 0.1, chance()),
        damage.change_tempo(sound, 0.1, chance()),
    ):
        assert len(made) == length
    assert MEL.rate == RATE
