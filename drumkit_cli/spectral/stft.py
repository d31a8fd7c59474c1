"""Short-time Fourier transforms of centred frames, a quarter of a window apart, and their inverse.

They work on blocks of frames that fit in the cache; a spectrum is ``[T, F]``, frames first. The
transforms are those of PyTorch with a Hann window, without normalisation.
"""

from functools import lru_cache
from typing import Final, Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from drumkit_cli.io.arrays import Floats

Spectrum = NDArray[np.complex64]

_BLOCK_FRAMES: Final = 16


def stft(samples: Floats, fft: int, padding: Literal["reflect", "constant"]) -> Spectrum:
    """Transform samples ``[n]`` to a spectrum ``[T, fft / 2 + 1]``, T = 1 + n // (fft / 4).

    Args:
        samples: more than half a window with the padding "reflect".
        fft: samples of a window; a multiple of four.
        padding: what stands before the first sample and behind the last, half a window each.
    """
    from scipy.fft import rfft

    padded = np.pad(samples, fft // 2, mode=padding)
    frames = sliding_window_view(padded, fft)[:: fft // 4]
    spectrum = np.empty((len(frames), fft // 2 + 1), np.complex64)
    for first in range(0, len(frames), _BLOCK_FRAMES):
        block = slice(first, first + _BLOCK_FRAMES)
        spectrum[block] = rfft(frames[block] * _window(fft))
    return spectrum


def istft(spectrum: Spectrum, length: int) -> Floats:
    """Samples ``[length]`` of a spectrum of `stft`; zeros behind its last frame."""
    from scipy.fft import irfft

    frames, fft = len(spectrum), 2 * (spectrum.shape[1] - 1)
    hop = fft // 4
    rows = np.zeros((frames + 3, hop), np.float32)
    weights = np.zeros((frames + 3, hop), np.float32)
    window = _window(fft)
    for first in range(0, frames, _BLOCK_FRAMES):
        parts = irfft(spectrum[first : first + _BLOCK_FRAMES], fft) * window
        for part in range(4):
            row = slice(first + part, first + part + len(parts))
            rows[row] += parts[:, part * hop : (part + 1) * hop]
    for part in range(4):
        weights[part : part + frames] += window[part * hop : (part + 1) * hop] ** 2
    rows /= np.maximum(weights, 1e-11)
    samples = rows.reshape(-1)[fft // 2 :][:length]
    return np.pad(samples, (0, length - len(samples)))


@lru_cache(maxsize=8)
def _window(fft: int) -> Floats:
    hann: Floats = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(fft) / fft)).astype(np.float32)
    return hann
