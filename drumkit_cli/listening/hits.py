"""Drum hits out of the activations of the ear."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np

from drumkit_cli.io.arrays import Floats
from drumkit_cli.listening.levels import FRAME_RATE
from drumkit_cli.listening.peaks import REACH_FRAMES, pick_peaks, refine_peaks
from drumkit_cli.listening.voices import VOICES

VELOCITY_COLUMN: Final = len(VOICES) + 2
"""The first column of activations that is a velocity."""

_CLOSED_HAT, _OPEN_HAT = VOICES.index("closed hat"), VOICES.index("open hat")
_SAME_HAT_SECONDS: Final = 0.03
_MARGIN: Final = REACH_FRAMES + 1


class Hit(NamedTuple):
    """A drum hit: when, the number of its voice, how hard (0..1) and its activation (0..1)."""

    seconds: float
    voice: int
    velocity: float
    strength: float


def hits_of(blocks: Iterable[Floats], thresholds: Sequence[float]) -> Iterator[Hit]:
    """Yield the hits in a stream of activations, sorted by time.

    Of a closed and an open hi-hat at one time, which nobody can play, the stronger is taken.

    Args:
        blocks: activations `[t, 14]` of consecutive frames, of any lengths.
        thresholds: of each voice, 0..1.
    """
    held: list[Hit] = []
    for hit in _peaks(blocks, thresholds):
        for other in held:
            if other.seconds < hit.seconds - _SAME_HAT_SECONDS or not _both_hats(other, hit):
                continue
            weaker = min(other, hit, key=lambda one: one.strength)
            held = [one for one in held if one is not weaker]
            if weaker is hit:
                break
        else:
            held.append(hit)
        ready = [one for one in held if one.seconds < hit.seconds - _SAME_HAT_SECONDS]
        yield from ready
        held = held[len(ready) :]
    yield from held


def _both_hats(one: Hit, other: Hit) -> bool:
    return {one.voice, other.voice} == {_CLOSED_HAT, _OPEN_HAT}


def _peaks(blocks: Iterable[Floats], thresholds: Sequence[float]) -> Iterator[Hit]:
    """Yield the peaks of all voices, sorted by time."""
    width = VELOCITY_COLUMN + len(VOICES)
    held = np.zeros((_MARGIN, width), np.float32)
    first = -_MARGIN  # frame of the first row that is held
    for block in _with_end(blocks, width):
        held = np.concatenate([held, block])
        found: list[Hit] = []
        for voice, threshold in enumerate(thresholds):
            peaks = pick_peaks(held[:, voice], threshold)
            peaks = peaks[(peaks >= _MARGIN) & (peaks < len(held) - _MARGIN)]
            places = refine_peaks(held[:, voice], peaks)
            for peak, place in zip(peaks, places, strict=True):
                seconds = max((first + float(place)) / FRAME_RATE, 0.0)
                velocity = float(held[peak, VELOCITY_COLUMN + voice])
                found.append(Hit(seconds, voice, velocity, float(held[peak, voice])))
        yield from sorted(found)
        first += max(len(held) - 2 * _MARGIN, 0)
        held = held[-2 * _MARGIN :]


def _with_end(blocks: Iterable[Floats], width: int) -> Iterator[Floats]:
    yield from blocks
    yield np.zeros((_MARGIN, width), np.float32)
