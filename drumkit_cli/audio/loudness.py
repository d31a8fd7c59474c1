"""Integrated loudness of a sound that comes in blocks.

Source: ITU-R BS.1770-5, annex 1. A sound is brought to 48 kHz, for which the standard gives its
filter. Every channel has the weight of the left one: of surround sound, whose rear channels weigh
more and whose low-frequency channel is left out, this is not the loudness.
"""

import math
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from drumkit_cli.audio.reader import Resampler, Samples

RATE: Final = 48_000
STEP_SAMPLES: Final = RATE // 10
BLOCK_STEPS: Final = 4
"""Blocks of the gate are 400 ms long and overlap by three quarters."""
BLOCK_SECONDS: Final = BLOCK_STEPS * STEP_SAMPLES / RATE
"""What is shorter has no loudness."""
ABSOLUTE_GATE_LUFS: Final = -70.0
RELATIVE_GATE_LU: Final = -10.0

_OFFSET: Final = -0.691
_SHELF: Final = (
    (1.53512485958697, -2.69169618940638, 1.19839281085285),
    (1.0, -1.69065929318241, 0.73248077421585),
)
_HIGH_PASS: Final = ((1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621))
"""Tables 1 and 2 of the standard: numerator and denominator."""
_TAPS: Final = 9600
"""Samples after which the response of the filter has died away: 200 ms."""
_FFT_SAMPLES: Final = 1 << 16
_CHUNK_SAMPLES: Final = (_FFT_SAMPLES - _TAPS) // STEP_SAMPLES * STEP_SAMPLES

Floats64 = npt.NDArray[np.float64]


class LoudnessMeter:
    """Measures blocks as they come, and keeps 8 bytes for each 100 ms."""

    def __init__(self, rate: int, channels: int) -> None:
        """Prepare for blocks `[C, n]` at `rate`."""
        self._resampler = Resampler(rate, RATE, channels)
        self._past = np.zeros((channels, _TAPS - 1))
        self._waiting: list[Samples] = []
        self._waiting_samples = 0
        self._powers: list[Floats64] = []

    def push(self, block: Samples) -> None:
        """Take float32 `[C, n]`."""
        self._take(self._resampler.push(block))

    def integrated(self) -> float | None:
        """End the sound and return its loudness in LUFS.

        Returns:
            None when it is shorter than a block of 400 ms; -inf when no block is above -70 LUFS.
        """
        channels = len(self._past)
        self._take(self._resampler.push(np.zeros((channels, 0), np.float32), last=True))
        self._measure()
        return gated_loudness(np.concatenate([np.zeros(0), *self._powers]))

    def _take(self, block: Samples) -> None:
        self._waiting.append(block)
        self._waiting_samples += block.shape[1]
        if self._waiting_samples >= _CHUNK_SAMPLES:
            self._measure()

    def _measure(self) -> None:
        """Filter what waits, and keep the power of its steps; the rest of a step waits on."""
        waiting = np.concatenate(self._waiting, axis=1)
        used = waiting.shape[1] - waiting.shape[1] % STEP_SAMPLES
        for start in range(0, used, _CHUNK_SAMPLES):
            self._powers.append(
                self._step_powers(waiting[:, start : min(start + _CHUNK_SAMPLES, used)])
            )
        self._waiting = [waiting[:, used:]]
        self._waiting_samples = waiting.shape[1] - used

    def _step_powers(self, samples: Samples) -> Floats64:
        """Return the power of each step of samples `[C, n]`, filtered, as the sum of channels."""
        padded = np.concatenate([self._past, samples], axis=1)
        self._past = padded[:, 1 - _TAPS :]
        spectrum = np.fft.rfft(padded, _FFT_SAMPLES) * _response()
        filtered = np.fft.irfft(spectrum, _FFT_SAMPLES)[:, _TAPS - 1 : padded.shape[1]]
        steps = filtered.reshape(len(filtered), -1, STEP_SAMPLES)
        powers: Floats64 = np.square(steps).mean(2).sum(0)
        return powers


def gated_loudness(step_powers: Floats64) -> float | None:
    """Return the loudness in LUFS of powers of 100 ms each, by the gates of the standard.

    Returns:
        As `LoudnessMeter.integrated`.
    """
    if len(step_powers) < BLOCK_STEPS:
        return None
    blocks = np.lib.stride_tricks.sliding_window_view(step_powers, BLOCK_STEPS).mean(1)
    blocks = blocks[blocks > _power_of(ABSOLUTE_GATE_LUFS)]
    if not len(blocks):
        return -math.inf
    gate = _power_of(_loudness_of(float(blocks.mean())) + RELATIVE_GATE_LU)
    return _loudness_of(float(blocks[blocks > gate].mean()))


def start_loudness(samples: Samples, rate: int) -> float:
    """Return the loudness in LUFS of the first 100 ms of mono samples `[n]`, without a gate.

    What is shorter is followed by silence. -inf of silence.
    """
    step = STEP_SAMPLES * rate // RATE
    spectrum = np.fft.rfft(samples[:step].astype(np.float64), _fast_size(step))
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    mean = 2 * float(power @ _weights(rate)) / (_fast_size(step) * step)
    return _loudness_of(mean) if mean > 0 else -math.inf


@cache
def _weights(rate: int) -> Floats64:
    """Return the squared magnitude of the filter at the bins of `start_loudness`."""
    size = _fast_size(STEP_SAMPLES * rate // RATE)
    hertz = np.minimum(np.fft.rfftfreq(size, 1 / rate), RATE / 2)
    z = np.exp(-2j * np.pi * hertz / RATE)
    response = np.ones(len(hertz), np.complex128)
    for numerator, denominator in (_SHELF, _HIGH_PASS):
        response *= np.polyval(numerator[::-1], z) / np.polyval(denominator[::-1], z)
    weights: Floats64 = np.square(np.abs(response))
    return weights


def _fast_size(count: int) -> int:
    """Return the power of two from `count` on: what follows is silence."""
    return 1 << (count - 1).bit_length()


def _loudness_of(power: float) -> float:
    return _OFFSET + 10 * math.log10(power)


def _power_of(loudness: float) -> float:
    return float(10 ** ((loudness - _OFFSET) / 10))


@cache
def _response() -> npt.NDArray[np.complex128]:
    """Return the spectrum of the first samples of the filter's impulse response.

    Convolved, they are the recursive filter to 1e-12, without SciPy's, whose import takes longer
    than everything else.
    """
    impulse = [1.0] + [0.0] * (_TAPS - 1)
    for numerator, denominator in (_SHELF, _HIGH_PASS):
        impulse = _filtered(impulse, numerator, denominator)
    spectrum: npt.NDArray[np.complex128] = np.fft.rfft(impulse, _FFT_SAMPLES)
    return spectrum


def _filtered(
    samples: list[float], numerator: tuple[float, ...], denominator: tuple[float, ...]
) -> list[float]:
    """Apply a biquad, transposed direct form II."""
    (b0, b1, b2), (_, a1, a2) = numerator, denominator
    first = second = 0.0
    filtered = []
    for sample in samples:
        value = b0 * sample + first
        first, second = b1 * sample - a1 * value + second, b2 * sample - a2 * value
        filtered.append(value)
    return filtered
