import numpy as np
import pytest
import torch

from drumkit_cli.sounds import phase_reconstruction
from drumkit_cli.sounds.mel_image import FRAMES, LENGTH, MEL
from drumkit_cli.spectral.melscale import filter_bank

BINS = MEL.window // 2 + 1


def noise(length):
    return np.random.default_rng(0).normal(0, 0.3, length).astype(np.float32)


@pytest.mark.parametrize("fft", [MEL.window, MEL.fft])
@pytest.mark.parametrize("length", [LENGTH, 21 * MEL.hop])
def test_spectra_are_those_of_pytorch(length, fft):
    samples = noise(length)
    window = torch.zeros(fft)
    window[: MEL.window] = torch.hann_window(MEL.window)
    count = FRAMES if length == LENGTH else 22
    padded = np.pad(samples, (512, fft), "reflect")
    frames = torch.from_numpy(padded).unfold(0, fft, MEL.hop)[:count]
    expected = torch.fft.rfft(torch.where(window > 0, frames, 0.0) * window)
    end = (count - 1) * MEL.hop + 512 - length
    assert 0 < end <= 512
    made = phase_reconstruction.spectra(samples, fft)
    np.testing.assert_allclose(made[:-2], expected[:-2], atol=1e-3)
    assert made.shape == (count, fft // 2 + 1)


@pytest.mark.parametrize(("length", "ringing"), [(LENGTH, LENGTH), (21 * MEL.hop, 19 * MEL.hop)])
def test_synthesis_is_the_inverse_of_analysis(length, ringing):
    samples = noise(length)
    made = phase_reconstruction.synthesise(phase_reconstruction.spectra(samples))
    np.testing.assert_allclose(made[:ringing], samples[:ringing], atol=1e-5)


def test_phases_of_a_steady_tone_advance_by_their_steps():
    magnitude = np.zeros((6, BINS), np.float32)
    magnitude[:, 100] = 1
    in_time = np.full((5, BINS), 0.7, np.float32)
    in_bins = np.zeros((6, BINS - 1), np.float32)
    phasors = phase_reconstruction.sweep(magnitude, in_time, in_bins)
    turns = np.angle(phasors[1:, 100] * phasors[:-1, 100].conj())
    assert turns[0] == pytest.approx(0.7, abs=0.05)  # an impulse has a small share
    np.testing.assert_allclose(np.abs(phasors), 1, atol=1e-5)


def test_groups_of_bands_hold_the_whole_filter_bank():
    bank = np.zeros((MEL.fft // 2 + 1, MEL.mels), np.float32)
    for first, bins, weights in phase_reconstruction._groups():
        bank[bins, first : first + weights.shape[1]] = weights
    assert np.array_equal(bank, filter_bank(MEL))
