"""What bars are found in: a row of features for each beat of a song.

Drums alone do not always tell where a bar begins, so that the features also say how similar a beat
is to those before it: in its bass, its harmony, its timbre and its rhythm. It is the idea of F.
Krebs et al., "Downbeat tracking using beat-synchronous features and recurrent networks" (ISMIR
2016); similarities in place of chroma make no difference between keys.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.io.arrays import Floats
from drumkit_cli.listening.config import OUTPUTS
from drumkit_cli.listening.levels import FRAME_RATE, MEL, PITCH_FRAMES
from drumkit_cli.listening.voices import VOICES

PARTS: Final = 4
"""Parts of a beat, at each of which drums and rises are looked at."""
LAGS: Final = range(1, 9)
"""Beats back that a beat is compared with."""
RISE_BANDS: Final = (0, 4, 16, 40, MEL.mels)
DRUM_FEATURES: Final = PARTS * (len(VOICES) + 1 + len(RISE_BANDS) - 1)
"""How many of the features, the first, tell of drums and onsets; the others compare beats."""
FEATURES: Final = DRUM_FEATURES + 4 * len(LAGS)

_NEAR_FRAMES: Final = 2
_PITCHES_AROUND: Final = 4
_BASS_PITCHES: Final = 24
"""The lowest pitches, two octaves, are the bass."""
_ONE_BEAT_SECONDS: Final = 0.5


@dataclass(frozen=True)
class Heard:
    """What is kept of a song to find its beats and bars in; of uint8, 255 stands for 1.

    Attributes:
        activations: float32 `[T, 8]` of the ear's `OUTPUTS`.
        rises: uint8 `[T, 4]`, how much levels rise from the frame before, in each of four bands.
        timbre: uint8 `[t, F]`, mean levels of `PITCH_FRAMES` frames each.
        pitches: uint8 `[t, P]`, levels of the pitches.
    """

    activations: Floats
    rises: NDArray[np.uint8]
    timbre: NDArray[np.uint8]
    pitches: NDArray[np.uint8]


def keep(
    levels: Floats, before: Floats, activations: Floats
) -> tuple[Floats, NDArray[np.uint8], NDArray[np.uint8]]:
    """Activations, rises and timbre, as `Heard` has them, of frames from a multiple of ten on.

    Args:
        levels: `[T, F]`.
        before: `[F]`, the frame before them.
        activations: `[T, 14]`.
    """
    rising = np.maximum(np.diff(levels, axis=0, prepend=before[None]), 0)
    rises = np.stack([rising[:, low:high].mean(1) for low, high in pairwise(RISE_BANDS)], 1)
    starts = np.arange(0, len(levels), PITCH_FRAMES)
    sizes = np.diff(starts, append=len(levels))
    timbre = np.asarray(np.add.reduceat(levels, starts) / sizes[:, None], np.float32)
    return activations[:, : len(OUTPUTS)], _bytes(rises), _bytes(timbre)


def near(curves: NDArray[Any], seconds: NDArray[np.float64]) -> NDArray[Any]:
    """The highest values of curves `[T, C]` around times of any shape: `[..., C]`."""
    frames = np.rint(seconds * FRAME_RATE).astype(int)
    around = range(-_NEAR_FRAMES, _NEAR_FRAMES + 1)
    last = len(curves) - 1
    highest: NDArray[Any] = np.max([curves[np.clip(frames + n, 0, last)] for n in around], 0)
    return highest


def beat_features(heard: Heard, beats: NDArray[np.float64]) -> Floats:
    """Features `[n, FEATURES]` of beats at so many seconds, at least one, sorted."""
    count = len(beats)
    lengths = np.diff(beats) if count > 1 else np.full(1, _ONE_BEAT_SECONDS)
    lengths = np.append(lengths, lengths[-1])[:count]
    parts = beats[:, None] + lengths[:, None] * np.arange(PARTS) / PARTS  # [n, PARTS]
    drums = near(heard.activations, parts)[..., : len(VOICES) + 1]
    rises = near(heard.rises, parts)
    rises = rises / max(int(rises.max()), 1)
    edges = np.append(beats, beats[-1] + lengths[-1])
    timbre = _means(heard.timbre, edges)
    tones = _tones(_means(heard.pitches, edges))
    compared = (
        _chroma(tones[:, :_BASS_PITCHES]),
        _chroma(tones[:, _BASS_PITCHES:]),
        timbre - timbre.mean(0),
        drums[..., : len(VOICES)].reshape(count, -1),
    )
    columns = [drums.reshape(count, -1), rises.reshape(count, -1), *map(_similarities, compared)]
    return np.asarray(np.concatenate(columns, 1), np.float32)


def _bytes(values: Floats) -> NDArray[np.uint8]:
    return np.asarray(np.rint(values * 255), np.uint8)


def _means(rows: NDArray[np.uint8], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means of rows `[t, C]`, `PITCH_FRAMES` frames each, between each two edges in seconds.

    Means of levels, which are decibels, are hardly moved by a drum that is loud for a moment.
    """
    sums = np.concatenate([np.zeros((1, rows.shape[1])), np.cumsum(rows, 0, np.float64)])
    places = np.rint(edges * (FRAME_RATE / PITCH_FRAMES)).astype(int)
    starts = np.clip(places[:-1], 0, len(rows) - 1)
    ends = np.clip(places[1:], starts + 1, len(rows))
    means: NDArray[np.float64] = (sums[ends] - sums[starts]) / (ends - starts)[:, None]
    return means


def _tones(pitches: NDArray[np.float64]) -> NDArray[np.float64]:
    """By how much each pitch `[n, P]` rises above the mean of those around it."""
    padded = np.pad(pitches, ((0, 0), (_PITCHES_AROUND, _PITCHES_AROUND)), mode="edge")
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * _PITCHES_AROUND + 1, axis=1)
    return np.asarray(np.maximum(pitches - around.mean(-1), 0))


def _chroma(tones: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums over octaves: `[n, P]` to `[n, 12]`."""
    octaves = -(-tones.shape[1] // 12)
    padded = np.pad(tones, ((0, 0), (0, 12 * octaves - tones.shape[1])))
    return np.asarray(padded.reshape(len(tones), octaves, 12).sum(1))


def _similarities(rows: NDArray[np.floating]) -> NDArray[np.floating]:
    """Cosines of each row `[n, C]` and those `LAGS` before it, `[n, 8]`; 0 where there are none."""
    units = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)
    found = np.zeros((len(rows), len(LAGS)))
    for column, lag in enumerate(LAGS):
        found[lag:, column] = (units[lag:] * units[: len(units) - min(lag, len(units))]).sum(1)
    return found
