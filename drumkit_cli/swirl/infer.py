"""Endless drums: measures generated along a path through noise space (Eq. 8)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.arguments import require_tempo, require_within
from drumkit_cli.io.arrays import Floats
from drumkit_cli.learning.models import load_model
from drumkit_cli.learning.network import open_network
from drumkit_cli.midi.drum_maps import VOICE_NAMES
from drumkit_cli.midi.track import Track
from drumkit_cli.patterns.drum_file import drum_track
from drumkit_cli.patterns.pattern_sets import PATTERN_MEASURES, PATTERN_STEPS
from drumkit_cli.patterns.ruler import MEASURE_STEPS
from drumkit_cli.swirl.walk import MEASURES_MAX, OMEGAS, SPEED, TEMPO_BPM, Walk

if TYPE_CHECKING:
    from drumkit_cli.learning.checkpoint import Checkpoint

DEFINITION: Final = "drumkit_cli.swirl.model"
SILENCE: Final = 0.05
"""Velocity below which a note is not played."""
BATCH: Final = 64
TIMING_STEPS: Final = 0.06
"""Standard deviation of humanised onsets, in sixteenths: 7 ms at 129 bpm."""
TIMING_MAX_STEPS: Final = 0.2
DYNAMICS: Final = 0.08
"""Standard deviation of humanised velocities, relative to the velocity."""


class Drummer:
    """The generator with its weights, from NumPy to NumPy."""

    def __init__(self, checkpoint: Checkpoint, device: str = "cpu") -> None:
        """Open the network of a checkpoint; raises as `open_network`."""
        self._network = open_network(checkpoint, device, DEFINITION)
        self.weights_sha256 = checkpoint.sha256

    def play(self, noise: Floats) -> Floats:
        """Generate patterns ``[N, V, T]`` of velocities 0..1 from noise ``[N, 2]``.

        Raises:
            BadDataError: the weights are of another network.
        """
        shape = (len(noise), len(VOICE_NAMES), PATTERN_STEPS)
        (made,) = self._network.run("play", [noise], [shape])
        return np.where(made < SILENCE, 0, made).astype(np.float32)


def swirl(
    measures: int = 16,
    *,
    omegas: tuple[float, float, float, float] = OMEGAS,
    speed: float = SPEED,
    start: float = 0.0,
    humanize: bool = False,
    tempo_bpm: float = TEMPO_BPM,
    seed: int = 0,
    weights: str | Path | None = None,
    device: str = "cpu",
) -> Track:
    """Generate endless drums: a smooth path through the patterns of a generator.

    Consecutive measures are those of a phrase of four, which changes steadily. The model is loaded
    once a process.

    Args:
        measures: number of measures of 4/4, 1 to 1,000,000.
        omegas: the four frequencies of the path, each within -1e6 to 1e6.
        speed: increase of the path's parameter in a measure, -10 to 10; its period is 2 pi.
        start: parameter at the first measure, -1e9 to 1e9; ``start + measures * speed`` continues.
        humanize: vary onsets and velocities slightly at random.
        tempo_bpm: quarter notes per minute, 4 to 1000.
        seed: selects other patterns unless it is 0, and the random variation of hits.
        weights: a weights file, or a folder with one, in place of the shipped ones.
        device: "cpu", "cuda", "mps" or "auto".

    Returns:
        A track of General MIDI drums on channel 10.

    Raises:
        UsageError: a value out of range, or no such device.
        BadDataError: `weights` are of another model.
        MissingInputError: `weights` does not exist.
        UnavailableError: this machine has no such device.

    Example:
        >>> track = drumkit.swirl(measures=8, humanize=True)
        >>> drumkit.write_midi("drums.mid", track)
    """
    require_within("measures", measures, 1, MEASURES_MAX)
    require_tempo(tempo_bpm)
    walk = Walk(omegas, speed, start, seed)
    drummer = load_model(Drummer, "swirl", weights, device)
    return drum_track(play(drummer, measures, walk, humanize=humanize), tempo_bpm)


def play(
    drummer: Drummer, count: int, walk: Walk, *, humanize: bool
) -> Iterator[tuple[Floats, Floats | None]]:
    """Yield measures as `measures` does, with their offsets in sixteenths, or None without any."""
    played = measures(drummer, count, walk)
    if humanize:
        return humanized(played, math.floor(walk.first_measure), walk.seed)
    return ((velocities, None) for velocities in played)


def places(times: NDArray[np.floating[Any]], walk: Walk) -> Floats:
    """Points ``[N, 2]`` of the path at times t (Eq. 8): real and imaginary part of f."""
    first, *rest = (np.exp(1j * omega * times) for omega in walk.omegas)
    curve = first - rest[0] / 2 + rest[1] / 3 + rest[2] / 4
    if walk.seed:
        curve = curve * np.exp(2j * np.pi * np.random.default_rng(walk.seed).random())
    found: Floats = np.stack([curve.real, curve.imag], axis=-1).astype(np.float32)
    return found


def measures(drummer: Drummer, count: int, walk: Walk) -> Iterator[Floats]:
    """Yield measures ``[V, 16]`` of velocities along a path.

    Measure n is quarter n mod 4 of the pattern that is generated at its point of the path.
    """
    first = walk.first_measure
    for begin in range(0, count, BATCH):
        numbers = first + np.arange(begin, min(begin + BATCH, count))
        times = numbers * walk.speed if walk.speed else np.full(len(numbers), walk.start)
        patterns = drummer.play(places(times, walk))
        for number, pattern in zip(numbers, patterns, strict=True):
            at = MEASURE_STEPS * (math.floor(number) % PATTERN_MEASURES)
            yield pattern[:, at : at + MEASURE_STEPS]


def humanized(
    played: Iterator[Floats], first: int = 0, seed: int = 0
) -> Iterator[tuple[Floats, Floats]]:
    """Vary velocities ``[V, 16]`` at random and yield them with random offsets in sixteenths.

    The paper's remedy for a mechanical impression ("Robot experiment"). The variation depends on
    the number of a measure, counted from ``first``, and on the seed alone.
    """
    for number, velocities in enumerate(played, first):
        generator = np.random.default_rng([seed, number % (1 << 63)])
        late, loud = generator.standard_normal((2, *velocities.shape)).astype(np.float32)
        offsets = np.clip(TIMING_STEPS * late, -TIMING_MAX_STEPS, TIMING_MAX_STEPS)
        varied = np.clip(velocities * (1 + DYNAMICS * loud), 1 / 127, 1)
        hit = velocities > 0
        yield np.where(hit, varied, 0).astype(np.float32), np.where(hit, offsets, 0)
