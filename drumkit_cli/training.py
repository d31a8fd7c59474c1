"""The one fit loop: seed, device, resume, keep the best, stop at a time limit.

A feature's `train.py` gives a `Task` (what a step is, what the score is); everything that is the
same for all of them is here. Lightning Fabric carries it to CPU, CUDA, MPS and torchrun.
"""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from lightning_fabric import Fabric
from lightning_fabric.utilities.seed import seed_everything
from torch import nn
from torch.optim import Optimizer

from drumkit_cli import console
from drumkit_cli.errors import BadDataError, UnavailableError

CHECKPOINT_NAME = "last.pt"
LOG_NAME = "log.csv"
CURVES_NAME = "curves.png"


@dataclass(frozen=True)
class Run:
    """How to train: where, how long, on what.

    Attributes:
        folder: checkpoint, log and curves go here.
        output: the weights file, rewritten whenever the score is the best so far.
        time_limit_seconds: of training in all, the time before a resume included.
        resume: go on from the checkpoint in `folder`.
        device: "cpu", "cuda", "mps" or "auto".
        seed: of the weights, the batches and the augmentation.
        threads: CPU threads; 0 leaves torch's choice.
        preset: the name of the feature's recipe.
        validate_every_seconds: between two validations.
        save_every_seconds: between two checkpoints.
    """

    folder: Path
    output: Path
    time_limit_seconds: float
    resume: bool = False
    device: str = "cpu"
    seed: int = 0
    threads: int = 0
    preset: str = "cpu"
    validate_every_seconds: float = 600.0
    save_every_seconds: float = 120.0


class Task(Protocol):
    """What a feature teaches the fit loop.

    `models` and `optimizers` are all that a checkpoint holds beside the clock; averaged copies of
    a model are models too.
    """

    models: dict[str, nn.Module]
    optimizers: dict[str, Optimizer]

    def batches(self, seed: int) -> Iterator[Any]:
        """Endless training batches; the same seed gives the same ones."""

    def step(self, batch: Any, progress: float) -> dict[str, float]:  # noqa: ANN401
        """Take one optimisation step, `progress` 0..1 through the run; return its losses."""

    def validate(self) -> dict[str, float]:
        """Measure on held-out data; the key "score" decides, lower is better."""

    def export(self, path: Path, figures: Mapping[str, float]) -> None:
        """Write the weights file that `--weights` takes."""


def start(run: Run) -> Fabric:
    """Set threads, seed and device up; the Fabric that the task trains with.

    Raises:
        UnavailableError: the device is not on this machine.
    """
    if run.threads:
        torch.set_num_threads(run.threads)
    seed_everything(run.seed, verbose=False)
    run.folder.mkdir(parents=True, exist_ok=True)
    try:
        fabric = Fabric(accelerator=run.device, precision="32-true")
    except (RuntimeError, ValueError) as error:
        raise UnavailableError(f"device {run.device}: {error}", "try --device cpu") from error
    fabric.launch()
    return fabric


def fit(task: Task, run: Run, fabric: Fabric) -> dict[str, float]:
    """Train until the time limit; return the figures of the best weights.

    The best weights by validation score are at `run.output` when it returns, and whenever it is
    interrupted after the first validation; the newest state is in `run.folder`.

    Raises:
        BadDataError: `resume` is asked and the checkpoint is missing or of another model.
    """
    clock = _Clock()
    if run.resume:
        clock = _load(task, run.folder / CHECKPOINT_NAME)
        console.info(f"resumed at step {clock.steps}, {clock.seconds / 60:.1f} minutes in")
    log = _Log(run.folder / LOG_NAME, append=run.resume) if fabric.is_global_zero else None
    batches = task.batches(run.seed + 7919 * clock.steps + fabric.global_rank)
    next_validation = clock.seconds + run.validate_every_seconds
    next_save = clock.seconds + run.save_every_seconds
    try:
        with console.progress(run.time_limit_seconds, "training") as bar:
            bar.advance(clock.seconds)
            while clock.seconds < run.time_limit_seconds:
                began = time.monotonic()
                losses = task.step(next(batches), clock.seconds / run.time_limit_seconds)
                clock.steps += 1
                clock.seconds += time.monotonic() - began
                bar.advance(time.monotonic() - began)
                if log:
                    log.write(clock, losses)
                if clock.seconds >= next_save and fabric.is_global_zero:
                    _save(task, clock, run.folder / CHECKPOINT_NAME)
                    next_save = clock.seconds + run.save_every_seconds
                if clock.seconds >= next_validation:
                    _validate(task, clock, run, fabric, log)
                    next_validation = clock.seconds + run.validate_every_seconds
        _validate(task, clock, run, fabric, log)
    finally:
        if fabric.is_global_zero:
            _save(task, clock, run.folder / CHECKPOINT_NAME)
            if log:
                log.close()
                _draw_curves(run.folder)
    return clock.best


