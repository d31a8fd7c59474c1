import csv
import itertools
import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time

import pytest
import torch
from torch import nn

from drumkit_cli.errors import BadDataError, OutputError, UsageError
from drumkit_cli.learning import training
from drumkit_cli.learning.checkpoint import load_weights, save_weights

LINE = """
import sys, time, itertools
from pathlib import Path
from tests.learning.test_training import Line
from drumkit_cli.learning import training
run = training.Run(Path(sys.argv[1]), Path(sys.argv[1]) / "line.safetensors", 60.0,
                   save_every_seconds=0.05, validate_every_seconds=0.05)
training.fit(Line(pause=0.01), run, training.start(run))
"""


class FakeTime:
    """Time that passes only while a step sleeps: a busy machine changes nothing."""

    def __init__(self):
        self.now = 0.0

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


@pytest.fixture(autouse=True)
def _fake_time(monkeypatch):
    monkeypatch.setattr(training, "time", FakeTime())


class Line:
    """Fits y = 2 x; the score is the distance of the slope. A step takes `pause` seconds."""

    def __init__(self, pause=2**-6, rate=0.05):
        torch.manual_seed(0)
        self.pause = pause
        self.slope = nn.Linear(1, 1, bias=False)
        self.models = {"slope": self.slope}
        self.parts = {"": [self.slope]}
        self.optimizers = {"sgd": torch.optim.SGD(self.slope.parameters(), rate)}
        self.seeds = []
        self.progress = []

    def batches(self, seed):
        self.seeds.append(seed)
        generator = torch.Generator().manual_seed(seed)
        for _ in itertools.count():
            yield torch.randn(8, 1, generator=generator)

    def step(self, batch, progress):
        self.progress.append(progress)
        training.time.sleep(self.pause)
        self.optimizers["sgd"].zero_grad()
        loss = (self.slope(batch) - 2 * batch).square().mean()
        loss.backward()
        self.optimizers["sgd"].step()
        return {"loss": loss.item()}

    def validate(self):
        return {"score": abs(self.slope.weight.item() - 2)}

    def export(self, path, figures):
        save_weights(path, self.slope.state_dict(), feature="line", config={}, card=figures)


def make_run(folder, seconds, **changes):
    return training.Run(folder, folder / "line.safetensors", seconds, **changes)


def fit(task, run):
    return training.fit(task, run, training.start(run))


def test_it_stops_at_the_time_limit_with_the_best_weights_written(tmp_path):
    task = Line()
    best = fit(task, make_run(tmp_path, 1.0))
    assert best["score"] < 0.1
    weights = load_weights("line", str(tmp_path / "line.safetensors"))
    assert abs(weights.tensors["weight"].item() - 2) < 0.1
    assert weights.card["score"] == best["score"]
    assert task.progress == [step / 64 for step in range(64)]


def test_the_log_and_the_curves_are_drawn(tmp_path):
    fit(Line(), make_run(tmp_path, 0.3))
    with (tmp_path / training.LOG_NAME).open() as file:
        names = {row["name"] for row in csv.DictReader(file)}
    assert names == {"loss", "valid/score"}
    assert (tmp_path / training.CURVES_NAME).read_bytes().startswith(b"\x89PNG")


def test_the_best_weights_are_kept_when_later_ones_are_worse(tmp_path):
    class Worsening(Line):
        scores = iter([0.5, 0.1, 0.7, 0.9, *itertools.repeat(1.0, 1000)])

        def validate(self):
            return {"score": next(self.scores)}

    best = fit(Worsening(), make_run(tmp_path, 0.5, validate_every_seconds=0.1))
    assert best["score"] == 0.1
    assert load_weights("line", str(tmp_path / "line.safetensors")).card["score"] == 0.1


def test_given_weights_are_validated_first_and_kept_if_none_are_better(tmp_path):
    given = nn.Linear(1, 1, bias=False)
    nn.init.constant_(given.weight, 2)
    task, run = Line(), make_run(tmp_path, 0.5)
    best = training.fit(task, run, training.start(run), given)
    assert (best["steps"], best["score"]) == (0, 0)
    assert load_weights("line", str(run.output)).tensors["weight"].item() == 2


def test_a_killed_run_resumes_from_its_last_checkpoint(tmp_path):
    with subprocess.Popen([sys.executable, "-c", LINE, str(tmp_path)]) as process:
        deadline = time.monotonic() + 100
        checkpoint = tmp_path / training.CHECKPOINT_NAME
        while not checkpoint.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.5)
        os.kill(process.pid, signal.SIGKILL)
    state = torch.load(checkpoint, weights_only=True)
    slope = state["models"]["slope"]["weight"].item()
    task = Line(rate=1e-9)
    fit(task, make_run(tmp_path, 1e-9, resume=True))  # its time is up: it only loads
    assert task.progress == []
    assert task.slope.weight.item() == pytest.approx(slope)
    task = Line()
    seconds = json.loads(state["clock"])["seconds"]
    fit(task, make_run(tmp_path, seconds + 0.1, resume=True))
    assert task.seeds[0] != 0  # other batches than those it has seen


