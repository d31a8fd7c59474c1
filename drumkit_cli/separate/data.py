"""Training mixes from rendered takes and recordings.

Stems of unrelated songs are mixed, each with a random equaliser, gain and change of speed, so that
the network does not depend on the sound of the renderer or of a few singers.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from drumkit_cli.bands import effects
from drumkit_cli.bands.instruments import RATE
from drumkit_cli.bands.takes import Take
from drumkit_cli.separate.recordings import RMS_DB, SOURCES, Recording

BACKING: Final = ("drums", "bass", "other")
ORIGINS: Final = {
    "drums": {"take drums": 0.35, "take played": 0.35, "recorded drums": 0.3},
    "bass": {"take bass": 0.7, "recorded bass": 0.3},
    "other": {"take other": 0.5, "recorded other": 0.2, "recorded guitar": 0.3},
    "vocals": {"take voice": 0.35, "recorded vocals": 0.5, "recorded notes": 0.15},
}
"""How often each stem of a mix is drawn from what there is."""
HARMONIES: Final = (-12, -5, -4, -3, -0.15, 0.1, 0.2, 3, 4, 5, 7, 12)
"""Semitones between a voice and its second one."""
TAKE_RMS_DB: Final = -20.0
"""Level of the stems of takes, to which recordings are raised."""
QUIETEST: Final = 0.01
"""RMS level up to which a mix is not raised to unit variance."""
_TRIES: Final = 4

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Sound:
    """One stem of a song: int16 `[N]`, and its gain."""

    samples: NDArray[np.int16]
    gain: float

    def cut(self, start: int, frames: int) -> Samples:
        """Float samples from `start`, continued cyclically."""
        cut = self.samples[start : start + frames]
        if len(cut) < frames:
            cut = np.resize(np.concatenate([cut, self.samples[:start]]), frames)
        return cut.astype(np.float32) * np.float32(self.gain / 32_768)


Song = dict[str, Sound]
_T = TypeVar("_T")


def mixes(
    takes: Sequence[Take], recordings: Sequence[Recording], batch: int, seconds: float, seed: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Endless batches of mixes `[B, 1, N]` and their sources `[B, S, 1, N]`.

    Sources have no offset; mixes have unit variance, those that are next to silent less.
    """
    generator = np.random.default_rng(seed)
    frames = int(seconds * RATE)
    gain = 10 ** ((TAKE_RMS_DB - RMS_DB) / 20)
    pools = {"take": _songs(takes, 1.0), "recorded": _songs(recordings, gain)}
    while True:
        sources = np.stack([_sources(pools, frames, generator) for _ in range(batch)])
        sources -= sources.mean(2, keepdims=True)
        mix = sources.sum(1)  # [B, N]
        scale = 1 / np.maximum(mix.std(axis=1), QUIETEST)
        mix, sources = mix * scale[:, None], sources * scale[:, None, None]
        yield torch.from_numpy(mix[:, None]), torch.from_numpy(sources[:, :, None])


def _songs(pool: Sequence[Take] | Sequence[Recording], gain: float) -> list[Song]:
    return [{stem: Sound(samples, gain) for stem, samples in one.stems.items()} for one in pool]


def _sources(
    pools: Mapping[str, list[Song]], frames: int, generator: np.random.Generator
) -> Samples:
    """Drums, bass, other and vocals `[S, frames]`, of one song or of several."""
    parts = dict.fromkeys(SOURCES, np.zeros(frames, np.float32))
    if generator.random() < 0.3:
        parts |= _together(pools, frames, generator)
    else:
        for stem in BACKING:
            parts[stem] = _draw(stem, pools, frames, generator)
        if generator.random() < 0.35:
            parts["other"] += _draw("other", pools, frames, generator) * _gain(-5, 4, generator)
    if not parts["vocals"].any() and generator.random() < 0.65:
        parts["vocals"] = _draw("vocals", pools, frames, generator)
        if generator.random() < 0.2:
            parts["vocals"] += _draw("vocals", pools, frames, generator) * _gain(-6, 3, generator)
    for stem, share in {"drums": 0.06, "bass": 0.08, "other": 0.1}.items():
        if generator.random() < share:
            parts[stem] = np.zeros(frames, np.float32)
    levels = [parts[stem] * _gain(0, 4, generator) for stem in SOURCES]
    stacked = np.stack(levels).astype(np.float32)
    return _limit(stacked, generator) if generator.random() < 0.3 else stacked


