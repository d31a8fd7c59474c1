import numpy as np
import pytest

from drumkit_cli.grading.features import (
    DECIBELS,
    PARTS,
    WINDOW_FRAMES,
    WINDOW_SAMPLES,
    Window,
    correlations,
    parts_of,
)
from drumkit_cli.spectral.onsets import MEL
from tests.score.tiny import scene

SILENCE = Window(np.zeros(WINDOW_SAMPLES, np.float32))


def named(*windows):
    return dict(zip(PARTS, parts_of(*windows), strict=True))


def images(seed=0):
    chance = np.random.default_rng(seed)
    return chance.uniform(-1, 1, (MEL.mels, WINDOW_FRAMES)).astype(np.float32)


def test_a_window_has_so_many_frames():
    assert SILENCE.image.shape == (MEL.mels, WINDOW_FRAMES)
    assert SILENCE.strength.shape == (WINDOW_FRAMES,)
    assert not SILENCE.sounds


def test_correlations_are_those_of_pearson():
    one, other = images(0), images(1)
    wanted = [np.corrcoef(a, b)[0, 1] for a, b in zip(one, other, strict=True)]
    np.testing.assert_allclose(correlations(one, other), wanted, atol=0.01)
    np.testing.assert_allclose(correlations(one, one), 1, atol=1e-6)
    np.testing.assert_allclose(correlations(one, -one), -1, atol=0.02)


def test_bins_that_do_not_vary_correlate_with_each_other_and_with_nothing_else():
    flat = np.full_like(images(), -1)
    np.testing.assert_allclose(correlations(flat, flat), 1)
    assert np.abs(correlations(flat, images())).max() < 0.1


def test_drums_beside_themselves_agree_in_every_part():
    drums = Window(scene().drums)
    parts = named(drums, drums, Window(scene().bass))
    assert parts["onset_agreement"] == 1
    assert parts["beat_agreement"] == pytest.approx(1, abs=1e-5)
    assert parts["spectral_distance_db"] == 0
    assert parts["contamination"] < 0.05
    assert parts["onsets_per_second"] == pytest.approx(4, abs=0.5)
    assert parts["regularity"] > 0.8


def test_later_drums_agree_in_the_beat_and_not_in_the_onsets():
    drums = scene().drums
    later = Window(np.roll(drums, int(0.12 * MEL.rate)))
    parts = named(later, Window(drums), None)
    assert parts["onset_agreement"] < 0.2
    assert parts["beat_agreement"] > 0.8


def test_the_bass_itself_is_all_contamination():
    bass = Window(scene().bass)
    parts = named(bass, Window(scene().drums), bass)
    assert parts["contamination"] == pytest.approx(1, abs=0.02)
    assert parts["bass_following"] == 1


def test_silence_has_no_activity_and_agrees_with_silence():
    parts = named(SILENCE, SILENCE, SILENCE)
    assert parts["activity"] == parts["noise_floor_db"] == parts["regularity"] == 0
    assert parts["onset_agreement"] == 1
    assert parts["contamination"] == 0


def test_a_louder_spectrum_is_so_many_decibels_away():
    quiet, loud = Window(np.zeros(0)), Window(np.zeros(0))
    image = np.random.default_rng(0).uniform(-0.5, 0, (MEL.mels, WINDOW_FRAMES)).astype(np.float32)
    quiet.image, loud.image = image, image + np.float32(2 * 6 / DECIBELS)
    assert named(loud, quiet, None)["spectral_distance_db"] == pytest.approx(6, rel=1e-4)


def test_what_needs_a_sound_that_is_not_given_is_no_number():
    parts = named(Window(scene().drums), None, None)
    missing = {name for name, value in parts.items() if np.isnan(value)}
    assert missing == {
        "onset_agreement", "beat_agreement", "spectral_distance_db", "contamination",
        "bass_following",
    }  # fmt: skip
