from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

from drumkit_cli import cli
from drumkit_cli.errors import UsageError
from drumkit_cli.learning import training
from drumkit_cli.patterns import composer, pattern_sets
from drumkit_cli.patterns.pattern_sets import Pattern, load_patterns
from drumkit_cli.swirl import train
from drumkit_cli.swirl.infer import places
from drumkit_cli.swirl.walk import Walk
from tests.contract.midi_files import WHOLE


@pytest.fixture(autouse=True)
def few_composed(monkeypatch):
    """Forty patterns of ten families in place of all of them."""
    few = []
    for number in range(1, 41):
        source = f"composer/{composer.family('electro', number)}"
        split = ("train", "train", "train", "validation")[(number - 1) // 4 % 4]
        few.append(Pattern(composer.compose("electro", number), "composed", source, split))
    monkeypatch.setattr(pattern_sets, "composed", lambda: few)


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "own.mid").write_bytes(WHOLE)
    return folder


def run_in(folder, **settings):
    return training.Run(
        folder=folder / "run",
        output=folder / "swirl.safetensors",
        time_limit_seconds=0.5,
        preset="tiny",
        threads=1,
        **settings,
    )


def task_in(folder, data, **changes):
    recipe = replace(train.PRESETS["tiny"], **changes)
    return train.SwirlTask(training.start(run_in(folder)), recipe, load_patterns(data))


def test_a_seed_gives_the_same_batches(data, tmp_path):
    task = task_in(tmp_path, data)
    first, again, other = (next(task.batches(seed)) for seed in (1, 1, 2))
    assert (first[0].shape, first[1].shape) == ((8, 6, 64), (32, 2))
    for index in (0, 1):
        assert torch.equal(first[index], again[index])
        assert not torch.equal(first[index], other[index])


def test_noise_lies_where_a_path_can_come():
    made = np.linalg.norm(train.noise(2000, np.random.default_rng(0)), axis=1)
    path = np.linalg.norm(places(np.linspace(0, 2 * np.pi, 20_000), Walk()), axis=1)
    assert path.min() - 0.01 <= made.min()
    assert made.max() <= path.max() + 0.01
    assert made.mean() == pytest.approx(path.mean(), rel=0.05)


def test_a_step_trains_both_networks_and_reports_its_losses(data, tmp_path):
    task = task_in(tmp_path, data, margin=0)
    before = {
        name: [p.detach().clone() for p in model.parameters()]
        for name, model in task.models.items()
    }
    for batch in islice(task.batches(0), 3):
        losses = task.step(batch, 0.0)
    assert {"pull", "adversarial", "discriminator", "reached"} <= set(losses)
    assert all(np.isfinite(value) for value in losses.values())
    for name in ("generator", "discriminator"):
        after = task.models[name].parameters()
        assert not any(torch.equal(p, q) for p, q in zip(before[name], after, strict=True)), name


def test_the_pull_brings_one_batch_near(data, tmp_path):
    task = task_in(tmp_path, data, generator_rate=1e-2, margin=0)
    batch = next(task.batches(0))
    first = task.step(batch, 0.0)["pull"]
    for _ in range(40):
        last = task.step(batch, 0.0)["pull"]
    assert last < 0.75 * first


def test_what_is_near_enough_is_not_pulled(data, tmp_path):
    task = task_in(tmp_path, data, margin=384)
    losses = task.step(next(task.batches(0)), 0.0)
    assert (losses["pull"], losses["reached"]) == (0, 1)


def test_validation_tells_held_out_patterns_from_played_ones(data, tmp_path):
    figures = task_in(tmp_path, data).validate()
    assert 0 <= figures["two_sample"] <= 1
    assert 0 <= figures["copies"] <= 1
    assert figures["nearest"] > 0
    assert np.isfinite(figures["score"])


def test_training_writes_weights_that_the_command_takes_and_resumes(
    data, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    command = ["train", "swirl", str(data), "--preset", "tiny", "--threads", "1"]
    assert cli.run([*command, "-o", "mine.safetensors", "--time-limit", "0.5"]) == 0
    assert cli.run(["swirl", "--weights", "mine.safetensors", "-o", "drums.npy"]) == 0
    assert np.load("drums.npy").shape == (16, 6, 16)
    assert cli.run([*command, "-o", "mine.safetensors", "--time-limit", "1", "--resume"]) == 0
    assert "resumed at step" in capsys.readouterr().err
    assert Path("runs/swirl/log.csv").is_file()


def test_an_unknown_preset_is_told(tmp_path):
    with pytest.raises(UsageError, match="paper"):
        train.train(tmp_path, replace(run_in(tmp_path), preset="huge"))
