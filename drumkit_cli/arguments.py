"""What arguments may be, on the command line and in Python."""

from collections.abc import Collection
from typing import Final

from drumkit_cli.errors import UsageError

SEED_MAX: Final = 2**32 - 1
RATE: Final = 44_100
"""Samples a second of generated sound: what musicians mix at."""
RATE_MIN_HZ: Final = 8_000
RATE_MAX_HZ: Final = 192_000
STEPS_MAX: Final = 1 << 20
"""Some 9 hours of sixteenths at 120 bpm: what is longer is no drum track."""


def require_within(name: str, value: float, low: float, high: float) -> None:
    """Raise UsageError unless a number is within `low` to `high`; NaN is not."""
    if not low <= value <= high:
        raise UsageError(f"{name} {value:g} is not within {low:g} to {high:g}")


def require_seed(seed: int) -> None:
    """Raise UsageError unless a number may be a seed: 0 to `SEED_MAX`."""
    require_within("seed", seed, 0, SEED_MAX)


def require_tempo(tempo_bpm: float) -> None:
    """Raise UsageError unless a number may be a tempo in quarters a minute: 4 to 1000."""
    require_within("tempo_bpm", tempo_bpm, 4, 1000)


def require_known(what: str, value: str, known: Collection[str]) -> None:
    """Raise UsageError, with the names that are known, unless a name is one of them."""
    if value not in known:
        raise UsageError(f"no {what} {value!r}", f"one of {', '.join(known)}")
