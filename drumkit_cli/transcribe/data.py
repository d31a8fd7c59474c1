"""Training excerpts: takes remixed, coloured and labelled, all in the domain of mel power.

Powers add where sounds do, on average, so that a mix costs no rendering. What is varied: balance,
tone and tuning of each drum, room, compression, bleed, noise, band-pass and level; drums alone,
drums as a separator leaves them, and full mixes. A hit that nothing can be heard of has no weight.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, signal

from drumkit_cli.io.arrays import Floats
from drumkit_cli.listening.levels import FRAME_RATE
from drumkit_cli.listening.voices import VOICES
from drumkit_cli.spectral.mel_spectrogram import FLOOR_DB, LEVELS_PER_DB, TOP_LEVEL
from drumkit_cli.transcribe.takes import DRUM_PARTS, PART_OF_VOICE, Take

CONTEXTS: Final = ("drums", "separated", "mix")
CONTEXT_SHARES: Final = (0.3, 0.3, 0.4)

Reals = NDArray[np.floating[Any]]

_PART_GAIN_DB: Final = (0.0, 0.0, -2.0, -5.0, -2.0, -6.0)
_PART_SPREAD_DB: Final = (3.0, 3.0, 5.0, 5.0, 5.0, 5.0)
_ABSENT: Final = (0.04, 0.05, 0.15, 0.04, 0.1, 0.1)
"""Shares of the excerpts that a drum part is left out of, so that it is not guessed from others."""
_AUDIBLE_DB: Final = -6.0
"""Rise of a hit over everything else, in its sixth strongest band, from which on it counts."""
_INAUDIBLE_DB: Final = -14.0
_AUDIBLE_BANDS: Final = 6
_POWER: Final = np.concatenate(
    [[0.0], 10 ** ((np.arange(1, TOP_LEVEL + 1) / LEVELS_PER_DB + FLOOR_DB) / 10)]
).astype(np.float32)


@dataclass(frozen=True)
class Example:
    """A labelled excerpt; batches have a leading axis B.

    Attributes:
        levels: `[T, F]`, what the network gets.
        targets: `[T, 8]`, 0..1, in the order of `OUTPUTS`.
        weights: `[T, 8]`, how much each counts.
        velocities: `[T, 6]`, 0..1, where `velocity_weights` is above 0.
        velocity_weights: `[T, 6]`.
    """

    levels: Floats
    targets: Floats
    weights: Floats
    velocities: Floats
    velocity_weights: Floats


def batches(takes: Sequence[Take], batch: int, frames: int, seed: int) -> Iterator[Example]:
    """Endless batches of excerpts of `frames`."""
    generator = np.random.default_rng(seed)
    while True:
        drawn = []
        for _ in range(batch):
            take = takes[int(generator.integers(len(takes)))]
            context = str(generator.choice(CONTEXTS, p=CONTEXT_SHARES))
            drawn.append(draw_example(take, context, frames, generator))
        yield stack(drawn)


def stack(examples: Sequence[Example]) -> Example:
    """A batch of examples of one length."""
    return Example(*(np.stack(arrays) for arrays in zip(*map(_arrays, examples), strict=True)))


def draw_example(take: Take, context: str, frames: int, generator: np.random.Generator) -> Example:
    """A random excerpt of a take, as it sounds in one of the `CONTEXTS`."""
    total_frames = take.levels.shape[1]
    start = int(generator.integers(max(total_frames - frames, 0) + 1))
    cut = slice(start, start + frames)
    parts = _POWER[take.levels[:, cut]]  # [parts, T, F]
    hits = take.hits
    if context == "separated" and take.separated is not None and generator.random() < 0.6:
        heard, drums = _really_separated(parts, _POWER[take.separated[cut]])
    else:
        is_there = generator.random(DRUM_PARTS) >= _ABSENT
        parts[:DRUM_PARTS] *= is_there[:, None, None]
        hits = hits[is_there[_parts_of(hits)]]
        heard, drums = _remixed(parts, context, generator)
    heard = _coloured(heard, generator)
    weights = audible_weights(hits, drums, heard.sum(0), start)
    levels = _to_levels(_mastered(heard.sum(0), generator))
    return _labelled(hits, take.beats, levels, weights, start)


def plain_levels(take: Take, context: str) -> Floats | None:
    """Levels `[T, F]` of a whole take in a context, as it was rendered; None where it was not."""
    if context == "separated":
        return None if take.separated is None else _to_levels(_POWER[take.separated])
    parts = _POWER[take.levels]
    if context == "mix":
        parts[DRUM_PARTS:] *= np.float32(10 ** (take.band_gain_db / 10))
    return _to_levels(parts[: DRUM_PARTS if context == "drums" else None].sum(0))


def _really_separated(parts: Floats, separated: Floats) -> tuple[Floats, Floats]:
    """What the separator left, as one sound `[1, T, F]`, and the drum parts at its level."""
    drums = parts[:DRUM_PARTS]
    scale = separated.sum() / max(float(drums.sum()), 1e-12)
    return separated[None], drums * np.float32(scale)


def _remixed(parts: Floats, context: str, generator: np.random.Generator) -> tuple[Floats, Floats]:
    """All parts `[parts, T, F]` at new levels as they sound in a context, and the drum parts."""
    gains = generator.normal(_PART_GAIN_DB, _PART_SPREAD_DB)[:, None] + np.stack(
        [_curve(parts.shape[2], generator, 3.0) for _ in range(DRUM_PARTS)]
    )
    drums = parts[:DRUM_PARTS] * _gain(gains)[:, None]
    if generator.random() < 0.5:
        drums = np.stack([_retuned(part, int(generator.integers(-2, 3))) for part in drums])
    if generator.random() < 0.6:
        drums = _in_room(drums, generator)
    band_db = generator.uniform(-45, -18) if context == "drums" else generator.normal(0, 5)
    band = parts[DRUM_PARTS:] * _gain(band_db + generator.normal(0, 3, 2))[:, None, None]
    if context == "drums" and generator.random() < 0.5:
        band = band * 0
    elif generator.random() < 0.3:
        band = _compressed(band, generator)
    heard = np.concatenate([drums, band])
    if context == "separated":
        heard = _masked(heard, generator)
    return heard, heard[:DRUM_PARTS]


def _masked(parts: Floats, generator: np.random.Generator) -> Floats:
    """Parts as an imperfect mask for the drums leaves them."""
    drums, band = parts[:DRUM_PARTS].sum(0), parts[DRUM_PARTS:].sum(0)
    frames, bands = drums.shape
    rough = generator.normal(0, generator.uniform(1, 6), (frames // 12 + 2, bands // 8 + 2))
    error = ndimage.zoom(rough, (frames / len(rough), bands / rough.shape[1]), order=1)
    ratio_db = 10 * np.log10((drums + 1e-9) / (band + 1e-9)) + error
    mask = 1 / (1 + np.exp(-ratio_db * generator.uniform(0.12, 0.35)))
    mask = np.maximum(mask**2, 10 ** (generator.uniform(-50, -20) / 10))
    return np.asarray(parts * mask, np.float32)


def _coloured(parts: Floats, generator: np.random.Generator) -> Floats:
    """Parts through one equaliser, compressor and band-pass."""
    bands = parts.shape[2]
    colour = _curve(bands, generator, 3.0) + generator.normal(0, 3) * np.linspace(-1, 1, bands)
    if generator.random() < 0.12:
        colour[int(generator.integers(bands // 2, bands)) :] -= generator.uniform(15, 50)
    if generator.random() < 0.08:
        colour[: int(generator.integers(1, 8))] -= generator.uniform(10, 30)
    parts = parts * _gain(colour)
    return _compressed(parts, generator) if generator.random() < 0.5 else parts


def _mastered(power: Floats, generator: np.random.Generator) -> Floats:
    """Power `[T, F]` brought to a random level, with noise."""
    loudest = max(float(power.sum(1).max(initial=0.0)), 1e-9)
    peak_db = generator.normal(-6, 7) if generator.random() < 0.9 else generator.uniform(-45, -10)
    power = power * np.float32(10 ** (min(peak_db, 4.0) / 10) / loudest)
    if generator.random() < 0.6:
        floor = _gain(generator.uniform(-85, -50) + _curve(power.shape[1], generator, 6.0))
        power = power + floor * generator.exponential(1.0, power.shape).astype(np.float32)
    return power


def _compressed(parts: Floats, generator: np.random.Generator) -> Floats:
    level = 10 * np.log10(parts.sum((0, 2)) + 1e-9)
    smooth = ndimage.maximum_filter1d(level, int(generator.integers(1, 12)))
    over = np.maximum(smooth - smooth.max(initial=-90.0) + generator.uniform(6, 25), 0)
    reduction = over * (1 - 1 / generator.uniform(1.5, 6))
    return parts * _gain(-reduction)[:, None]


def _in_room(parts: Floats, generator: np.random.Generator) -> Floats:
    """Parts with the decaying power of a diffuse room, which is duller than they are."""
    decay = np.exp(-13.8 / (generator.uniform(0.15, 1.2) * FRAME_RATE))
    wet = 10 ** (generator.uniform(-25, -4) / 10)
    tail = signal.lfilter([1 - decay], [1, -decay], parts, axis=1)
    damping = _gain(-np.linspace(0, generator.uniform(0, 15), parts.shape[2]))
    return np.asarray(parts + wet * 8 * damping * tail, np.float32)


def _retuned(part: Floats, bands: int) -> Floats:
    """A part moved by some mel bands."""
    moved = np.roll(part, bands, 1)
    if bands > 0:
        moved[:, :bands] = part[:, :1]
    elif bands < 0:
        moved[:, bands:] = part[:, -1:]
    return moved


def _curve(bands: int, generator: np.random.Generator, spread_db: float) -> Floats:
    """A smooth random curve over the bands, dB."""
    knots = generator.normal(0, spread_db, 7)
    return np.interp(np.linspace(0, 6, bands), np.arange(7), knots).astype(np.float32)


def _gain(decibels: Reals | float) -> Floats:
    return np.asarray(10 ** (np.asarray(decibels) / 10), np.float32)


def _to_levels(power: Floats) -> Floats:
    steps = (10 * np.log10(np.maximum(power, 1e-12)) - FLOOR_DB) * LEVELS_PER_DB
    return np.clip(steps / TOP_LEVEL, 0, 1).astype(np.float32)


def audible_weights(hits: Reals, drums: Floats, heard: Floats, start: int) -> Floats:
    """How much of each hit can be heard: 0..1 `[n]`; 0 for those outside of the excerpt.

    Args:
        hits: `[n, 3]`: seconds, voice, velocity.
        drums: power of the drum parts `[parts, T, F]`.
        heard: power of all `[T, F]`.
        start: first frame of the excerpt.
    """
    frame = np.rint(hits[:, 0] * FRAME_RATE).astype(int) - start
    inside = (frame >= 0) & (frame < len(heard))
    at = np.clip(frame, 0, len(heard) - 1)
    part = _parts_of(hits)
    after = np.minimum(at[:, None] + np.arange(4), len(heard) - 1)  # [n, 4]
    own = drums[part[:, None], after].max(1)  # [n, F]
    rise = np.maximum(own - drums[part, np.maximum(at - 3, 0)], 0)
    rest = np.maximum(heard[after].max(1) - rise, 0) + 1e-9
    decibels = 10 * np.log10(rise / rest + 1e-9)
    strong = np.partition(decibels, -_AUDIBLE_BANDS, axis=1)[:, -_AUDIBLE_BANDS]
    weight = np.clip((strong - _INAUDIBLE_DB) / (_AUDIBLE_DB - _INAUDIBLE_DB), 0, 1)
    return np.asarray(weight * inside, np.float32)


def _parts_of(hits: Reals) -> NDArray[np.intp]:
    """The drum part of each hit."""
    parts: NDArray[np.intp] = np.array(PART_OF_VOICE, np.intp)[hits[:, 1].astype(int)]
    return parts


def _labelled(hits: Reals, beats: Reals, levels: Floats, audible: Floats, start: int) -> Example:
    """The example of levels: targets of one frame, half as high in the next ones."""
    frames, voices = len(levels), len(VOICES)
    targets = np.zeros((frames, voices + 2), np.float32)
    weights = np.ones((frames, voices + 2), np.float32)
    velocities = np.zeros((frames, voices), np.float32)
    velocity_weights = np.zeros((frames, voices), np.float32)
    for (seconds, voice, velocity), weight in zip(hits, audible, strict=True):
        frame, column = round(seconds * FRAME_RATE) - start, int(voice)
        if not -3 <= frame < frames + 3:
            continue
        near = slice(max(frame - 1, 0), max(frame + 2, 0))
        _mark(targets[:, column], frame)
        around = slice(max(frame - 3, 0), max(frame + 4, 0))
        weights[around, column] = np.minimum(weights[around, column], weight)
        velocities[near, column] = velocity
        velocity_weights[near, column] = weight
    if not len(beats):
        weights[:, voices:] = 0
    for seconds, number in beats:
        frame = round(seconds * FRAME_RATE) - start
        _mark(targets[:, voices], frame)
        if number == 1:
            _mark(targets[:, voices + 1], frame)
    return Example(levels, targets, weights, velocities, velocity_weights)


def _mark(column: Floats, frame: int) -> None:
    for offset, value in ((-1, 0.5), (0, 1.0), (1, 0.5)):
        if 0 <= frame + offset < len(column):
            column[frame + offset] = max(column[frame + offset], value)


def _arrays(example: Example) -> tuple[Floats, ...]:
    return tuple(vars(example).values())
