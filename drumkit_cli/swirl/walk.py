"""The path through the generator's noise space (Eq. 8), whose settings are checked before imports.

Measure n lies at ``t = n * speed`` of the path. A run that starts where another one ended continues
it.
"""

import math
from dataclasses import dataclass
from typing import Final

from drumkit_cli.arguments import require_seed, require_within

MEASURES_MAX: Final = 1_000_000
TEMPO_BPM: Final = 129.0
OMEGAS: Final = (2.0, 19.0, -20.0, 20.0)
SPEED: Final = 2 * math.pi / 1984
"""Increase of t in a measure of 4/4. The paper's path repeats after 124 patterns of four measures;
at a quarter of its speed the measures of a phrase fit together."""
SPEED_MAX: Final = 10.0
OMEGA_MAX: Final = 1e6
START_MAX: Final = 1e9
FIRST_MEASURE_MAX: Final = 1e12
"""Largest number of the first measure: beyond, floats do not distinguish consecutive measures."""


@dataclass(frozen=True)
class Walk:
    """A path through noise space, and the motion along it.

    Attributes:
        omegas: the four frequencies of the path.
        speed: increase of t in a measure.
        start: t of the first measure.
        seed: a seed other than 0 rotates the path about the origin by a random angle.

    Raises:
        UsageError: a number is not finite, or out of range.
    """

    omegas: tuple[float, float, float, float] = OMEGAS
    speed: float = SPEED
    start: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the numbers."""
        for omega in self.omegas:
            require_within("omega", omega, -OMEGA_MAX, OMEGA_MAX)
        require_within("speed", self.speed, -SPEED_MAX, SPEED_MAX)
        require_within("start", self.start, -START_MAX, START_MAX)
        require_seed(self.seed)
        first = self.start / self.speed if self.speed else 0.0
        require_within("first measure", first, -FIRST_MEASURE_MAX, FIRST_MEASURE_MAX)

    @property
    def first_measure(self) -> float:
        """The number of the measure at `start`, not necessarily whole; 0 at speed 0."""
        number = self.start / self.speed if self.speed else 0.0
        return float(round(number)) if abs(number - round(number)) < 1e-6 else number

    def end(self, measures: int) -> float:
        """The value of t after a number of measures."""
        return (self.first_measure + measures) * self.speed if self.speed else self.start
