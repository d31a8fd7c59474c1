from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from drumkit_cli.errors import UsageError
from drumkit_cli.learning import training
from drumkit_cli.learning.checkpoint import load_weights
from drumkit_cli.listening.ear import Listener
from drumkit_cli.transcribe import train
from drumkit_cli.transcribe.training import takes
from tests.transcribe.tiny import write_takes


def run_in(folder, **settings):
    return training.Run(
        folder=folder / "run",
        output=folder / "transcribe.safetensors",
        time_limit_seconds=0.5,
        preset="tiny",
        threads=1,
        **settings,
    )


def task_in(folder):
    loaded = takes.load_takes(write_takes(folder / "takes"))
    return train.EarTask(training.start(run_in(folder)), train.PRESETS["tiny"], loaded)


def test_a_step_trains_every_layer_and_reports_its_losses(tmp_path):
    task = task_in(tmp_path)
    before = [p.detach().clone() for p in task.models["network"].parameters()]
    for batch in islice(task.batches(0), 3):
        losses = task.step(batch, 0.0)
    assert {"drums", "beats", "downbeats", "velocity", "gradient", "rate"} == set(losses)
    assert all(np.isfinite(value) for value in losses.values())
    after = task.models["network"].parameters()
    assert not any((p == q).all() for p, q in zip(before, after, strict=True))


def test_validation_scores_the_losses_together(tmp_path):
    figures = task_in(tmp_path).validate()
    parts = [figures[name] for name in ("drums", "beats", "downbeats", "velocity")]
    assert figures["score"] == pytest.approx(sum(parts))
    assert all(0 <= figures[f"F {name}"] <= 1 for name in ("kick", "snare", "cymbal"))


def test_training_writes_weights_that_listen_and_resumes(tmp_path):
    data = write_takes(tmp_path / "takes")
    train.train(data, run_in(tmp_path))
    checkpoint = load_weights("transcribe", str(tmp_path / "transcribe.safetensors"))
    assert "Groove MIDI Dataset" in checkpoint.card["data"]
    listener = Listener(checkpoint)
    assert listener.thresholds != train.PRESETS["tiny"].config.thresholds
    made = listener.activations(np.zeros((20, 80), np.float32))
    assert made.shape == (20, 14)
    train.train(data, replace(run_in(tmp_path, resume=True), time_limit_seconds=0.8))


def test_an_unknown_preset_is_refused(tmp_path):
    with pytest.raises(UsageError, match="no preset"):
        train.train(write_takes(tmp_path / "takes"), replace(run_in(tmp_path), preset="huge"))
