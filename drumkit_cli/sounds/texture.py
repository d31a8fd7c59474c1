"""Texture of decoded drum sounds: the noise that a decoder averages away, and tails that end."""

from functools import cache
from typing import Final

import numpy as np

from drumkit_cli.io.arrays import Floats
from drumkit_cli.sounds.mel_image import FLOOR_DB, MEL, levels_of
from drumkit_cli.spectral.melscale import band_edges

TAIL_DB: Final = -36.0
"""Level of the tail relative to the loudest frame: the decoder gives blurred means of tails."""
TAIL_RATIO: Final = 2.0
"""Ratio of the downward expander on the tail."""
NOISE_FRAMES: Final = 512
"""Frames of the noise texture."""
TONES_HZ: Final = 600.0
NOISES_HZ: Final = 2400.0
"""Drums are tonal below `TONES_HZ` and noisy above `NOISES_HZ`: the texture fades in between."""


def textured(levels: Floats, spread: Floats, seed: int, amount: float) -> Floats:
    """Add noise to levels ``[n, F, T]``, with deviations up to those of white noise.

    `spread`, of the same shape, is the expected absolute error of the levels; `amount`, 0..1, is
    the share of the noise that is added.
    """
    if amount == 0:
        return levels
    texture, its_deviation = noise_texture()
    first = int(np.random.default_rng(seed).integers(NOISE_FRAMES - levels.shape[2]))
    noise = texture[:, first : first + levels.shape[2]]
    deviation = np.float32(1.25) * spread  # of a Gaussian of this mean absolute one
    rough = np.minimum(deviation / np.float32(its_deviation), 1) * np.float32(amount)
    return np.where(levels > 0, np.maximum(levels + rough * noise, 0), levels)


def expanded(levels: Floats) -> Floats:
    """Apply a downward expander to the tails of levels ``[n, F, T]``; they fall monotonically."""
    octaves = np.float32(np.log2(10) * -FLOOR_DB / 10)
    power = np.exp2(levels * octaves) * (levels > 0)
    loudness = 10 * np.log10(np.maximum(power.sum(1, keepdims=True), np.float32(1e-9)))
    place = loudness.argmax(2)[..., None]
    loudest = np.take_along_axis(loudness, place, 2)
    is_after = np.arange(levels.shape[2]) > place
    below = np.minimum(loudness - loudest - np.float32(TAIL_DB), 0) * is_after
    below = np.minimum.accumulate(below, 2)
    return np.maximum(levels + below * np.float32((TAIL_RATIO - 1) / -FLOOR_DB), 0)


@cache
def noise_texture() -> tuple[Floats, float]:
    """Levels of white noise less their mean, ``[F, frames]``, faded out at low frequencies.

    Also returns their standard deviation before the fade.
    """
    count = (NOISE_FRAMES + 8) * MEL.hop
    noise = np.random.default_rng(0).standard_normal(count).astype(np.float32)
    levels = levels_of(noise)[:, 4 : 4 + NOISE_FRAMES]
    sounding = levels.max(1) > 0
    texture = (levels - levels.mean(1, keepdims=True)) * sounding[:, None]
    octaves = np.log2(np.maximum(band_edges(MEL)[1:-1], 1) / TONES_HZ)
    share = np.clip(octaves / np.log2(NOISES_HZ / TONES_HZ), 0, 1).astype(np.float32)
    return texture * share[:, None], float(texture[sounding].std(ddof=1))
