"""The training loop of all features: device, seed, checkpoints, best weights, time limit.

A feature's `train.py` provides a `Task`, which says what a training step and the validation score
are, and `train(data, run)`, which calls `choose`, `start` and `fit` and raises what they and the
reading of the data raise. Lightning Fabric runs it on CPU, CUDA, MPS and under torchrun.
"""

import csv
import io
import json
import math
import pickle
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import torch
from lightning_fabric import Fabric
from lightning_fabric.utilities.seed import seed_everything
from torch import nn
from torch.optim import Optimizer

from drumkit_cli import console
from drumkit_cli.errors import BadDataError, OutputError, UnavailableError, UsageError
from drumkit_cli.io import sinks, streams
from drumkit_cli.learning import processes, starting

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

CHECKPOINT_NAME = "last.pt"
LOG_NAME = "log.csv"
CURVES_NAME = "curves.png"
FIRST_VALIDATION_SECONDS = 60.0
"""Training time before the first validation, at most; a tenth of a time limit below 10 minutes."""

_LOADING_FAILURES = (
    RuntimeError,
    KeyError,
    IndexError,
    TypeError,
    ValueError,
    EOFError,
    pickle.UnpicklingError,
)
"""Exceptions of reading a damaged checkpoint, or one of another recipe."""

_Recipe = TypeVar("_Recipe", bound="DataclassInstance")


@dataclass(frozen=True)
class Run:
    """Settings of a training run.

    Attributes:
        folder: folder of the checkpoint, the log and the curves.
        output: weights file, rewritten whenever the validation score improves.
        time_limit_seconds: time of all training steps, those before a resume included; preparation
            and validation do not count.
        resume: continue from the checkpoint in `folder`.
        device: "cpu", "cuda", "mps" or "auto".
        seed: seed of the initial weights, the batches and the augmentation.
        threads: CPU threads; 0 is torch's choice.
        preset: name of one of the feature's recipes.
        start: weights file, or folder of them, to start from in place of random weights;
            a resumed run goes on from its checkpoint.
        validate_every_seconds: training time between validations; the first comes earlier.
        save_every_seconds: training time between checkpoints.
    """

    folder: Path
    output: Path
    time_limit_seconds: float
    resume: bool = False
    device: str = "cpu"
    seed: int = 0
    threads: int = 0
    preset: str = "cpu"
    start: Path | None = None
    validate_every_seconds: float = 600.0
    save_every_seconds: float = 30.0


class Task(Protocol):
    """What a feature provides to the training loop.

    A checkpoint holds the state of `models`, moving averages included, and of `optimizers`.
    """

    models: dict[str, nn.Module]
    optimizers: dict[str, Optimizer]

    @property
    def parts(self) -> starting.Parts:
        """What starts from the weights of a file; critics, which no file holds, do not."""

    def batches(self, seed: int) -> Iterator[Any]:
        """Endless training batches; a seed determines them."""

    def step(self, batch: Any, progress: float) -> dict[str, float]:  # noqa: ANN401
        """Take an optimisation step at `progress` 0..1 of the run; return its losses by name."""

    def validate(self) -> dict[str, float]:
        """Measure on held-out data; weights with the lowest "score" are exported."""

    def export(self, path: Path, figures: Mapping[str, float]) -> None:
        """Write the weights file that `--weights` takes."""


def choose(presets: Mapping[str, _Recipe], name: str) -> _Recipe:
    """The recipe of a preset, of several processes each one's share of it.

    Raises:
        UsageError: there is no such preset, or the processes cannot share its batches.
    """
    if name not in presets:
        raise UsageError(f"no preset {name}", f"take one of {', '.join(presets)}")
    return processes.share_of(presets[name])


def start(run: Run) -> Fabric:
    """Prepare the folder, threads, seed and device of a run.

    Raises:
        OutputError: the folder cannot be made.
        UsageError: the folder holds a run, and `resume` is not set.
        BadDataError: `resume` is set, and there is no checkpoint.
        UnavailableError: this machine has no such device.
    """
    _claim_folder(run)
    if run.threads:
        torch.set_num_threads(run.threads)
    seed_everything(run.seed, verbose=False)
    try:
        here, machines = processes.layout()
        fabric = Fabric(
            accelerator=run.device, strategy=processes.strategy(), devices=here, num_nodes=machines
        )
    except (RuntimeError, ValueError) as error:
        raise UnavailableError(f"device {run.device}: {error}", "try --device cpu") from error
    fabric.launch()
    if not fabric.is_global_zero:
        console.configure(quiet=True)
    return fabric


def fit(task: Task, run: Run, fabric: Fabric, given: nn.Module | None = None) -> dict[str, float]:
    """Train until the time limit; return the validation figures of the best weights.

    `run.output` holds the best weights from the first validation on, even after an interruption;
    `run.folder` has the newest checkpoint. When training diverges, the last checkpoint stays.
    Training starts from the weights of `given`, see `starting_network`, which are validated first.

    Raises:
        BadDataError: the checkpoint to resume is damaged or of another model; training diverged;
            no validation gave a finite score.
    """
    clock = _Clock(_first_validation(run), run.save_every_seconds)
    if run.resume:
        clock = _load(task, run.folder / CHECKPOINT_NAME)
        console.info(f"resumed at step {clock.steps}, {clock.seconds / 60:.1f} minutes in")
    elif given is not None:
        starting.fill(task.parts, given)
    processes.copy_first(fabric, task.models)
    log = _Log(run.folder / LOG_NAME, clock.steps) if fabric.is_global_zero else None
    try:
        if given is not None:
            _validate(task, clock, run, fabric, log)
        _train(task, clock, run, fabric, log)
        _validate(task, clock, run, fabric, log)
    finally:
        if log:
            if not clock.diverged:
                _save(task, clock, run.folder / CHECKPOINT_NAME)
            log.close()
            _draw_curves(run.folder)
    if not clock.best:
        raise BadDataError(
            f"no weights: no validation in {clock.steps} steps gave a finite score",
            f"{run.folder / LOG_NAME} has the losses",
        )
    return clock.best


