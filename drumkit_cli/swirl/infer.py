"""A walk through the noise of the generator (Eq. 8), measure by measure, without end."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.patterns.grid import MEASURE_STEPS
from drumkit_cli.patterns.pattern_sets import PATTERN_MEASURES

if TYPE_CHECKING:
    from drumkit_cli.learning.checkpoint import Checkpoint

OMEGAS: Final = (2.0, 19.0, -20.0, 20.0)
SPEED: Final = 2 * math.pi / 1984
"""Of t a measure of 4/4. The paper goes round in 124 patterns of four measures; at a quarter of its
speed the measures of a phrase belong together."""
SILENCE: Final = 0.05
BATCH: Final = 64
TIMING_STEPS: Final = 0.06
"""Standard deviation of humanised onsets in sixteenths: 7 ms at 129 bpm."""
TIMING_MAX_STEPS: Final = 0.2
DYNAMICS: Final = 0.08
"""Standard deviation of humanised velocities, as a share of the velocity."""

Floats = NDArray[np.float32]


class Drummer:
    """The generator with its weights, from NumPy to NumPy."""

    def __init__(self, checkpoint: Checkpoint, device: str = "cpu") -> None:
        """Build the network of a checkpoint.

        Raises:
            BadDataError: the weights are of another network.
        """
        from drumkit_cli.errors import BadDataError
        from drumkit_cli.swirl.model import Generator, ModelConfig

        try:
            network = Generator(ModelConfig.of(checkpoint.config))
            network.load_state_dict(checkpoint.state)
        except (TypeError, KeyError, ValueError, RuntimeError) as error:
            raise BadDataError(f"{checkpoint.path}: weights of another swirl") from error
        self._network = network.eval().to(device)
        self._device = device
        self.weights_sha256 = checkpoint.sha256

    def play(self, noise: Floats) -> Floats:
        """The patterns ``[N, V, T]`` of velocities 0..1 at places ``[N, 2]``."""
        import torch

        from drumkit_cli.patterns.networks import to_velocities

        with torch.inference_mode():
            logits = self._network(torch.from_numpy(noise).to(self._device))
        made: Floats = to_velocities(logits).cpu().numpy()
        return np.where(made < SILENCE, 0, made).astype(np.float32)


def swirl(times: NDArray[np.floating], omegas: Sequence[float] = OMEGAS, seed: int = 0) -> Floats:
    """Places ``[N, 2]`` in noise space at times t (Eq. 8): real and imaginary part of f.

    A seed other than 0 turns the whole path about its centre, by an angle of its own.
    """
    first, *rest = (np.exp(1j * omega * times) for omega in omegas)
    path = first - rest[0] / 2 + rest[1] / 3 + rest[2] / 4
    if seed:
        path = path * np.exp(2j * np.pi * np.random.default_rng(seed).random())
    places: Floats = np.stack([path.real, path.imag], axis=-1).astype(np.float32)
    return places


def measure_number(time: float, speed: float) -> float:
    """The number n of the measure at time t of the path, where ``t = n * speed``.

    Whole where it is so but for rounding; 0 at speed 0.
    """
    number = time / speed if speed else 0.0
    return float(round(number)) if abs(number - round(number)) < 1e-6 else number


def measures(
    drummer: Drummer,
    count: int,
    *,
    omegas: Sequence[float] = OMEGAS,
    speed: float = SPEED,
    start: float = 0.0,
    seed: int = 0,
) -> Iterator[Floats]:
    """Yield measures ``[V, 16]`` of velocities.

    The path is at ``t = n * speed`` in measure n, which is that quarter of the pattern there that
    n has in a phrase of four measures; the first n is that of ``start``. So a run that starts where
    another ended goes on as the other would have.
    """
    first = measure_number(start, speed)
    for begin in range(0, count, BATCH):
        numbers = first + np.arange(begin, min(begin + BATCH, count))
        times = numbers * speed if speed else np.full(len(numbers), start)
        patterns = drummer.play(swirl(times, omegas, seed))
        for number, pattern in zip(numbers, patterns, strict=True):
            at = MEASURE_STEPS * (math.floor(number) % PATTERN_MEASURES)
            yield pattern[:, at : at + MEASURE_STEPS]


def humanize(
    played: Iterator[Floats], first: int = 0, seed: int = 0
) -> Iterator[tuple[Floats, Floats]]:
    """Vary the velocities of measures and give each hit an offset in sixteenths, both a little.

    The paper's own remedy ("Robot experiment"). What happens in a measure depends on its number,
    counted from ``first``, and on the seed only.
    """
    for number, velocities in enumerate(played, first):
        generator = np.random.default_rng([seed, number % (1 << 63)])
        late, loud = generator.standard_normal((2, *velocities.shape)).astype(np.float32)
        offsets = np.clip(TIMING_STEPS * late, -TIMING_MAX_STEPS, TIMING_MAX_STEPS)
        varied = np.clip(velocities * (1 + DYNAMICS * loud), 1 / 127, 1)
        hit = velocities > 0
        yield np.where(hit, varied, 0).astype(np.float32), np.where(hit, offsets, 0)
