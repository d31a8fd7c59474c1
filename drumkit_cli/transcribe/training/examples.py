"""Training excerpts: takes remixed, coloured and labelled, all in the domain of mel power.

Powers add where sounds do, on average, so that a mix costs no rendering. What is varied: balance,
tone and tuning of each drum, room, compression, bleed, noise, band-pass and level; drums alone,
drums as a separator leaves them, and full mixes. A hit that nothing can be heard of has no weight.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.io.arrays import Floats
from drumkit_cli.listening.levels import FRAME_RATE, MEL, levels
from drumkit_cli.listening.voices import VOICES
from drumkit_cli.transcribe.training.power import (
    POWER,
    Reals,
    compressed,
    curve,
    gain_of,
    in_room,
    masked,
    mastered,
    retuned,
)
from drumkit_cli.transcribe.training.takes import DRUM_PARTS, PART_OF_VOICE, Take

CONTEXTS: Final = ("drums", "separated", "mix")
CONTEXT_SHARES: Final = (0.3, 0.3, 0.4)

_PART_GAIN_DB: Final = (0.0, 0.0, -2.0, -5.0, -2.0, -6.0)
_PART_SPREAD_DB: Final = (3.0, 3.0, 5.0, 5.0, 5.0, 5.0)
_ABSENT: Final = (0.04, 0.06, 0.22, 0.04, 0.12, 0.1)
"""Shares of the excerpts that a drum part is left out of, so that it is not guessed from others."""
_DRUMLESS: Final = 0.03
_SILENT: Final = 0.03
"""Shares of the excerpts without any drums, and without anything but noise."""
_AUDIBLE_DB: Final = -6.0
"""Rise of a hit over everything else, in its sixth strongest band, from which on it counts."""
_INAUDIBLE_DB: Final = -14.0
_AUDIBLE_BANDS: Final = 6


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
    separated = [take for take in takes if take.separated is not None] or takes
    while True:
        drawn = []
        for _ in range(batch):
            context = str(generator.choice(CONTEXTS, p=CONTEXT_SHARES))
            pool = separated if context == "separated" and generator.random() < 0.5 else takes
            take = pool[int(generator.integers(len(pool)))]
            drawn.append(draw_example(take, context, frames, generator))
        yield stack(drawn)


def stack(examples: Sequence[Example]) -> Example:
    """A batch of examples of one length."""
    return Example(*(np.stack(arrays) for arrays in zip(*map(_arrays, examples), strict=True)))


def draw_example(take: Take, context: str, frames: int, generator: np.random.Generator) -> Example:
    """A random excerpt of a take, as it sounds in one of the `CONTEXTS`."""
    if generator.random() < _SILENT:
        return _silence(frames, take.levels.shape[2], generator)
    total_frames = take.levels.shape[1]
    start = int(generator.integers(max(total_frames - frames, 0) + 1))
    cut = slice(start, start + frames)
    parts = POWER[take.levels[:, cut]]  # [parts, T, F]
    hits = take.hits
    if context == "separated" and take.separated is not None and generator.random() < 0.8:
        heard, drums = _really_separated(parts, POWER[take.separated[cut]])
    else:
        is_there = generator.random(DRUM_PARTS) >= _ABSENT
        is_there &= generator.random() >= _DRUMLESS
        parts[:DRUM_PARTS] *= is_there[:, None, None]
        hits = hits[is_there[_parts_of(hits)]]
        heard, drums = _remixed(parts, context, generator)
    heard = _coloured(heard, generator)
    weights = audible_weights(hits, drums, heard.sum(0), start)
    made = _levels(mastered(heard.sum(0), generator))
    return _labelled(hits, take.beats, made, weights, start)


def _silence(frames: int, bands: int, generator: np.random.Generator) -> Example:
    """Silence or noise, in which there are neither hits nor beats."""
    made = _levels(mastered(np.zeros((frames, bands), np.float32), generator))
    nothing = np.zeros((frames, len(VOICES) + 2), np.float32)
    voices = nothing[:, : len(VOICES)]
    return Example(made, nothing, np.ones_like(nothing), voices, voices)


def plain_levels(take: Take, context: str) -> Floats | None:
    """Levels `[T, F]` of a whole take in a context, as it was rendered; None where it was not."""
    if context == "separated":
        return None if take.separated is None else _levels(POWER[take.separated])
    parts = POWER[take.levels]
    if context == "mix":
        parts[DRUM_PARTS:] *= np.float32(10 ** (take.band_gain_db / 10))
    return _levels(parts[: DRUM_PARTS if context == "drums" else None].sum(0))


def _really_separated(parts: Floats, separated: Floats) -> tuple[Floats, Floats]:
    """What the separator left, as one sound `[1, T, F]`, and the drum parts at its level."""
    drums = parts[:DRUM_PARTS]
    scale = separated.sum() / max(float(drums.sum()), 1e-12)
    return separated[None], drums * np.float32(scale)


def _remixed(parts: Floats, context: str, generator: np.random.Generator) -> tuple[Floats, Floats]:
    """All parts `[parts, T, F]` at new levels as they sound in a context, and the drum parts."""
    gains = generator.normal(_PART_GAIN_DB, _PART_SPREAD_DB)[:, None] + np.stack(
        [curve(parts.shape[2], generator, 3.0) for _ in range(DRUM_PARTS)]
    )
    drums = parts[:DRUM_PARTS] * gain_of(gains)[:, None]
    if generator.random() < 0.5:
        drums = np.stack([retuned(part, int(generator.integers(-2, 3))) for part in drums])
    if generator.random() < 0.6:
        drums = in_room(drums, generator)
    band_db = generator.uniform(-45, -18) if context == "drums" else generator.normal(0, 5)
    band = parts[DRUM_PARTS:] * gain_of(band_db + generator.normal(0, 3, 2))[:, None, None]
    if context == "drums" and generator.random() < 0.5:
        band = band * 0
    elif generator.random() < 0.3:
        band = compressed(band, generator)
    heard = np.concatenate([drums, band])
    if context == "separated":
        heard = masked(heard, DRUM_PARTS, generator)
    return heard, heard[:DRUM_PARTS]


def _coloured(parts: Floats, generator: np.random.Generator) -> Floats:
    """Parts through one equaliser, compressor and band-pass."""
    bands = parts.shape[2]
    colour = curve(bands, generator, 3.0) + generator.normal(0, 3) * np.linspace(-1, 1, bands)
    if generator.random() < 0.12:
        colour[int(generator.integers(bands // 2, bands)) :] -= generator.uniform(15, 50)
    if generator.random() < 0.08:
        colour[: int(generator.integers(1, 8))] -= generator.uniform(10, 30)
    parts = parts * gain_of(colour)
    return compressed(parts, generator) if generator.random() < 0.5 else parts


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


def _levels(power: Floats) -> Floats:
    """Levels of power that is 1 for a full-scale sine."""
    return levels(power * np.float32(MEL.full_scale))


def _parts_of(hits: Reals) -> NDArray[np.intp]:
    """The drum part of each hit."""
    parts: NDArray[np.intp] = np.array(PART_OF_VOICE, np.intp)[hits[:, 1].astype(int)]
    return parts


def _labelled(hits: Reals, beats: Reals, made: Floats, audible: Floats, start: int) -> Example:
    """The example of levels: targets of one frame, half as high in the next ones."""
    frames, voices = len(made), len(VOICES)
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
    return Example(made, targets, weights, velocities, velocity_weights)


def _mark(column: Floats, frame: int) -> None:
    for offset, value in ((-1, 0.5), (0, 1.0), (1, 0.5)):
        if 0 <= frame + offset < len(column):
            column[frame + offset] = max(column[frame + offset], value)


def _arrays(example: Example) -> tuple[Floats, ...]:
    return tuple(vars(example).values())
