"""Damage to drums: what goes wrong with drums that a program made, in any measure.

All functions take mono float32 samples `[N]` at `MEL.rate` and give as many; what is random in them
is drawn from the generator that is passed in.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.io.arrays import Floats
from drumkit_cli.spectral import mel_spectrogram
from drumkit_cli.spectral.onsets import (
    MEL,
    SECONDS_PER_FRAME,
    gated_level,
    normalised_image,
    onset_frames,
)

VOICE_EDGES_HZ: Final = (0, 180, 1000, 5000, MEL.rate)
"""Where the bands of kick, toms, snare and cymbals meet."""
GRIFFIN_LIM_ITERATIONS: Final = 8

_LEAD_SECONDS: Final = 0.02
_FADE_SECONDS: Final = 0.005

Chance = np.random.Generator


def add(samples: Floats, other: Floats, gain_db: float) -> Floats:
    """Add another sound, so much louder than this one; a silent one changes nothing."""
    levels = gated_level([samples]), gated_level([other])
    if not np.isfinite(levels).all():
        return samples
    gain = 10 ** ((gain_db + levels[0] - levels[1]) / 20)
    return np.asarray(samples + np.float32(gain) * other, np.float32)


def noise(length: int, chance: Chance) -> Floats:
    """Noise between white and pink."""
    spectrum = np.fft.rfft(chance.normal(0, 0.1, length))
    hertz = np.maximum(np.fft.rfftfreq(length, 1 / MEL.rate), 20)
    spectrum *= (hertz / 1000) ** -chance.uniform(0, 0.5)
    return np.fft.irfft(spectrum, length).astype(np.float32)


def drop_out(samples: Floats, share: float, chance: Chance) -> Floats:
    """Silence gaps of 60 to 500 ms, `share` of the time in all."""
    heard = np.ones(len(samples), np.float32)
    while 1 - heard.mean() < share:
        length = int(chance.uniform(0.06, 0.5) * MEL.rate)
        start = int(chance.integers(-length + 1, len(samples)))
        heard[max(start, 0) : start + length] = 0
    return samples * _smooth(heard)


def mute_voices(samples: Floats, count: int, chance: Chance) -> Floats:
    """Take away some of the four bands of `VOICE_EDGES_HZ`."""
    spectrum = np.fft.rfft(samples)
    hertz = np.fft.rfftfreq(len(samples), 1 / MEL.rate)
    for band in chance.permutation(len(VOICE_EDGES_HZ) - 1)[:count]:
        low, high = VOICE_EDGES_HZ[band : band + 2]
        spectrum[(hertz >= low) & (hertz < high)] *= 0.003
    return np.fft.irfft(spectrum, len(samples)).astype(np.float32)


def miss_hits(samples: Floats, share: float, chance: Chance) -> Floats:
    """Leave out a share of the hits."""
    starts = hit_starts(samples)
    kept = chance.permutation(len(starts)) >= round(share * len(starts))
    return _place(samples, starts, starts, kept)


def drift(samples: Floats, seconds: float, chance: Chance) -> Floats:
    """Move each hit by a normally distributed time."""
    starts = hit_starts(samples)
    moves = np.rint(chance.normal(0, seconds, len(starts)) * MEL.rate).astype(int)
    return _place(samples, starts, starts + moves)


def change_tempo(samples: Floats, share: float, chance: Chance) -> Floats:
    """Play the hits so much faster or slower; what would end too early goes on from the start."""
    starts = hit_starts(samples)
    factor = (1 + share) ** chance.choice([-1, 1])
    twice = np.concatenate([starts, starts + len(samples)])
    return _place(samples, np.tile(starts, 2), np.rint(twice * factor).astype(int))


def follow(samples: Floats, bass: Floats, share: float, chance: Chance) -> Floats:
    """Play a share of the notes of the bass with hits of the drums, and so many fewer of their own.

    With a share of 1 there is a hit for every note of the bass, and none else.
    """
    starts, notes = hit_starts(samples), hit_starts(bass)
    if not len(starts):
        return samples
    kept = starts[chance.random(len(starts)) >= share]
    notes = notes[chance.random(len(notes)) < share]
    drawn = chance.choice(starts, len(notes))
    return _place(samples, np.concatenate([kept, drawn]), np.concatenate([kept, notes]))


def blur(samples: Floats, frames: float, chance: Chance) -> Floats:
    """Go to a mel spectrogram and back, smeared over some frames and half as many bins."""
    from scipy.ndimage import gaussian_filter

    power = gaussian_filter(mel_spectrogram.mel_power(samples, MEL), (frames / 2, frames))
    seed = int(chance.integers(1 << 30))
    made = mel_spectrogram.mel_to_audio(power, MEL, iterations=GRIFFIN_LIM_ITERATIONS, seed=seed)
    return np.pad(made, (0, max(len(samples) - len(made), 0)))[: len(samples)]


def hit_starts(samples: Floats) -> NDArray[np.intp]:
    """Samples at which hits start, sorted."""
    seconds = onset_frames(normalised_image(samples)) * SECONDS_PER_FRAME - _LEAD_SECONDS
    starts: NDArray[np.intp] = np.maximum(np.rint(seconds * MEL.rate), 0).astype(np.intp)
    return starts


def _place(
    samples: Floats,
    starts: NDArray[np.intp],
    places: NDArray[np.intp],
    kept: NDArray[np.bool_] | None = None,
) -> Floats:
    """Play the hits that start at some samples at other places; each lasts until the next one."""
    made = np.zeros(len(samples), np.float32)
    ends = np.append(np.unique(starts), len(samples))
    fade = int(_FADE_SECONDS * MEL.rate)
    for number, (start, place) in enumerate(zip(starts, places, strict=True)):
        if kept is not None and not kept[number]:
            continue
        hit = samples[start : ends[np.searchsorted(ends, start, "right")]].copy()
        edge = min(fade, len(hit))
        hit[len(hit) - edge :] *= np.linspace(1, 0, edge, dtype=np.float32)
        first, last = max(place, 0), min(place + len(hit), len(samples))
        if first < last:
            made[first:last] += hit[first - place : last - place]
    return made


def _smooth(gains: Floats) -> Floats:
    """Gains `[N]` whose steps are ramps."""
    from scipy.ndimage import uniform_filter1d

    smooth: Floats = uniform_filter1d(gains, int(_FADE_SECONDS * MEL.rate))
    return smooth
