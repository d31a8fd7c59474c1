"""Workers: processes of this machine or of a Dask cluster, each of which loads a model once.

A worker runs the command's own function for one input after another, as the command line would.
"""

import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import active_children, connection, get_context, parent_process
from pathlib import Path
from types import FrameType
from typing import Any, Final

from drumkit_cli import console, errors
from drumkit_cli.batch import outcomes
from drumkit_cli.batch.outcomes import Outcome
from drumkit_cli.errors import DrumkitError, StreamError, Terminated, UnavailableError, UsageError
from drumkit_cli.io import calls, provenance
from drumkit_cli.io.calls import Call
from drumkit_cli.io.extras import require_extra

TRIES: Final = 3
"""Workers that one input may end before it counts as failed."""
_GRACE_SECONDS: Final = 5.0
_ENDING: Final = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
QUEUED: Final = 2
"""Inputs that a cluster's scheduler holds for each of its threads."""


@dataclass(frozen=True)
class Task:
    """One input for a worker.

    Attributes:
        call: the command.
        path: the input.
        subfolder: for its outputs.
        folder: that relative paths start from.
        is_quiet: whether only errors are told.
        is_verbose: whether details are told.
        processes: workers that share the cores of a machine; 0 leaves that to the worker.
    """

    call: Call
    path: str
    subfolder: str
    folder: str
    is_quiet: bool
    is_verbose: bool
    processes: int


def work(task: Task) -> tuple[str, bool, list[str], float, tuple[str, str, str] | None]:
    """Run a command for one input, in a worker; the fields of an `Outcome`, a failure as texts."""
    with outcomes.WORKING:  # the working folder is the process's
        began = time.monotonic()
        alone = task.call.of_one(task.path)
        os.chdir(task.folder)
        console.configure(quiet=task.is_quiet, verbose=task.is_verbose)
        provenance.record_command_line(alone.arguments)
        calls.record(alone, {task.path: task.subfolder})
        if task.processes:
            from drumkit_cli.learning.parallel import share_cores

            share_cores(task.processes)
        outcomes.start()
        failure = None
        try:
            alone.run()
        except DrumkitError as error:
            failure = type(error).__name__, error.cause, error.remedy
        except Terminated as request:  # what was half made is gone; the executor would go on
            os._exit(128 + request.signal_number)
        except MemoryError:
            failure = StreamError.__name__, f"{task.path}: not enough memory", ""
        except OSError as error:
            failure = StreamError.__name__, f"{task.path}: {error.strerror or error}", ""
        done = outcomes.reported() or Outcome(task.path)
        return task.path, done.is_skipped, done.outputs, time.monotonic() - began, failure


def run_all(paths: Sequence[str], jobs: int, cluster: str | None) -> Iterator[Outcome]:
    """Work on inputs in several processes, and yield what became of each as it is known.

    A worker that dies is replaced, and its input given to another, `TRIES` times at most.

    Args:
        paths: the inputs.
        jobs: worker processes on this machine.
        cluster: the address of a Dask scheduler, whose workers are taken instead.

    Raises:
        UnavailableError: there is no such cluster, or dask.distributed is not installed.
        UsageError: as the command, of the first input that shows it.
    """
    tasks = [
        Task(
            calls.current(),
            path,
            calls.folder_of(path),
            str(Path.cwd()),
            console.is_quiet(),
            console.is_verbose(),
            0 if cluster else jobs,
        )
        for path in paths
    ]
    if cluster is not None:
        with _cluster(cluster) as (executor, threads):
            yield from _drive(tasks, [executor] * (QUEUED * threads), lambda lost: lost)
        return
    with _processes(min(jobs, len(tasks))) as (slots, renew):
        yield from _drive(tasks, slots, renew)


