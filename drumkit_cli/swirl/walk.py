"""Where a walk through the noise of the generator goes (Eq. 8); light, so that it is checked early.

The path is at ``t = n * speed`` in measure n. A run that starts where another ended goes on as the
other would have.
"""

import math
from dataclasses import dataclass
from typing import Final

from drumkit_cli.arguments import require_seed, require_within

MEASURES_MAX: Final = 1_000_000
TEMPO_BPM: Final = 129.0
OMEGAS: Final = (2.0, 19.0, -20.0, 20.0)
SPEED: Final = 2 * math.pi / 1984
"""Of t a measure of 4/4. The paper goes round in 124 patterns of four measures; at a quarter of its
speed the measures of a phrase belong together."""
SPEED_MAX: Final = 10.0
OMEGA_MAX: Final = 1e6
START_MAX: Final = 1e9
FIRST_MEASURE_MAX: Final = 1e12
"""Measures to where a walk may begin: beyond, floats no longer tell one from the next."""


@dataclass(frozen=True)
class Walk:
    """A path, and how it is gone along.

    Attributes:
        omegas: the four frequencies of the path.
        speed: how far t goes in a measure.
        start: t of the first measure.
        seed: other than 0 it turns the whole path about its centre, by an angle of its own.

    Raises:
        UsageError: a number is not finite or beyond the bounds above.
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
        """The number of the measure at `start`; 0 where the walk stands still."""
        number = self.start / self.speed if self.speed else 0.0
        return float(round(number)) if abs(number - round(number)) < 1e-6 else number

    def end(self, measures: int) -> float:
        """Where t is after so many measures."""
        return (self.first_measure + measures) * self.speed if self.speed else self.start
