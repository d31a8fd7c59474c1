"""Studio effects on mel power, which cost a training step little.

Arrays are `[T, F]` of one sound, or `[parts, T, F]` of sounds that sum up. Powers add where sounds
do, on average.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, signal

from drumkit_cli.io.arrays import Floats
from drumkit_cli.listening.levels import FRAME_RATE
from drumkit_cli.spectral.mel_spectrogram import FLOOR_DB, LEVELS_PER_DB, TOP_LEVEL

Reals = NDArray[np.floating[Any]]

POWER: Final = np.concatenate(
    [[0.0], 10 ** ((np.arange(1, TOP_LEVEL + 1) / LEVELS_PER_DB + FLOOR_DB) / 10)]
).astype(np.float32)
"""Power of each level of `discretise`, that of a full-scale sine being 1."""


def masked(parts: Floats, wanted: int, generator: np.random.Generator) -> Floats:
    """Parts as an imperfect mask for the first ones, `wanted` of them, leaves them."""
    drums, band = parts[:wanted].sum(0), parts[wanted:].sum(0)
    frames, bands = drums.shape
    rough = generator.normal(0, generator.uniform(1, 6), (frames // 12 + 2, bands // 8 + 2))
    error = ndimage.zoom(rough, (frames / len(rough), bands / rough.shape[1]), order=1)
    ratio_db = 10 * np.log10((drums + 1e-9) / (band + 1e-9)) + error
    mask = 1 / (1 + np.exp(-ratio_db * generator.uniform(0.12, 0.35)))
    mask = np.maximum(mask**2, 10 ** (generator.uniform(-50, -20) / 10))
    return np.asarray(parts * mask, np.float32)


def compressed(parts: Floats, generator: np.random.Generator) -> Floats:
    """Parts through one compressor, which follows their sum."""
    level = 10 * np.log10(parts.sum((0, 2)) + 1e-9)
    smooth = ndimage.maximum_filter1d(level, int(generator.integers(1, 12)))
    over = np.maximum(smooth - smooth.max(initial=-90.0) + generator.uniform(6, 25), 0)
    reduction = over * (1 - 1 / generator.uniform(1.5, 6))
    return parts * gain_of(-reduction)[:, None]


def in_room(parts: Floats, generator: np.random.Generator) -> Floats:
    """Parts with the decaying power of a diffuse room, which is duller than they are."""
    decay = np.exp(-13.8 / (generator.uniform(0.15, 1.2) * FRAME_RATE))
    wet = 10 ** (generator.uniform(-25, -4) / 10)
    tail = signal.lfilter([1 - decay], [1, -decay], parts, axis=1)
    damping = gain_of(-np.linspace(0, generator.uniform(0, 15), parts.shape[2]))
    return np.asarray(parts + wet * 8 * damping * tail, np.float32)


def retuned(part: Floats, bands: int) -> Floats:
    """A part moved by some mel bands."""
    moved = np.roll(part, bands, 1)
    if bands > 0:
        moved[:, :bands] = part[:, :1]
    elif bands < 0:
        moved[:, bands:] = part[:, -1:]
    return moved


def curve(bands: int, generator: np.random.Generator, spread_db: float) -> Floats:
    """A smooth random curve over the bands, dB."""
    knots = generator.normal(0, spread_db, 7)
    return np.interp(np.linspace(0, 6, bands), np.arange(7), knots).astype(np.float32)


def gain_of(decibels: Reals | float) -> Floats:
    """Factors of power."""
    return np.asarray(10 ** (np.asarray(decibels) / 10), np.float32)


def mastered(power: Floats, generator: np.random.Generator) -> Floats:
    """Power `[T, F]` brought to a random level, with noise."""
    loudest = max(float(power.sum(1).max(initial=0.0)), 1e-9)
    peak_db = generator.normal(-6, 7) if generator.random() < 0.9 else generator.uniform(-45, -10)
    power = power * np.float32(10 ** (min(peak_db, 4.0) / 10) / loudest)
    if generator.random() < 0.6:
        floor = gain_of(generator.uniform(-85, -50) + curve(power.shape[1], generator, 6.0))
        power = power + floor * generator.exponential(1.0, power.shape).astype(np.float32)
    return power
