"""Griffin-Lim: audio from magnitude spectrograms, streamed in chunks without seams.

Source: N. Perraudin, P. Balazs, P. Soendergaard, "A fast Griffin-Lim algorithm" (2013). It runs
scipy's FFT over blocks of frames that fit in the cache, which is faster on a CPU than torch and
gives the same bits for any number of threads. The first frames of a chunk keep the phases of the
chunk before, so that the two agree where they are cross-faded.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import ceil
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.errors import UsageError
from drumkit_cli.io.arrays import Floats
from drumkit_cli.spectral.mel_config import MelConfig
from drumkit_cli.spectral.melscale import padded_window

GRIFFIN_LIM_ITERATIONS: Final = 32

Spectrum = NDArray[np.complex64]

_MOMENTUM: Final = 0.99 / 1.99  # torchaudio's and librosa's 0.99, as the paper's alpha
_CHUNK_FRAMES: Final = 240
_BLOCK_FRAMES: Final = 32
_TINY: Final = 1e-20


def griffin_lim_blocks(
    read_magnitude: Callable[[int, int], Floats],
    frames: int,
    config: MelConfig,
    *,
    length: int | None = None,
    iterations: int = GRIFFIN_LIM_ITERATIONS,
    seed: int = 0,
) -> Iterator[Floats]:
    """Yield audio, block after block, for magnitudes `[bins, frames]` of any length.

    Args:
        read_magnitude: returns the magnitude `[bins, stop - start]` of frames start to stop; some
            frames are read twice.
        frames: number of frames T.
        config: sizes of the analysis.
        length: number of samples, at most `config.samples(frames)`, which it is when None.
        iterations: number of iterations.
        seed: seed of the initial phases.

    Raises:
        UsageError: the hop is above half the window or below a 64th of it.
    """
    if not config.window <= 64 * config.hop <= 32 * config.window:
        raise UsageError(
            f"a hop of {config.hop} with a window of {config.window} cannot be turned into audio",
            "take a hop between a 64th and a half of the window",
        )
    length = config.samples(frames) if length is None else length
    assert 0 <= length <= config.samples(frames)
    return _join(read_magnitude, frames, config, length, iterations, seed)


def _join(
    read_magnitude: Callable[[int, int], Floats],
    frames: int,
    config: MelConfig,
    length: int,
    iterations: int,
    seed: int,
) -> Iterator[Floats]:
    """Cross-fade the chunks and yield samples 0 to `length`."""
    hop, reach = config.hop, ceil(config.window / config.hop)
    overlap = 3 * reach + 4
    step = max(_CHUNK_FRAMES, 2 * overlap)
    # Both chunks know all frames of the samples that fade, which start `reach` frames in.
    fade = np.linspace(0, 1, (overlap - 1) * hop - config.window, dtype=np.float32)
    solver = _Solver(config, iterations)
    kept = np.empty((0, config.bins), dtype=np.complex64)
    tail = np.empty(0, dtype=np.float32)
    done, first = 0, 0
    while done < length:
        is_last = first + step + overlap >= frames
        stop = frames if is_last else first + step + overlap
        magnitude = np.ascontiguousarray(read_magnitude(first, stop).T)
        signal = solver.solve(magnitude, kept, np.random.default_rng((seed, first)))
        origin = first * hop - config.fft // 2  # of the chunk, in the samples of the whole
        seam = (first + step) * hop + config.window // 2
        is_end = is_last or length <= seam
        end = length if is_end else min(length, seam + len(fade))
        samples = signal[done - origin : end - origin]
        samples[: len(tail)] *= fade[: len(tail)]
        samples[: len(tail)] += tail
        give = len(samples) if is_end else seam - done
        yield samples[:give]
        done += give
        tail = samples[give:] * fade[::-1][: len(samples) - give]
        kept = solver.unit_phases(signal, step, stop - first - reach - step)
        first += step


@dataclass(frozen=True)
class _Solver:
    """Griffin-Lim on one chunk of frames `[T, bins]`; signals start half a transform earlier."""

    config: MelConfig
    iterations: int

    def solve(self, magnitude: Floats, kept: Spectrum, rng: np.random.Generator) -> Floats:
        """The signal `[(T - 1) * hop + fft]`; its first frames start from the phases `kept`."""
        pinned = len(kept)
        phases = rng.random(magnitude.shape, dtype=np.float32) * np.float32(2 * np.pi)
        estimate: Spectrum = np.empty(magnitude.shape, dtype=np.complex64)
        np.cos(phases, out=estimate.real)
        np.sin(phases, out=estimate.imag)
        estimate[:pinned] = kept
        estimate *= magnitude
        before = np.zeros_like(estimate)
        gain = self._gain(len(magnitude))
        for _ in range(self.iterations):
            frames = self._framed(self._overlap_add(estimate, gain))
            for block in _blocks(len(magnitude), pinned):
                rebuilt = self._transform(frames[block])
                moved = before[block]
                moved *= -_MOMENTUM
                moved += rebuilt
                size = np.abs(moved)
                np.divide(magnitude[block], np.maximum(size, _TINY, out=size), out=size)
                np.multiply(moved, size, out=estimate[block])
                before[block] = rebuilt
        return self._overlap_add(estimate, gain)

    def unit_phases(self, signal: Floats, first: int, count: int) -> Spectrum:
        """The phases of `count` frames of a signal, as a spectrum of magnitude 1."""
        spectrum = self._transform(self._framed(signal)[first : first + count])
        spectrum /= np.maximum(np.abs(spectrum), _TINY)
        return spectrum

    def _framed(self, signal: Floats) -> Floats:
        return np.lib.stride_tricks.sliding_window_view(signal, self.config.fft)[:: self.config.hop]

    def _transform(self, frames: Floats) -> Spectrum:
        from scipy.fft import rfft

        spectrum: Spectrum = rfft(frames * padded_window(self.config))
        return spectrum

    def _overlap_add(self, spectrum: Spectrum, gain: Floats) -> Floats:
        """The signal of the nearest spectrum (D. Griffin, J. Lim, 1984)."""
        from scipy.fft import irfft

        window = padded_window(self.config)
        rows = np.zeros_like(gain)
        for block in _blocks(len(spectrum)):
            frames: Floats = irfft(spectrum[block], self.config.fft)
            frames *= window
            self._add(frames, rows[block.start :])
        rows *= gain
        return rows.reshape(-1)[: (len(spectrum) - 1) * self.config.hop + self.config.fft]

    def _gain(self, count: int) -> Floats:
        """Inverse of the sum of `count` overlapping squared windows, in rows of a hop."""
        window = padded_window(self.config)
        rows = np.zeros(
            (count + ceil(self.config.fft / self.config.hop) - 1, self.config.hop), np.float32
        )
        self._add(np.broadcast_to(window**2, (count, self.config.fft)), rows)
        gain: Floats = 1 / np.maximum(rows, 0.01 * rows.max())
        return gain

    def _add(self, frames: Floats, rows: Floats) -> None:
        """Overlap-add frames `[t, fft]` into a signal in rows of a hop."""
        hop = self.config.hop
        for row, start in enumerate(range(0, self.config.fft, hop)):
            part = frames[:, start : start + hop]
            rows[row : row + len(frames), : part.shape[1]] += part


def _blocks(count: int, start: int = 0) -> Iterator[slice]:
    for first in range(start, count, _BLOCK_FRAMES):
        yield slice(first, min(first + _BLOCK_FRAMES, count))
