"""Many inputs: one fails, the rest goes on; what is made already is skipped."""

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext

from drumkit_cli import console
from drumkit_cli.batch.outcomes import Outcome, is_worker, report
from drumkit_cli.batch.records import Keeper
from drumkit_cli.errors import DrumkitError, UnavailableError, UsageError
from drumkit_cli.io import calls
from drumkit_cli.io.outputs import Destination
from drumkit_cli.io.sinks import remove_abandoned
from drumkit_cli.io.streams import write_text


def each(
    inputs: Sequence[str], job: Callable[[str], None], destination: Destination | None = None
) -> None:
    """Run a job for every input, in this process, in ``--jobs`` workers, or on a cluster.

    Outputs in a folder that are there already, made by the same command of the same input, are
    skipped, unless ``--force`` says not to. A single input's error is raised as it is. Of several,
    each error is told when it happens, the rest goes on, and the last error is raised at the end.
    Wrong usage and what is not available end it at once.

    Args:
        inputs: of the command, as `gather` gave them.
        job: makes the outputs of one input.
        destination: where they go; None for a command that only tells of its inputs.

    Raises:
        DrumkitError: a job failed.
    """
    tally = _Tally(len(inputs))
    if destination is None or not destination.is_folder:
        _require_no_folder_options()
        for outcome in _run_in_turn(inputs, job, None):
            tally.add(outcome)
        tally.finish(is_summed=False)
        return
    options = calls.current().parameters
    jobs, cluster = options.get("jobs", 1) or os.cpu_count() or 1, options.get("cluster")
    if "-" in inputs and (cluster or jobs > 1):
        raise UsageError("stdin (-) goes to no worker", "name files")
    folder = str(destination.output)
    remove_abandoned(folder)
    if cluster or (jobs > 1 and len(inputs) > 1):
        from drumkit_cli.batch.workers import run_all

        outcomes = run_all(inputs, jobs, cluster)
    else:
        outcomes = _run_in_turn(inputs, job, Keeper(folder))
    is_told = bool(options.get("lines") or options.get("json")) and not is_worker()
    several = len(inputs) > 1 and not is_worker()
    with console.progress(len(inputs), "files") if several else nullcontext() as bar:
        for outcome in outcomes:
            tally.add(outcome)
            if is_told:
                write_text(_line(outcome))
            if bar is not None:
                bar.advance(1)
    tally.finish(is_summed=not is_worker())


def _require_no_folder_options() -> None:
    """Refuse options that are of use only where outputs go to a folder."""
    options = calls.current().parameters
    if options.get("cluster") or options.get("jobs", 1) != 1:
        raise UsageError("several workers need a folder", "-o DIR")
    if options.get("lines"):
        raise UsageError("--json tells of files in a folder", "-o DIR")


class _Tally:
    """Counts what became of the inputs, and tells it."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._failures: list[DrumkitError] = []
        self._done = self._skipped = 0

    def add(self, outcome: Outcome) -> None:
        """Count an outcome; a failure that is not the last input's is told at once."""
        if outcome.failure is None:
            self._done += not outcome.is_skipped
            self._skipped += outcome.is_skipped
            if outcome.is_skipped:
                console.detail(f"{outcome.path}: is made already; --force makes it again")
            return
        self._failures.append(outcome.failure)
        if self._done + self._skipped + len(self._failures) < self._total:
            console.error(str(outcome.failure))

    def finish(self, *, is_summed: bool) -> None:
        """Tell how many were made if so wanted; raise the last failure, if there was one."""
        failed = len(self._failures)
        if is_summed and (self._total > 1 or self._skipped):
            console.info(f"{self._done} done, {self._skipped} skipped, {failed} failed")
        if failed:
            last = self._failures[-1]
            if self._total == 1:
                raise last
            count = f"{failed} of {self._total} inputs failed"
            raise type(last)(f"{last.cause} ({count})", last.remedy)


def _run_in_turn(
    inputs: Sequence[str], job: Callable[[str], None], keeper: Keeper | None
) -> Iterator[Outcome]:
    for path in inputs:
        began = time.monotonic()
        outcome = Outcome(path)
        try:
            outcome = _run_here(path, job, keeper)
        except (UsageError, UnavailableError):
            raise  # it would be so for every input
        except DrumkitError as failure:
            outcome.failure = failure
        outcome.seconds = time.monotonic() - began
        report(outcome)
        yield outcome


def _run_here(path: str, job: Callable[[str], None], keeper: Keeper | None) -> Outcome:
    """Run the job for an input, unless its outputs are there as it would make them."""
    if keeper is None or path == "-":
        job(path)
        return Outcome(path)
    if not calls.current().parameters.get("force"):
        made = keeper.made_already(path)
        if made is not None:
            return Outcome(path, is_skipped=True, outputs=made)
    calls.take_outputs()
    job(path)
    outputs = calls.take_outputs()
    keeper.keep(path, outputs)
    calls.take_outputs()  # the record itself
    return Outcome(path, outputs=outputs)


def _line(outcome: Outcome) -> str:
    """An outcome as a line of JSON."""
    status = "failed" if outcome.failure else "skipped" if outcome.is_skipped else "done"
    values = {
        "input": outcome.path,
        "status": status,
        "outputs": outcome.outputs,
        "seconds": round(outcome.seconds, 3),
        "error": None if outcome.failure is None else str(outcome.failure),
    }
    return json.dumps(values) + "\n"
