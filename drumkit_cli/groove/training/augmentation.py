"""Augmentation of performances and templates."""

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.groove.network.windowing import (
    CLOSED,
    CRASH,
    HOP_STEPS,
    KICK,
    OPEN,
    RIDE,
    SNARE,
    TOM,
    Windows,
)
from drumkit_cli.io.arrays import Floats


def vary(windows: Windows, partners: Windows, generator: np.random.Generator) -> Windows:
    """Augment performances.

    Measures and voices may come from a partner (another performance of the same genre), measures
    are swapped, windows rotated, voices exchanged, hits dropped and added, velocities and
    microtiming transformed.
    """
    velocities, timings = windows.velocities.copy(), windows.timings.copy()
    size = len(velocities)

    def take(mask: NDArray[np.bool_]) -> None:
        velocities[mask] = partners.velocities[mask]
        timings[mask] = partners.timings[mask]

    measure = np.zeros(velocities.shape, np.bool_)
    spliced = np.flatnonzero(generator.random(size) < 0.25)
    measure[spliced, HOP_STEPS:] = True
    take(measure)
    voice = (generator.random((size, 1, velocities.shape[2])) < 0.5) & (
        generator.random((size, 1, 1)) < 0.25
    )
    take(np.broadcast_to(voice, velocities.shape))
    _swap_measures(velocities, timings, generator.random(size) < 0.3)
    _rotate(velocities, timings, generator)
    _swap_voices(velocities, timings, generator)
    _drop_and_add(velocities, timings, generator)
    _bend(velocities, timings, generator)
    return Windows(velocities, timings)


def vary_templates(reduced: Floats, notes: Floats, generator: np.random.Generator) -> Floats:
    """Augment templates: some keep notes that the reduction removes, some lack a part of the rest.

    Templates of users have toms and ghost notes too.
    """
    size = len(reduced)
    rich = np.where(generator.random(size) < 0.3, generator.random(size), 0)[:, None, None]
    poor = np.where(generator.random(size) < 0.15, 0.3 * generator.random(size), 0)[:, None, None]
    kept = np.maximum(reduced, notes * (generator.random(notes.shape) < rich))
    return (kept * (generator.random(notes.shape) >= poor)).astype(np.float32)


def _swap_measures(velocities: Floats, timings: Floats, which: NDArray[np.bool_]) -> None:
    for values in (velocities, timings):
        values[which] = np.roll(values[which], HOP_STEPS, 1)


def _rotate(velocities: Floats, timings: Floats, generator: np.random.Generator) -> None:
    """Rotate a tenth of the windows by beats, and fewer by any number of steps."""
    size = len(velocities)
    chance = generator.random(size)
    beats, steps = 4 * generator.integers(1, 8, size), generator.integers(1, 32, size)
    shifts = np.where(chance < 0.1, beats, np.where(chance < 0.15, steps, 0))
    places = (np.arange(velocities.shape[1])[None] - shifts[:, None]) % velocities.shape[1]
    for values in (velocities, timings):
        values[:] = np.take_along_axis(values, places[..., None], 1)


def _swap_voices(velocities: Floats, timings: Floats, generator: np.random.Generator) -> None:
    """Exchange pairs of voices, such as ride and hi-hat, in some windows."""
    for one, other, share in (
        (CLOSED, RIDE, 0.1),
        (CLOSED, OPEN, 0.03),
        (CRASH, RIDE, 0.03),
        (SNARE, TOM, 0.04),
        (KICK, TOM, 0.02),
    ):
        which = np.flatnonzero(generator.random(len(velocities)) < share)
        for values in (velocities, timings):
            pair = values[which][..., [other, one]]
            values[which[:, None], :, np.array([one, other])] = pair.transpose(0, 2, 1)


def _drop_and_add(velocities: Floats, timings: Floats, generator: np.random.Generator) -> None:
    """Drop and add hits, at random rates for each window."""
    size = len(velocities)

    def rates(share: float, most: float) -> Floats:
        drawn = np.where(generator.random(size) < share, generator.random(size) * most, 0)
        return drawn.astype(np.float32)[:, None, None]

    dropped = generator.random(velocities.shape) < rates(0.3, 0.25)
    velocities[dropped] = 0
    timings[dropped] = 0
    added = (generator.random(velocities.shape) < rates(0.3, 0.06)) & (velocities == 0)
    velocities[added] = generator.uniform(0.1, 1, int(added.sum()))
    timings[added] = generator.normal(0, 0.25, int(added.sum())).clip(-1, 1)


def _bend(velocities: Floats, timings: Floats, generator: np.random.Generator) -> None:
    """Scale and bend the velocities, shift and stretch the timings, of half of the windows each."""
    shape = (len(velocities), 1, 1)
    some = generator.random(shape) < 0.5
    power = np.where(some, np.exp(generator.normal(0, 0.25, shape)), 1)
    gain = np.where(some, np.exp(generator.normal(0, 0.12, shape)), 1)
    hits = velocities > 0
    velocities[:] = np.where(hits, (gain * velocities**power).clip(1 / 127, 1), 0)
    some = generator.random(shape) < 0.5
    stretch = np.where(some, np.exp(generator.normal(0, 0.25, shape)), 1)
    shift = np.where(some, generator.normal(0, 0.08, shape), 0)
    timings[:] = np.where(hits, (stretch * timings + shift).clip(-1, 1), 0)