def save_always(folder, resume):
    training.time = time
    settings = {"save_every_seconds": 0.0, "validate_every_seconds": 0.05, "resume": resume}
    fit(Line(pause=0.001), make_run(folder, 60.0, **settings))


def test_a_kill_at_any_moment_leaves_a_whole_checkpoint_and_log(tmp_path):
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    checkpoint, draw, steps = tmp_path / training.CHECKPOINT_NAME, random.Random(0), 0
    for _ in range(6):
        before = checkpoint.stat().st_mtime_ns if steps else 0
        process = context.Process(target=save_always, args=(tmp_path, steps > 0))
        process.start()
        deadline = time.monotonic() + 100
        while not checkpoint.exists() or checkpoint.stat().st_mtime_ns == before:
            assert time.monotonic() < deadline
            time.sleep(0.001)
        time.sleep(draw.uniform(0, 0.1))
        process.kill()
        process.join(100)
        saved = json.loads(torch.load(checkpoint, weights_only=True)["clock"])["steps"]
        assert saved > steps
        steps = saved
    with (tmp_path / training.LOG_NAME).open("a") as file:
        file.write(f"{steps + 1},1.0,loss,0.1\n{steps},0.")  # not saved, and half written
    fit(Line(), make_run(tmp_path, 60.0, resume=True, save_every_seconds=100.0))
    with (tmp_path / training.LOG_NAME).open() as file:
        logged = [int(row["step"]) for row in csv.DictReader(file) if row["name"] == "loss"]
    assert logged == list(range(1, len(logged) + 1))
    assert len(logged) > steps


def test_resuming_nothing_is_an_error(tmp_path):
    with pytest.raises(BadDataError, match="no checkpoint to resume"):
        fit(Line(), make_run(tmp_path, 0.1, resume=True))


def test_resuming_another_models_run_is_an_error(tmp_path):
    fit(Line(), make_run(tmp_path, 0.05))
    other = Line()
    other.models = {"slope": nn.Linear(3, 1)}
    with pytest.raises(BadDataError, match="not a checkpoint of this recipe"):
        fit(other, make_run(tmp_path, 0.1, resume=True))


@pytest.mark.parametrize("content", [b"", b"junk" * 100, b"\x80", b"PK\x03\x04"])
def test_a_damaged_checkpoint_is_an_error(tmp_path, content):
    (tmp_path / training.CHECKPOINT_NAME).write_bytes(content)
    with pytest.raises(BadDataError, match="not a checkpoint"):
        fit(Line(), make_run(tmp_path, 0.1, resume=True))


def test_a_run_is_not_replaced_unasked(tmp_path):
    (tmp_path / training.CHECKPOINT_NAME).write_bytes(b"precious")
    with pytest.raises(UsageError, match="holds a run; --resume"):
        training.start(make_run(tmp_path, 0.1))


def test_a_run_folder_that_is_a_file_is_an_output_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot make the folder"):
        training.start(make_run(tmp_path / "file", 0.1))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_training_that_diverges_stops_and_keeps_the_state_before(tmp_path, value):
    class Diverging(Line):
        def step(self, batch, progress):
            losses = super().step(batch, progress)
            return losses if len(self.progress) < 20 else {"loss": value}

    run = make_run(tmp_path, 60.0, save_every_seconds=0.05)
    with pytest.raises(BadDataError, match="diverged at step 20: no finite loss"):
        fit(Diverging(), run)
    state = torch.load(tmp_path / training.CHECKPOINT_NAME, weights_only=True)
    assert 0 < json.loads(state["clock"])["steps"] < 20


def test_a_run_without_a_finite_score_is_no_success(tmp_path):
    class Unmeasured(Line):
        def validate(self):
            return {"score": float("nan")}

    with pytest.raises(BadDataError, match="no validation in"):
        fit(Unmeasured(), make_run(tmp_path, 0.1))
    assert not (tmp_path / "line.safetensors").exists()


def test_weights_exist_early_and_a_resume_keeps_the_rhythm(tmp_path):
    class Stopped(Line):
        validations = 0

        def validate(self):
            self.validations += 1
            return super().validate()

        def step(self, batch, progress):
            if self.validations:
                raise KeyboardInterrupt
            return super().step(batch, progress)

    run = make_run(tmp_path, 5.0, validate_every_seconds=50.0)
    with pytest.raises(KeyboardInterrupt):
        fit(Stopped(), run)
    assert load_weights("line", str(run.output)).card["steps"] > 1
    clock = json.loads(torch.load(tmp_path / training.CHECKPOINT_NAME, weights_only=True)["clock"])
    assert clock["seconds"] == 0.5
    assert clock["next_validation"] == 50.5
    resumed = training._load(Line(), tmp_path / training.CHECKPOINT_NAME)
    assert vars(resumed) == clock
