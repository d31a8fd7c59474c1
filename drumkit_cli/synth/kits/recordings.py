"""Recorded sounds of a voice: files by velocity, several of one velocity taking turns."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import numpy as np

from drumkit_cli.io.arrays import Floats
from drumkit_cli.io.streams import Input, open_input

VELOCITIES: Final = (1, 127)
"""The softest and the hardest hit of MIDI."""
LONGEST_SECONDS: Final = 20.0
"""What is longer is cut, with a fade."""
SILENT_LEVEL: Final = 10 ** (-60 / 20)
"""Below this share of its peak a file is silent at its ends, which are cut off."""
FADE_SECONDS: Final = 0.005


@dataclass(frozen=True)
class Recording:
    """A file that plays hits of some velocities.

    Attributes:
        path: of an audio file.
        low, high: MIDI velocities that it plays, both included.
        gain_db: gain of the file as it is; None brings it to full scale by its peak.
    """

    path: str
    low: int = VELOCITIES[0]
    high: int = VELOCITIES[1]
    gain_db: float | None = None


@dataclass(frozen=True)
class Recordings:
    """The recordings of a voice, one or more."""

    takes: tuple[Recording, ...]

    @property
    def layers(self) -> tuple[tuple[Recording, ...], ...]:
        """The recordings by range of velocities, from soft to hard; those of one take turns."""
        takes = sorted(self.takes, key=_range)
        return tuple(tuple(layer) for _, layer in groupby(takes, key=_range))

    def layer(self, velocity: int) -> int:
        """The first layer that plays a velocity, or the nearest to it."""
        distances = [
            max(layer[0].low - velocity, velocity - layer[0].high, 0) for layer in self.layers
        ]
        return distances.index(min(distances))


def by_velocity(layers: Sequence[Sequence[str]]) -> Recordings:
    """Recordings of paths in layers from soft to hard, which share the velocities evenly."""
    count, (_, hardest) = len(layers), VELOCITIES
    takes = [
        Recording(path, 1 + hardest * place // count, hardest * (place + 1) // count)
        for place, paths in enumerate(layers)
        for path in paths
    ]
    return Recordings(tuple(takes))


def read_recording(recording: Recording, rate: int) -> Floats:
    """Samples ``[C, n]`` of a recording at a rate: mono or stereo, others are mixed to mono.

    Raises:
        MissingInputError: there is no such file.
        BadDataError: it is not audio, or damaged.
    """
    with open_input(recording.path) as source:
        samples = read_samples(source, rate)
    peak = float(np.abs(samples).max(initial=0))
    if recording.gain_db is not None:
        return samples * np.float32(10 ** (recording.gain_db / 20))
    return samples / np.float32(peak) if peak else samples


def read_samples(source: Input, rate: int) -> Floats:
    """Samples ``[C, n]`` of an audio file, without the silence at both ends.

    Raises:
        BadDataError: it is not audio, or damaged.
    """
    from drumkit_cli.audio.reader import AudioReader, resample

    with AudioReader(source) as reader:
        reader.check_finite()
        longest = round(LONGEST_SECONDS * reader.rate)
        samples = next(reader.blocks(longest), np.zeros((1, 0), np.float32))
        is_cut = reader.frames > longest
        own_rate = reader.rate
    if len(samples) > 2:
        samples = samples.mean(0, keepdims=True)
    samples = _trimmed(resample(samples, own_rate, rate))
    if is_cut:
        fade = min(round(FADE_SECONDS * rate), samples.shape[1])
        samples[:, samples.shape[1] - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)
    return samples


def _range(recording: Recording) -> tuple[int, int]:
    return recording.low, recording.high


def _trimmed(samples: Floats) -> Floats:
    loudness = np.abs(samples).max(0)
    sounding = np.flatnonzero(loudness > SILENT_LEVEL * loudness.max(initial=0))
    if not len(sounding):
        return np.zeros((len(samples), 1), np.float32)
    return samples[:, sounding[0] : sounding[-1] + 1].copy()
