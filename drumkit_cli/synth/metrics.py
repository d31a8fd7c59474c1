"""Figures of drum sounds as functions of arrays: spectral errors, diversity, onsets."""

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.io.arrays import Floats
from drumkit_cli.sounds.finishing import attack_seconds
from drumkit_cli.sounds.high_band import FULL_RATE
from drumkit_cli.sounds.mel_image import FLOOR_DB, MEL, to_power
from drumkit_cli.spectral.mel_config import MelConfig
from drumkit_cli.spectral.mel_spectrogram import mel_power

HIGH_BANDS: Final = MelConfig(FULL_RATE, 2048, 512, 2048, 24, MEL.rate / 2, 20_000.0)
"""Bands of the measurement above 11 kHz."""
LEVEL_SECONDS: Final = 0.1
"""How much of a sound its level is measured over."""


def log_mel_distance(real: Floats, made: Floats) -> float:
    """Mean absolute difference of levels ``[n, F, T]``, in dB."""
    return float(np.abs(real - made).mean() * -FLOOR_DB)


def spectral_convergence(real: Floats, made: Floats) -> float:
    """Mean spectral convergence (Eq. 11) of levels ``[n, F, T]``: 0 for equal ones.

    The norm of the difference of the mel magnitudes, relative to the norm of the real ones.
    """
    first, second = np.sqrt(to_power(real)), np.sqrt(to_power(made))
    error = np.linalg.norm((first - second).reshape(len(real), -1), axis=1)
    size = np.linalg.norm(first.reshape(len(real), -1), axis=1)
    return float(np.mean(error / np.maximum(size, 1e-6)))


def high_band_distance(real: Floats, made: Floats) -> float:
    """Mean absolute difference in dB of mel levels above 11 kHz of samples ``[n]`` at `FULL_RATE`.

    Only frames count in which the real sound reaches `FLOOR_DB`, the first second at most; NaN if
    there are none.
    """
    levels = []
    for samples in (real, made):
        whole = np.zeros(FULL_RATE, np.float32)
        count = min(len(samples), FULL_RATE)
        whole[:count] = samples[:count]
        power = mel_power(whole, HIGH_BANDS) / HIGH_BANDS.full_scale
        levels.append(10 * np.log10(np.maximum(power, 10 ** (FLOOR_DB / 10))))
    sounding = levels[0].max(0) > FLOOR_DB
    return float(np.abs(levels[0] - levels[1])[:, sounding].mean()) if sounding.any() else np.nan


def median_attack_ms(sounds: Floats) -> float | None:
    """Median attack of sounds ``[n, N]`` at `MEL.rate`; None of none."""
    if not len(sounds):
        return None
    return 1000 * float(np.median([attack_seconds(sound, MEL.rate) for sound in sounds]))


def level_range_db(sounds: Iterable[Floats]) -> float:
    """Range of the levels of sounds ``[n]`` at `MEL.rate`, less a twentieth at each end.

    The level is the root mean square of the first 100 ms, not weighted by frequency.
    """
    levels = [level_db(sound, MEL.rate) for sound in sounds]
    return float(np.percentile(levels, 95) - np.percentile(levels, 5))


def level_db(samples: Floats, rate: int) -> float:
    """Level of the start of a sound ``[n]``, dB of the root mean square; -inf of silence."""
    start = samples[: round(LEVEL_SECONDS * rate)]
    power = float(np.square(start.astype(np.float64)).sum()) / (LEVEL_SECONDS * rate)
    return 10 * float(np.log10(power)) if power else -np.inf


def diversity(embeddings: Floats) -> float:
    """Mean distance of two different embeddings of ``[n, D]``; 0 for fewer than two."""
    count = len(embeddings)
    if count < 2:
        return 0.0
    distances = np.linalg.norm(embeddings[:, None] - embeddings[None], axis=2)
    return float(distances.sum() / (count * (count - 1)))


def attacks(samples: Floats) -> NDArray[np.float64]:
    """Onset times, in seconds and to the sample, of samples ``[C, N]`` at `MEL.rate`.

    An onset is where one millisecond is 20 dB louder than the 20 ms before it, and above -60 dB of
    full scale. Onsets are at least a quarter of a second apart.
    """
    window, before, apart = MEL.rate // 1000, MEL.rate // 50, MEL.rate // 4
    energy = np.cumsum(np.append(0, np.square(samples.astype(np.float64)).sum(0)))
    places = np.arange(samples.shape[1] - window)
    now = (energy[places + window] - energy[places]) / window
    past = (energy[places] - energy[np.maximum(places - before, 0)]) / before
    found: list[int] = []
    for place in np.flatnonzero(now > 100 * (past + 1e-8)):
        if not found or place > found[-1] + apart:
            found.append(int(place))
    return (np.array(found, np.float64) + window - 1) / MEL.rate