@dataclass
class _Clock:
    """How far a run is."""

    steps: int = 0
    seconds: float = 0.0
    best_score: float = float("inf")
    best: dict[str, float] = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        self.best = self.best or {}


class _Log:
    """A CSV of losses (long form: one row a value, so resumed runs and new losses just append)."""

    def __init__(self, path: Path, *, append: bool) -> None:
        fresh = not (append and path.exists())
        self._file = path.open("w" if fresh else "a", newline="", encoding="utf-8")
        self._writer = csv.writer(self._file)
        if fresh:
            self._writer.writerow(["step", "seconds", "name", "value"])

    def write(self, clock: _Clock, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self._writer.writerow([clock.steps, f"{clock.seconds:.1f}", name, f"{value:.6g}"])
        self._file.flush()

    def close(self) -> None:
        self._file.close()


def _validate(task: Task, clock: _Clock, run: Run, fabric: Fabric, log: _Log | None) -> None:
    figures = task.validate()
    if log:
        log.write(clock, {f"valid/{name}": value for name, value in figures.items()})
    shown = "  ".join(f"{name} {value:.4g}" for name, value in figures.items())
    better = figures["score"] < clock.best_score
    minutes = clock.seconds / 60
    console.info(f"step {clock.steps}, {minutes:.1f} min: {shown}{'  (best)' if better else ''}")
    if better:
        clock.best_score = figures["score"]
        clock.best = {"steps": clock.steps, "minutes": round(minutes, 1), **figures}
        if fabric.is_global_zero:
            task.export(run.output, clock.best)


def _save(task: Task, clock: _Clock, path: Path) -> None:
    """Replace the checkpoint in one move, so that a kill leaves the old or the new one."""
    state = {
        "models": {name: model.state_dict() for name, model in task.models.items()},
        "optimizers": {name: opt.state_dict() for name, opt in task.optimizers.items()},
        "clock": json.dumps(vars(clock)),
        "torch_rng": torch.get_rng_state(),
    }
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(path)


def _load(task: Task, path: Path) -> _Clock:
    if not path.exists():
        raise BadDataError(f"{path}: no checkpoint to resume", "start without --resume")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        for name, model in task.models.items():
            model.load_state_dict(state["models"][name])
        for name, optimizer in task.optimizers.items():
            optimizer.load_state_dict(state["optimizers"][name])
        torch.set_rng_state(state["torch_rng"])
        return _Clock(**json.loads(state["clock"]))
    except (RuntimeError, KeyError, ValueError, EOFError) as error:
        reason = str(error).splitlines()[0]
        raise BadDataError(
            f"{path}: not a checkpoint of this recipe ({reason})", "start without --resume"
        ) from error


def _draw_curves(folder: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    curves: dict[str, tuple[list[float], list[float]]] = {}
    with (folder / LOG_NAME).open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            minutes, values = curves.setdefault(row["name"], ([], []))
            minutes.append(float(row["seconds"]) / 60)
            values.append(float(row["value"]))
    if not curves:
        return
    figure, axes = plt.subplots(
        len(curves), 1, figsize=(8, 2 * len(curves)), sharex=True, squeeze=False
    )
    for axis, (name, (minutes, values)) in zip(axes[:, 0], sorted(curves.items()), strict=True):
        axis.plot(minutes, values, linewidth=0.6, marker="." if len(values) < 30 else None)
        axis.set_ylabel(name)
    axes[-1, 0].set_xlabel("minutes")
    figure.tight_layout()
    figure.savefig(folder / CURVES_NAME, dpi=80)
    plt.close(figure)
