"""Training mixes from rendered takes.

Stems of unrelated songs are mixed, each with a random equaliser, gain and change of speed, so that
the network does not depend on the sound of the renderer.
"""

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
    takes: Sequence[Take], batch: int, seconds: float, seed: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Endless batches of mixes `[B, 1, N]` of unit variance and their sources `[B, S, 1, N]`."""
    generator = np.random.default_rng(seed)
    frames = int(seconds * takes[0].rate)
    while True:
        sources = np.stack([_sources(takes, frames, generator) for _ in range(batch)])
        mix = sources.sum(1)  # [B, N]
        scale = 1 / np.maximum(mix.std(axis=1), 1e-4)
        mix, sources = mix * scale[:, None], sources * scale[:, None, None]
        yield torch.from_numpy(mix[:, None]), torch.from_numpy(sources[:, :, None])


def _sources(takes: Sequence[Take], frames: int, generator: np.random.Generator) -> Samples:
    """Drums, bass and other `[S, frames]`, of one take or of several."""
    take = _pick(takes, generator)
    together = generator.random() < 0.3

    def draw(stem: str) -> Samples:
        of = take if together else _pick(takes, generator)
        return _vary(_crop(of, stem, frames, generator), of.rate, frames, generator)

    if together:
        start = _start(take, frames, generator)
        drums, bass, other = (
            _vary(_at(take, stem, start, 2 * frames), take.rate, frames, generator, speed=False)
            for stem in SOURCES
        )
    else:
        drums = draw("played" if generator.random() < 0.5 else "drums")
        bass, other = draw("bass"), draw("other")
        if generator.random() < 0.35:
            other = other + draw("other") * _gain(-5, 4, generator)
    if generator.random() < 0.1:
        other = other * 0
    if generator.random() < 0.55:
        other = other + draw("voice") * _gain(0, 4, generator)
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
    """Apply a random speed (and so pitch), equaliser, overdrive and polarity."""
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
    """Limit the sum of the sources as mastering does, by the same gain for each source."""
    mix = sources.sum(0)
    peak = float(np.abs(mix).max(initial=0.0))
    if peak < 1e-4:
        return sources
    limited = effects.drive(mix, generator.uniform(0, 8))
    gain = np.where(np.abs(mix) > 1e-4 * peak, limited / np.where(mix == 0, 1, mix), 1.0)
    return (sources * gain).astype(np.float32)


def _pick(takes: Sequence[Take], generator: np.random.Generator) -> Take:
    return takes[int(generator.integers(len(takes)))]


def _gain(mean_db: float, spread_db: float, generator: np.random.Generator) -> float:
    return float(10 ** ((mean_db + generator.normal(0, spread_db)) / 20))


def _start(take: Take, frames: int, generator: np.random.Generator) -> int:
    return int(generator.integers(max(len(take.stems["drums"]) - frames, 1)))


def _crop(take: Take, stem: str, frames: int, generator: np.random.Generator) -> Samples:
    return _at(take, stem, _start(take, frames, generator), 2 * frames)


def _at(take: Take, stem: str, start: int, frames: int) -> Samples:
    """Float samples of a stem from `start`, continued cyclically."""
    whole = take.stems[stem]
    cut = whole[start : start + frames]
    if len(cut) < frames:
        cut = np.resize(np.concatenate([cut, whole[:start]]), frames)
    return cut.astype(np.float32) / np.float32(32_768)
