"""Many inputs: one fails, the rest goes on."""

from collections.abc import Callable, Sequence

from drumkit_cli import console
from drumkit_cli.errors import DrumkitError, UnavailableError, UsageError


def each(inputs: Sequence[str], job: Callable[[str], None]) -> None:
    """Run a job for every input.

    A single input's error is raised as it is. Of several, each error is told when it happens, the
    rest goes on, and the last error is raised at the end. Wrong usage and what is
    not available end it at once.

    Raises:
        DrumkitError: a job failed.
    """
    failures: list[DrumkitError] = []
    for position, path in enumerate(inputs):
        try:
            job(path)
        except (UsageError, UnavailableError):
            raise  # it would be so for every input
        except DrumkitError as failure:
            if len(inputs) == 1:
                raise
            failures.append(failure)
            if position < len(inputs) - 1:
                console.error(str(failure))
    if failures:
        count = f"{len(failures)} of {len(inputs)} inputs failed"
        raise type(failures[-1])(f"{failures[-1].cause} ({count})", failures[-1].remedy)
