import numpy as np
import pytest

from drumkit_cli.spectral.onset_strength import BLOCK, HOP, RATE, onset_strength


def noise(samples):
    return np.random.default_rng(0).normal(0, 0.1, samples).astype(np.float32)


@pytest.mark.parametrize(("samples", "frames"), [(0, 0), (1, 1), (512, 2), (44_100, 87)])
def test_there_is_a_frame_every_hop(samples, frames):
    assert onset_strength([noise(samples)]).shape == (frames,)


def test_blocks_do_not_matter():
    sound = noise(700_000)
    whole = onset_strength([sound])
    parts = onset_strength(np.split(sound, [1, 5000, 5001, 640_000]))
    np.testing.assert_allclose(parts, whole, rtol=1e-4)


def test_a_click_is_strongest_in_the_frames_that_it_is_centred_in():
    sound = np.zeros(RATE, np.float32)
    sound[40 * HOP] = 1
    strength = onset_strength([sound])
    assert strength.argmax() == 40
    # The window is 1 at its centre, where each of the bins of a click has magnitude 1.
    assert strength[40] == pytest.approx(BLOCK // 2 + 1, rel=1e-4)
    assert not strength[:39].any()


def test_a_steady_sine_is_predicted_and_its_start_is_not():
    time = np.arange(RATE) / RATE
    hertz = 20 * RATE / BLOCK
    strength = onset_strength([np.sin(2 * np.pi * hertz * time).astype(np.float32)])
    assert strength[4:-4].max() < 0.01 * strength[:3].max()


def test_silence_has_no_onset_strength():
    assert not onset_strength([np.zeros(RATE, np.float32)]).any()
