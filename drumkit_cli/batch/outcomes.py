"""What became of an input, told by a worker to the process that it works for."""

import threading
from dataclasses import dataclass, field
from typing import Final

from drumkit_cli.errors import DrumkitError


@dataclass
class Outcome:
    """What became of an input.

    Attributes:
        path: the input.
        is_skipped: whether its outputs were there already.
        outputs: paths of what was made.
        seconds: that it took.
        failure: what went wrong; None where it went well.
    """

    path: str
    is_skipped: bool = False
    outputs: list[str] = field(default_factory=list)
    seconds: float = 0.0
    failure: DrumkitError | None = None


WORKING: Final = threading.Lock()
"""Is held while this process works on an input for another one."""


class _State:
    outcome: Outcome | None = None


def is_worker() -> bool:
    """Whether this process works on an input for another one."""
    return WORKING.locked()


def start() -> None:
    """Forget the outcome of the input before."""
    _State.outcome = None


def report(outcome: Outcome) -> None:
    """Keep an outcome for the process that this worker works for."""
    _State.outcome = outcome


def reported() -> Outcome | None:
    """The outcome that was kept; None where the command ended before."""
    return _State.outcome
