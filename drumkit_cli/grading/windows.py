"""Sounds of any length in windows that the grader measures, side by side."""

import itertools
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from drumkit_cli.grading.features import WINDOW_SAMPLES, Window
from drumkit_cli.io.arrays import Floats
from drumkit_cli.spectral.onsets import gated_level, normalising_gain

Sound = Callable[[], Iterable[Floats]]
"""Gives the mono blocks `[n]` at `MEL.rate` of a sound, from its start whenever it is called."""


def sound_of(samples: Floats | None) -> Sound | None:
    """Samples `[n]` as a sound; None for None."""
    return None if samples is None else lambda: [samples]


def windows_of(
    generated: Sound, reference: Sound | None, bass: Sound | None
) -> Iterator[tuple[Window, Window | None, Window | None]]:
    """Yield the windows of sounds, at the normal level, in which the drums or the reference sound.

    If none does, the first one.
    """
    sounds = [generated, *([reference] if reference else []), *([bass] if bass else [])]
    measured = [_measure(sound) for sound in sounds]
    length = max(n for n, _ in measured[: 2 if reference else 1])
    streams = [
        _cut(sound(), length, normalising_gain(level))
        for sound, (_, level) in zip(sounds, measured, strict=True)
    ]
    first, any_sounds = None, False
    for made, *others in zip(*streams, strict=True):
        real = others[0] if reference else None
        window = made, real, others[-1] if bass else None
        first = first or window
        if made.sounds or (real is not None and real.sounds):
            any_sounds = True
            yield window
    if not any_sounds and first:
        yield first


def _measure(sound: Sound) -> tuple[int, float]:
    """Number of samples of a sound, and its gated level in dB."""
    length = 0

    def counted() -> Iterator[Floats]:
        nonlocal length
        for block in sound():
            length += len(block)
            yield block

    level = gated_level(counted())
    return length, level


def _cut(blocks: Iterable[Floats], length: int, gain: float) -> Iterator[Window]:
    """Yield the windows of a sound that is cut, or made longer by silence, to a length.

    The last window ends with the sound; a sound that is shorter than a window is repeated.
    """
    endless = itertools.chain(blocks, itertools.repeat(np.zeros(WINDOW_SAMPLES, np.float32)))
    held = before = np.zeros(0, np.float32)
    count, rest = divmod(length, WINDOW_SAMPLES)
    for size in [WINDOW_SAMPLES] * count + [rest] * (rest > 0 or not length):
        while len(held) < size:
            held = np.concatenate([held, next(endless)])
        window, held = held[:size], held[size:]
        if size < WINDOW_SAMPLES:
            window = np.concatenate([before, window])[-WINDOW_SAMPLES:]
        before = window
        yield Window(np.resize(window, WINDOW_SAMPLES) * np.float32(gain))
