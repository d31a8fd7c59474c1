"""What turns inverted samples into a sound: its attack, its rate, its ends and its loudness."""

from typing import Final

import numpy as np

from drumkit_cli.io.arrays import Floats
from drumkit_cli.sounds.classes import CLASSES
from drumkit_cli.sounds.high_band import FULL_RATE, extended
from drumkit_cli.sounds.mel_image import MEL

END_LEVEL: Final = 10 ** (-60 / 20)
"""A sound ends where it stays below this share of its peak."""
START_LEVEL: Final = 0.06
"""A sound starts where it first reaches this share of its peak."""
FADE: Final = 110
"""Length of a fade-out, samples at `MEL.rate`: 5 ms."""
FADE_IN: Final = 11
"""Length of a fade-in, samples at `MEL.rate`: half a millisecond, against clicks."""
ATTACK_SHARES: Final = (0.1, 0.9)
"""The attack lasts from where a sound first reaches one share of its peak to the other."""
ATTACK_SECONDS: Final = {
    "kick": 0.0032, "clap": 0.00163, "snare": 0.00218, "open-hat": 0.00399, "closed-hat": 0.00169,
    "tambourine": 0.00748, "conga": 0.00244, "bongo": 0.00259, "shaker": 0.02821, "snap": 0.00065,
    "tom": 0.00181, "ride": 0.00082, "crash": 0.01179, "cowbell": 0.00249, "rimshot": 0.00202,
}  # fmt: skip
"""Attacks of recorded sounds, of training; `tools/measure_constants.py` prints them. Those of claps
and tambourines are of validation, which are shorter and classified as well; that of closed hats is
the geometric mean of both."""
NEAR_ENOUGH: Final = 1.5
"""Attacks up to so many times as long are left as they are: what is sharpened loses something."""
STEEPEST: Final = 20.0
"""Largest exponent of the expander on an attack."""
LOUDNESS_LUFS: Final = {
    "kick": -12.8, "clap": -12.9, "snare": -14.8, "open-hat": -10.0, "closed-hat": -13.7,
    "tambourine": -11.3, "conga": -13.3, "bongo": -15.6, "shaker": -11.0, "snap": -13.2,
    "tom": -12.7, "ride": -11.5, "crash": -10.1, "cowbell": -16.2, "rimshot": -17.6,
}  # fmt: skip
"""Loudness of the first 100 ms of generated sounds at a peak of 1; `tools/measure_constants.py`
prints these medians."""
HEADROOM_DB: Final = 4.0
"""How far below that loudness one-shots are, so that nearly all of a class reach it."""


def finished(samples: Floats, classes: Floats, rate: int, seed: int) -> Floats:
    """Sharpen the attack of samples ``[N]`` at `MEL.rate`, cut what precedes it, change the rate.

    Args:
        samples: as the inverter makes them.
        classes: class weights ``[K]`` of the sound.
        rate: samples a second of the result; above `MEL.rate` it gets a band above 11 kHz.
        seed: of the noise of that band.
    """
    peak = float(np.abs(samples).max(initial=0))
    if peak == 0:
        return samples
    seconds = float(classes @ np.array([ATTACK_SECONDS[name] for name in CLASSES]))
    sound = sharpened(samples / np.float32(peak), seconds)
    sound = sound[np.flatnonzero(np.abs(sound) >= START_LEVEL * np.abs(sound).max())[0] :]
    return _at_rate(sound, classes, rate, seed)


def sharpened(samples: Floats, seconds: float) -> Floats:
    """Shorten a far longer attack of samples ``[N]`` at `MEL.rate` to so many seconds.

    The windows of the image smear an attack. A downward expander on its rise, which leaves all from
    the peak on as it is, brings it below the first of `ATTACK_SHARES` where it should begin.
    """
    size = np.abs(samples)
    least, most = ATTACK_SHARES
    end = int(np.flatnonzero(size >= most * size.max(initial=0))[0])
    start = end - round(seconds * MEL.rate)
    if start <= 0 or attack_seconds(samples, MEL.rate) <= NEAR_ENOUGH * seconds:
        return samples
    rise = np.maximum.accumulate(size[: end + 1])
    rise /= rise[-1]
    if rise[start] <= least:
        return samples
    steepness = min(np.log(least) / np.log(min(float(rise[start]), 0.99)), STEEPEST)
    sound = samples.copy()
    sound[: end + 1] *= rise ** np.float32(steepness - 1)
    return sound


def attack_seconds(samples: Floats, rate: int) -> float:
    """The time of samples ``[N]`` from the first to the second of `ATTACK_SHARES`; 0 of silence."""
    size = np.abs(samples)
    first, last = (np.flatnonzero(size >= share * size.max(initial=0)) for share in ATTACK_SHARES)
    return float(last[0] - first[0]) / rate if len(last) else 0.0


def levelled(samples: Floats, classes: Floats, rate: int) -> Floats:
    """Trim a sound at its end, fade both ends, and bring it to the loudness of its class.

    Sounds of a class are as loud as each other over the first 100 ms, whatever their peaks; only
    those that would exceed 1 are quieter. Silence stays silent.

    Args:
        samples: a sound ``[n]``.
        classes: class weights ``[K]``.
        rate: samples a second.
    """
    from drumkit_cli.audio.loudness import start_loudness

    sound = trimmed(samples, rate)
    peak = float(np.abs(sound).max(initial=0))
    if peak == 0:
        return sound
    wanted = float(classes @ np.array([LOUDNESS_LUFS[name] for name in CLASSES])) - HEADROOM_DB
    gain = 10 ** ((wanted - start_loudness(sound, rate)) / 20)
    return sound * np.float32(min(gain, 1 / peak))


def trimmed(samples: Floats, rate: int) -> Floats:
    """Cut a sound ``[n]`` where it ends, and fade both ends; silence stays as it is."""
    loudest = float(np.abs(samples).max(initial=0))
    if loudest == 0:
        return samples
    end = int(np.flatnonzero(np.abs(samples) > END_LEVEL * loudest)[-1]) + 1
    sound = _faded(samples[:end].copy(), rate)
    count = min(round(FADE_IN * rate / MEL.rate), end)
    sound[:count] *= np.arange(1, count + 1, dtype=np.float32) / (count + 1)
    return sound


def fit_length(samples: Floats, length: int, rate: int = MEL.rate) -> Floats:
    """Cut samples ``[n]`` to a length with a short fade, or pad them with silence."""
    if len(samples) > length:
        return _faded(samples[:length].copy(), rate)
    return np.pad(samples, (0, length - len(samples)))


def _at_rate(samples: Floats, classes: Floats, rate: int, seed: int) -> Floats:
    from drumkit_cli.audio.reader import resample

    own = MEL.rate
    if rate > own:
        samples, own = extended(samples, classes, seed), FULL_RATE
    converted: Floats = resample(samples[None], own, rate)[0]
    return converted


def _faded(samples: Floats, rate: int) -> Floats:
    count = min(round(FADE * rate / MEL.rate), len(samples))
    samples[len(samples) - count :] *= np.linspace(1, 0, count, dtype=np.float32)
    return samples
