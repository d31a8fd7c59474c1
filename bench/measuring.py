"""Costs of child processes, and figures that are made of them."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DRUMKIT = (sys.executable, "-m", "drumkit_cli")
TYPER = (sys.executable, "-c", "import typer")
TORCH = (sys.executable, "-c", "import torch")


@dataclass(frozen=True)
class Cost:
    """What a child process took: wall and processor time, and its largest resident set."""

    seconds: float
    processor_seconds: float
    peak_bytes: int


@dataclass(frozen=True)
class Figure:
    """One measured figure with its target, which it must reach or stay below."""

    name: str
    value: float
    target: float
    unit: str
    at_most: bool = False

    @property
    def reached(self) -> bool:
        """Whether the target is reached."""
        return self.value <= self.target if self.at_most else self.value >= self.target


@dataclass(frozen=True)
class Plan:
    """Lengths and repetitions of a run; what is timed runs before, too, to fill the caches."""

    speed_seconds: float
    short_seconds: float
    long_seconds: float
    repeats: int
    threads: int
    runs_before: int = 1


def measure(command: Sequence[str | Path], threads: int, expected: int = 0) -> Cost:
    """Run a command to its end; raises CalledProcessError when it ends with another status."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONPATH": str(ROOT)}
    start = time.perf_counter()
    child = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert child.stderr is not None
    message = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - start
    child.stderr.close()
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != expected:
        sys.stderr.buffer.write(message)
        raise subprocess.CalledProcessError(child.returncode, command)
    scale = 1 if sys.platform == "darwin" else 1024  # getrusage's unit
    return Cost(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * scale)


def time_ratio(
    ours: Sequence[str | Path],
    theirs: Sequence[str],
    plan: Plan,
    name: str,
    target: float,
    status: int = 0,
    of: Callable[[Cost], float] = lambda cost: cost.seconds,
) -> Figure:
    """Wall time, or what `of` says, of a command over that of another, by medians of both."""
    taken: tuple[list[float], list[float]] = ([], [])
    for round_number in range(plan.runs_before + plan.repeats):
        pair = (measure(ours, plan.threads, status), measure(theirs, plan.threads))
        if round_number >= plan.runs_before:
            for times, cost in zip(taken, pair, strict=True):
                times.append(of(cost))
    ratio = statistics.median(taken[0]) / statistics.median(taken[1])
    return Figure(name, ratio, target, "x", at_most=True)


def processor_ratio(
    arguments: Sequence[str | Path], plan: Plan, name: str, target: float
) -> Figure:
    """Processor time of a command, start-up included, over that of importing torch."""
    command = [*DRUMKIT, *arguments, "-q"]
    name = f"{name} over import torch, processor time"
    return time_ratio(command, TORCH, plan, name, target, of=lambda cost: cost.processor_seconds)
