"""Rendered bands -> training mixes.

Stems of unrelated songs are mixed on purpose, and each goes through a random equaliser, gain and
change of speed: what the network must not learn is the sound of one renderer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from drumkit_cli.bands import effects
from drumkit_cli.bands.takes import Take

SOURCES = ("drums", "bass", "other")
Samples = NDArray[np.float32]


def mixes(
    bands: Sequence[Take], batch: int, seconds: float, seed: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Endless batches: mix `[B, 1, N]` and its sources `[B, S, 1, N]`, unit variance of the mix."""
    generator = np.random.default_rng(seed)
    frames = int(seconds * bands[0].rate)
    while True:
        sources = np.stack([_sources(bands, frames, generator) for _ in range(batch)])
        mix = sources.sum(1)  # [B, N]
        scale = 1 / np.maximum(mix.std(axis=1), 1e-4)
        mix, sources = mix * scale[:, None], sources * scale[:, None, None]
        yield torch.from_numpy(mix[:, None]), torch.from_numpy(sources[:, :, None])


def _sources(bands: Sequence[Take], frames: int, generator: np.random.Generator) -> Samples:
    """Drums, bass and the rest `[S, frames]`, of one song or of several."""
    band = _pick(bands, generator)
    together = generator.random() < 0.3

    def take(stem: str) -> Samples:
        of = band if together else _pick(bands, generator)
        return _vary(_crop(of, stem, frames, generator), of.rate, frames, generator)

    if together:
        start = _start(band, frames, generator)
        drums, bass, other = (
            _vary(_at(band, stem, start, 2 * frames), band.rate, frames, generator, speed=False)
            for stem in SOURCES
        )
    else:
        drums = take("played" if generator.random() < 0.5 else "drums")
        bass, other = take("bass"), take("other")
        if generator.random() < 0.35:
            other = other + take("other") * _gain(-5, 4, generator)
    if generator.random() < 0.1:
        other = other * 0
    if generator.random() < 0.55:
        other = other + take("voice") * _gain(0, 4, generator)
    if generator.random() < 0.06:
        drums = drums * 0
    if generator.random() < 0.08:
        bass = bass * 0
    levels = [drums * _gain(0, 4, generator), bass * _gain(0, 4, generator), other]
    stacked = np.stack(levels).astype(np.float32)
    if generator.random() < 0.3:
        stacked = _limit(stacked, generator)
    return stacked


def _vary(
    samples: Samples, rate: int, frames: int, generator: np.random.Generator, *, speed: bool = True
) -> Samples:
    """Random speed (and so pitch), equaliser, polarity."""
    factor = 2 ** generator.uniform(-0.3, 0.3) if speed and generator.random() < 0.6 else 1.0
    if factor == 1.0:
        out = samples[:frames]
    else:
        places = np.arange(frames) * factor
        out = np.interp(places, np.arange(len(samples)), samples).astype(np.float32)
    if generator.random() < 0.7:
        out = effects.equalise(out, rate, generator, 3.5)
    if generator.random() < 0.15:
        out = effects.drive(out, generator.uniform(0, 12))
    return out if generator.random() < 0.5 else -out


def _limit(sources: Samples, generator: np.random.Generator) -> Samples:
    """What a mastering limiter does to the sum, done to each source by the same gain."""
    mix = sources.sum(0)
    peak = float(np.abs(mix).max(initial=0.0))
    if peak < 1e-4:
        return sources
    limited = effects.drive(mix, generator.uniform(0, 8))
    gain = np.where(np.abs(mix) > 1e-4 * peak, limited / np.where(mix == 0, 1, mix), 1.0)
    return (sources * gain).astype(np.float32)


def _pick(bands: Sequence[Take], generator: np.random.Generator) -> Take:
    return bands[int(generator.integers(len(bands)))]


def _gain(mean_db: float, spread_db: float, generator: np.random.Generator) -> float:
    return float(10 ** ((mean_db + generator.normal(0, spread_db)) / 20))


def _start(band: Take, frames: int, generator: np.random.Generator) -> int:
    return int(generator.integers(max(len(band.stems["drums"]) - frames, 1)))


def _crop(band: Take, stem: str, frames: int, generator: np.random.Generator) -> Samples:
    return _at(band, stem, _start(band, frames, generator), 2 * frames)


def _at(band: Take, stem: str, start: int, frames: int) -> Samples:
    """Float samples of a stem from `start`, followed by the stem's beginning where it ends."""
    whole = band.stems[stem]
    cut = whole[start : start + frames]
    if len(cut) < frames:
        cut = np.resize(np.concatenate([cut, whole[:start]]), frames)
    return cut.astype(np.float32) / np.float32(32_768)