@dataclass
class _Clock:
    """Progress of a run in steps and seconds, times of the next validation and checkpoint."""

    next_validation: float = 0.0
    next_save: float = 0.0
    steps: int = 0
    seconds: float = 0.0
    diverged: bool = False
    best_score: float = float("inf")
    best: dict[str, float] = field(default_factory=dict)


class _Log:
    """A CSV of losses in long form: one row for each value, so that a resumed run can append."""

    def __init__(self, path: Path, steps: int) -> None:
        """Keep the rows of the steps that the checkpoint has; a killed run may have logged more."""
        kept = ["step,seconds,name,value\n"]
        if steps and path.exists():
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
            whole = (line for line in lines[1:] if line.count(",") == 3 and line.endswith("\n"))
            kept += [line for line in whole if int(line.split(",")[0]) <= steps]
        streams.write_text("".join(kept), str(path))
        self._file = path.open("a", newline="", encoding="utf-8")
        self._writer = csv.writer(self._file, lineterminator="\n")

    def write(self, clock: _Clock, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self._writer.writerow([clock.steps, f"{clock.seconds:.1f}", name, f"{value:.6g}"])
        self._file.flush()

    def close(self) -> None:
        self._file.close()


def _claim_folder(run: Run) -> None:
    """Make the run's folder; refuse one that holds another run."""
    try:
        run.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"cannot make the folder {run.folder}: {error.strerror}", "take another --run-dir"
        ) from error
    checkpoint = run.folder / CHECKPOINT_NAME
    if run.resume and not checkpoint.exists():
        raise BadDataError(f"{checkpoint}: no checkpoint to resume", "start without --resume")
    if checkpoint.exists() and not run.resume:
        raise UsageError(
            f"{run.folder} holds a run", "--resume goes on with it; or take another --run-dir"
        )
    sinks.remove_abandoned(str(run.folder))


def _first_validation(run: Run) -> float:
    tenth = run.time_limit_seconds / 10
    return min(FIRST_VALIDATION_SECONDS, tenth, run.validate_every_seconds)


def _train(task: Task, clock: _Clock, run: Run, fabric: Fabric, log: _Log | None) -> None:
    """Take steps until the time limit; validate and save at their times."""
    seed = run.seed + 7919 * clock.steps + fabric.global_rank
    torch.manual_seed(seed)
    batches = task.batches(seed)
    with console.progress(run.time_limit_seconds, "training") as bar:
        bar.advance(clock.seconds)
        while clock.seconds < run.time_limit_seconds:
            before, began = clock.seconds, time.monotonic()
            losses = task.step(next(batches), before / run.time_limit_seconds)
            clock.steps += 1
            taken, losses = processes.agree(fabric, time.monotonic() - began, losses)
            clock.seconds += taken
            bar.advance(clock.seconds - before)
            if log:
                log.write(clock, losses)
            _require_finite(losses, clock, run)
            if clock.seconds >= clock.next_save:
                clock.next_save = clock.seconds + run.save_every_seconds
                if fabric.is_global_zero:
                    _save(task, clock, run.folder / CHECKPOINT_NAME)
            if clock.seconds >= clock.next_validation:
                clock.next_validation = clock.seconds + run.validate_every_seconds
                _validate(task, clock, run, fabric, log)


def _require_finite(losses: Mapping[str, float], clock: _Clock, run: Run) -> None:
    wrong = [name for name, value in losses.items() if not math.isfinite(value)]
    if wrong:
        clock.diverged = True
        remedy = f"the best weights before are in {run.output}" if clock.best else ""
        raise BadDataError(
            f"training diverged at step {clock.steps}: no finite {', '.join(wrong)}", remedy
        )


def _validate(task: Task, clock: _Clock, run: Run, fabric: Fabric, log: _Log | None) -> None:
    # One process measures for all: their moving averages are the same.
    figures = fabric.broadcast(task.validate() if fabric.is_global_zero else {})
    if log:
        log.write(clock, {f"valid/{name}": value for name, value in figures.items()})
    shown = "  ".join(f"{name} {value:.4g}" for name, value in figures.items())
    better = math.isfinite(figures["score"]) and figures["score"] < clock.best_score
    minutes = clock.seconds / 60
    console.info(f"step {clock.steps}, {minutes:.1f} min: {shown}{'  (best)' if better else ''}")
    if better:
        clock.best_score = figures["score"]
        clock.best = {"steps": clock.steps, "minutes": round(minutes, 1), **figures}
        if fabric.is_global_zero:
            task.export(run.output, clock.best)


def _save(task: Task, clock: _Clock, path: Path) -> None:
    """Replace the checkpoint atomically."""
    state = {
        "models": {name: model.state_dict() for name, model in task.models.items()},
        "optimizers": {name: opt.state_dict() for name, opt in task.optimizers.items()},
        "clock": json.dumps(vars(clock)),
    }
    buffer = io.BytesIO()
    torch.save(state, buffer)
    with streams.open_output(str(path)) as file:
        file.write(buffer.getbuffer())


def _load(task: Task, path: Path) -> _Clock:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        for name, model in task.models.items():
            model.load_state_dict(state["models"][name])
        for name, optimizer in task.optimizers.items():
            optimizer.load_state_dict(state["optimizers"][name])
        return _Clock(**json.loads(state["clock"]))
    except _LOADING_FAILURES as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise BadDataError(
            f"{path}: not a checkpoint of this recipe ({reason})", "take another --run-dir"
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