def _drive(
    tasks: Sequence[Task], slots: Sequence[Executor], renew: Callable[[Executor], Executor]
) -> Iterator[Outcome]:
    """Keep every slot at work until all tasks have an outcome."""
    waiting = deque((task, 1) for task in tasks)
    idle = list(slots)
    running: dict[Future[Any], tuple[Executor, Task, int]] = {}
    while waiting or running:
        while waiting and idle:
            task, attempt = waiting.popleft()
            slot = idle.pop()
            with _undisturbed():  # a process that is being started is in no list yet
                running[slot.submit(work, task)] = slot, task, attempt
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            slot, task, attempt = running.pop(future)
            try:
                outcome = _outcome(future.result())
            except BrokenProcessPool:
                slot = renew(slot)
                if attempt < TRIES:
                    console.warn(f"a worker died at {task.path}; another one tries again")
                    waiting.append((task, attempt + 1))
                    outcome = None
                else:
                    outcome = _died(task.path)
            except Exception as failure:  # noqa: BLE001 - the scheduler's, such as KilledWorker
                outcome = _lost(task.path, failure)
            idle.append(slot)
            if outcome is not None:
                if isinstance(outcome.failure, UsageError | UnavailableError):
                    raise outcome.failure
                yield outcome


def _outcome(made: tuple[str, bool, list[str], float, tuple[str, str, str] | None]) -> Outcome:
    path, is_skipped, outputs, seconds, failure = made
    if failure is None:
        return Outcome(path, is_skipped, outputs, seconds)
    kind, cause, remedy = failure
    return Outcome(path, is_skipped, outputs, seconds, getattr(errors, kind)(cause, remedy))


def _died(path: str) -> Outcome:
    return Outcome(
        path,
        failure=StreamError(
            f"{path}: {TRIES} workers died at it", "it may need more memory than there is"
        ),
    )


def _lost(path: str, failure: Exception) -> Outcome:
    if type(failure).__name__ == "KilledWorker":
        return _died(path)
    return Outcome(path, failure=StreamError(f"{path}: {type(failure).__name__}: {failure}"))


@contextmanager
def _processes(count: int) -> Iterator[tuple[list[Executor], Callable[[Executor], Executor]]]:
    """Executors of one process each, so that one that dies takes no other input with it."""
    slots: list[Executor] = []

    def start() -> Executor:
        executor = ProcessPoolExecutor(1, get_context("spawn"), _become_worker)
        slots.append(executor)
        return executor

    def renew(lost: Executor) -> Executor:
        lost.shutdown()
        slots.remove(lost)
        return start()

    try:
        for _ in range(count):
            start()
        yield list(slots), renew
    except BaseException:
        _end_workers()
        for executor in slots:
            with suppress(RuntimeError):  # a signal came while it was being started
                executor.shutdown(cancel_futures=True)
        raise
    for executor in slots:
        executor.shutdown()


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Hold signals that end the program back until the block is done."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end_workers() -> None:
    """Let the worker processes undo what is half made, and end them."""
    children = active_children()
    for child in children:
        child.terminate()
    for child in children:
        child.join(_GRACE_SECONDS)
        if child.is_alive():
            child.kill()
            child.join()


def _become_worker() -> None:
    """Prepare a worker process: signals undo what is half made, and it ends with its parent."""

    def unwind(signal_number: int, _frame: FrameType | None) -> None:
        if outcomes.is_worker():
            raise Terminated(signal_number)
        os._exit(128 + signal_number)

    signal.signal(signal.SIGTERM, unwind)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent tells what to do
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
    parent = parent_process()
    assert parent is not None

    def follow() -> None:
        connection.wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=follow, daemon=True).start()


@contextmanager
def _cluster(address: str) -> Iterator[tuple[Executor, int]]:
    """An executor on a Dask cluster, and the number of its threads."""
    require_extra("cluster", "--cluster")
    from distributed import Client

    try:
        client = Client(address, timeout="5s", set_as_default=False)
    except (OSError, ValueError, TimeoutError) as failure:
        raise UnavailableError(
            f"no Dask scheduler answers at {address}", "start one: dask scheduler"
        ) from failure
    with client:
        threads = sum(client.nthreads().values())
        if not threads:
            raise UnavailableError(
                f"the cluster at {address} has no workers", f"dask worker {address}"
            )
        executor = client.get_executor(pure=False)
        try:
            yield executor, threads
        except BaseException:
            with suppress(Exception):
                executor.shutdown(wait=False)
            raise