def _together(
    pools: Mapping[str, list[Song]], frames: int, generator: np.random.Generator
) -> dict[str, Samples]:
    """Stems of one place in one song, rendered or recorded, each varied but for its speed."""
    whole = {kind: [s for s in songs if set(BACKING) <= set(s)] for kind, songs in pools.items()}
    filled = [songs for songs in whole.values() if songs]
    song = _pick(filled[int(generator.integers(len(filled)))], generator)
    start = int(generator.integers(max(len(song["drums"].samples) - frames, 1)))
    return {
        stem: _vary(song[stem].cut(start, frames), frames, generator)
        for stem in SOURCES
        if stem in song
    }


def _draw(
    stem: str, pools: Mapping[str, list[Song]], frames: int, generator: np.random.Generator
) -> Samples:
    """A part for a stem of a mix, of a random origin, varied; `[frames]`."""
    found = []
    for origin, share in ORIGINS[stem].items():
        kind, name = origin.split()
        sounds = [song[name] for song in pools[kind] if name in song]
        if sounds:
            found.append((share, sounds))
    shares = np.array([share for share, _ in found])
    _, sounds = found[int(generator.choice(len(found), p=shares / shares.sum()))]
    samples = _crop(sounds, 2 * frames, generator)
    if stem == "vocals":
        return _sung(samples, frames, generator)
    return _vary(samples, frames, generator, octaves=0.3)


def _sung(samples: Samples, frames: int, generator: np.random.Generator) -> Samples:
    """A voice at a random speed, some with a second one at an interval, some in a room."""
    voice = _vary(samples, frames, generator, octaves=0.4)
    if generator.random() < 0.3:
        octaves = float(generator.choice(HARMONIES)) / 12
        voice = voice + _at_speed(samples, frames, octaves) * _gain(-4, 4, generator)
    if generator.random() < 0.4:
        seconds, wet = generator.uniform(0.2, 2.0), generator.uniform(0.05, 0.5)
        voice = effects.room(voice, RATE, generator, seconds, wet)
    return voice


def _vary(
    samples: Samples, frames: int, generator: np.random.Generator, *, octaves: float = 0.0
) -> Samples:
    """Apply a random speed (and so pitch), equaliser, overdrive and polarity; `[frames]`."""
    fast = octaves > 0 and generator.random() < 0.6
    out = _at_speed(samples, frames, generator.uniform(-octaves, octaves) if fast else 0.0)
    if generator.random() < 0.7:
        out = effects.equalise(out, RATE, generator, 3.5)
    if generator.random() < 0.15:
        out = effects.drive(out, generator.uniform(0, 12))
    return out if generator.random() < 0.5 else -out


def _at_speed(samples: Samples, frames: int, octaves: float) -> Samples:
    """The first `frames` of samples that are played `octaves` higher, up to one."""
    if octaves == 0:
        return samples[:frames]
    places = np.arange(frames) * 2**octaves
    out = np.interp(places, np.arange(len(samples)), samples)
    return np.asarray(out, dtype=np.float32)


def _limit(sources: Samples, generator: np.random.Generator) -> Samples:
    """Limit the sum of the sources as mastering does, by the same gain for each source."""
    mix = sources.sum(0)
    peak = float(np.abs(mix).max(initial=0.0))
    if peak < 1e-4:
        return sources
    limited = effects.drive(mix, generator.uniform(0, 8))
    gain = np.where(np.abs(mix) > 1e-4 * peak, limited / np.where(mix == 0, 1, mix), 1.0)
    return (sources * gain).astype(np.float32)


def _gain(mean_db: float, spread_db: float, generator: np.random.Generator) -> float:
    return float(10 ** ((mean_db + generator.normal(0, spread_db)) / 20))


def _pick(pool: Sequence[_T], generator: np.random.Generator) -> _T:
    return pool[int(generator.integers(len(pool)))]


def _crop(sounds: Sequence[Sound], frames: int, generator: np.random.Generator) -> Samples:
    """A random place of a random sound, one that is not silent unless few of them sound."""
    for _ in range(_TRIES):
        sound = _pick(sounds, generator)
        start = int(generator.integers(max(len(sound.samples) - frames // 2, 1)))
        cut = sound.cut(start, frames)
        if np.abs(cut[: frames // 2]).max(initial=0.0) > 0.01:
            break
    return cut
