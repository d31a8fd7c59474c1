import numpy as np
import pytest
import torch
from demucs.spec import ispectro, spectro

from drumkit_cli.spectral.stft import istft, stft

FFT = 256


def noise(length):
    return np.random.default_rng(0).normal(0, 0.1, length).astype(np.float32)


@pytest.mark.parametrize("length", [200, 4096, 5001])
def test_the_transform_is_that_of_demucs(length):
    samples = noise(length)
    expected = spectro(torch.from_numpy(samples), FFT).numpy().T * FFT**0.5
    np.testing.assert_allclose(stft(samples, FFT, "reflect"), expected, atol=1e-5)


@pytest.mark.parametrize("length", [200, 4096, 5001])
def test_the_inverse_is_that_of_demucs_for_any_spectrum(length):
    spectrum = stft(noise(length), FFT, "reflect") * noise(FFT // 2 + 1)
    scaled = torch.from_numpy(np.ascontiguousarray(spectrum.T)) / FFT**0.5
    expected = ispectro(scaled, length=length).numpy()
    np.testing.assert_allclose(istft(spectrum, length), expected, atol=1e-6)


@pytest.mark.parametrize("length", [0, 1, 63, 64, 65, 5001])
def test_the_inverse_gives_back_samples_of_any_length(length):
    samples = noise(length)
    made = istft(stft(samples, FFT, "constant"), length)
    assert made.dtype == np.float32
    np.testing.assert_allclose(made, samples, atol=1e-6)
