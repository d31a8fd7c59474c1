"""The band above 11 kHz, which mel spectrograms at 22,050 Hz do not have, from the one below.

Spectral folding: J. Makhoul, M. Berouti, "High-frequency regeneration in speech coding systems"
(ICASSP 1979). The rate is doubled by a filter that lets a part of the mirror image pass, which
falls with frequency as real drums do. So the high band starts and dies away with the band below,
without a spectrogram's blur. Its partials are at wrong frequencies, but most drums are noise there.
"""

import itertools
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final

import numpy as np

from drumkit_cli.io.arrays import Floats
from drumkit_cli.spectral.onsets import MEL

FULL_RATE: Final = 2 * MEL.rate
FALL_DB_PER_KHZ: Final = 3.6
"""How far drums fall below their mirror image, from half of `MEL.rate` on.

The median of hats, cymbals and snares of MuldjordKit and of one-shots of hats, cymbals, snares,
claps, shakers and tambourines: 19 kinds, by their energy from 11 to 20 kHz and from 11 down to 2.
"""
TOP_HZ: Final = (20_000.0, 21_000.0)
"""Where the image fades out, before that of the loud partials of kicks."""
REACH: Final = 64
"""Samples at `MEL.rate` that the filter takes on either side."""


def with_high_band(blocks: Iterable[Floats]) -> Iterator[Floats]:
    """Double the rate of mono blocks ``[n]`` at `MEL.rate` and add the band above: at `FULL_RATE`.

    N samples become 2 N, without delay, however they are divided into blocks.
    """
    even, odd = _filter()[::2], _filter()[1::2]
    held = np.zeros(REACH, np.float32)
    for block in itertools.chain(blocks, [np.zeros(REACH, np.float32)]):
        held = np.concatenate([held, block])
        ready = len(held) - 2 * REACH
        if ready > 0:
            made = np.empty((ready, 2), np.float32)
            made[:, 0] = np.convolve(held, even, "valid")
            made[:, 1] = np.convolve(held[1:], odd, "valid")
            yield made.ravel()
            held = held[ready:]


@cache
def _filter() -> Floats:
    """Impulse response ``[4 REACH + 1]`` at `FULL_RATE`, symmetrical."""
    hertz = np.linspace(0, FULL_RATE / 2, 8193)
    above_khz = np.maximum(hertz - MEL.rate / 2, 0) / 1000
    gain = 2 * 10 ** (-FALL_DB_PER_KHZ * above_khz / 20)  # 2, as every second sample is missing
    ideal = np.fft.fftshift(np.fft.irfft(gain * np.interp(hertz, TOP_HZ, (1, 0))))
    middle, reach = len(ideal) // 2, 2 * REACH
    taps = ideal[middle - reach : middle + reach + 1] * np.blackman(2 * reach + 1)
    return np.asarray(taps, np.float32)
