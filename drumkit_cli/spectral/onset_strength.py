"""Onset strength of sounds in the complex domain.

The distance of each frame's spectrum from what the two frames before it predict, whose magnitudes
stay and whose phases move on evenly: J. P. Bello, C. Duxbury, M. Davies and M. Sandler, "On the use
of phase and energy for musical onset detection in the complex domain" (IEEE Signal Processing
Letters, 2004). Rate, block, hop and window are those of `drumkit kick`'s paper.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np

from drumkit_cli.io.arrays import Floats

RATE: Final = 44_100
BLOCK: Final = 1024
HOP: Final = 512
FRAME_RATE: Final = RATE / HOP
"""Frames a second: 86.13."""
_CHUNK: Final = 1024
_TINY: Final = 1e-20


def onset_strength(blocks: Iterable[Floats]) -> Floats:
    """Onset strength `[T]` of mono blocks `[n]` at `RATE`.

    Frame t is centred on sample ``t * HOP``; there are ``1 + N // HOP`` of N samples, and none of
    none. The sound is taken to be silent before its start.
    """
    before = np.zeros((2, BLOCK // 2 + 1), np.complex64)
    found: list[Floats] = [np.zeros(0, np.float32)]
    for frames in _frames(blocks):
        spectra = np.concatenate([before, np.fft.rfft(frames * _WINDOW, axis=1)])
        past, last, now = spectra[:-2], spectra[1:-1], spectra[2:]
        # exp(i (2 phi' - phi'')) |X'|: the square over its magnitude, turned back by the one before
        turn = last * np.conj(past)
        predicted = last * turn / np.maximum(np.abs(turn), _TINY)
        still = np.abs(turn) <= _TINY  # of a silent frame the phase is 0
        predicted[still] = np.abs(last[still])
        found.append(np.abs(now - predicted).sum(1).astype(np.float32))
        before = spectra[-2:]
    return np.concatenate(found)


def _frames(blocks: Iterable[Floats]) -> Iterator[Floats]:
    """Yield frames `[t, BLOCK]`, some at a time."""
    held = np.zeros(BLOCK // 2, np.float32)
    samples = 0
    for block in blocks:
        samples += len(block)
        held = np.concatenate([held, block])
        while len(held) >= BLOCK + (_CHUNK - 1) * HOP:
            yield _cut(held, _CHUNK)
            held = held[_CHUNK * HOP :]
    if samples:
        held = np.concatenate([held, np.zeros(BLOCK // 2, np.float32)])
        count = 1 + (len(held) - BLOCK) // HOP
        if count > 0:
            yield _cut(held, count)


def _cut(samples: Floats, count: int) -> Floats:
    windows = np.lib.stride_tricks.sliding_window_view(samples, BLOCK)
    return windows[: (count - 1) * HOP + 1 : HOP]


_WINDOW: Final = np.hanning(BLOCK + 1)[:-1].astype(np.float32)
