import numpy as np
import pytest

from drumkit_cli.grading.features import WINDOW_SAMPLES
from drumkit_cli.grading.windows import sound_of, windows_of
from drumkit_cli.spectral.onsets import NORMAL_LEVEL_DB, gated_level

W = WINDOW_SAMPLES


def noise(length, seed=0, gain=0.1):
    return np.random.default_rng(seed).normal(0, gain, length).astype(np.float32)


def made(*sounds):
    return list(windows_of(*(sound_of(sound) for sound in sounds)))


@pytest.mark.parametrize(("length", "count"), [(100, 1), (W, 1), (W + 1, 2), (3 * W, 3)])
def test_windows_cover_a_sound_and_are_full(length, count):
    windows = made(noise(length), None, None)
    assert len(windows) == count
    assert all(len(window.samples) == W for window, _, _ in windows)
    assert all(real is None and low is None for _, real, low in windows)


def test_the_last_window_ends_with_the_sound_whatever_the_blocks():
    sound = noise(2 * W + 777)
    blocks = np.split(sound, [10, 5000, W + 3, 2 * W])
    windows = list(windows_of(lambda: blocks, None, None))
    gain = windows[0][0].samples[0] / sound[0]
    np.testing.assert_allclose(windows[-1][0].samples, sound[-W:] * gain, rtol=1e-5)
    np.testing.assert_allclose(windows[1][0].samples, sound[W : 2 * W] * gain, rtol=1e-5)


def test_sounds_are_brought_to_one_level():
    for gain in (0.001, 0.3):
        ((window, _, _),) = made(noise(W, gain=gain), None, None)
        assert gated_level([window.samples]) == pytest.approx(NORMAL_LEVEL_DB, abs=0.01)


def test_a_short_sound_is_repeated():
    ((window, real, _),) = made(noise(1000), noise(1000), None)
    np.testing.assert_array_equal(window.samples[1000:2000], window.samples[:1000])
    np.testing.assert_array_equal(window.samples, real.samples)


def test_a_sound_that_ends_early_is_silent_from_there():
    windows = made(noise(W), noise(3 * W), noise(W))
    assert len(windows) == 3
    assert not windows[2][0].samples.any()
    assert windows[2][1].samples.any()
    assert not windows[2][2].samples.any()


def test_rests_of_both_drums_and_reference_do_not_count():
    rest = np.concatenate([noise(W), np.zeros(W, np.float32), noise(W)])
    assert len(made(rest, rest, None)) == 2
    assert len(made(rest, noise(3 * W), None)) == 3
    assert len(made(rest, None, None)) == 2


@pytest.mark.parametrize("length", [0, 1000, 2 * W])
def test_silence_is_one_window(length):
    silence = np.zeros(length, np.float32)
    assert len(made(silence, None, silence)) == 1
