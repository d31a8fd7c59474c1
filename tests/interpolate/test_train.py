from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

from drumkit_cli import cli
from drumkit_cli.errors import UsageError
from drumkit_cli.interpolate import train
from drumkit_cli.learning import training
from drumkit_cli.patterns import composer, pattern_sets
from drumkit_cli.patterns.pattern_sets import Pattern, load_patterns
from tests.contract.midi_files import WHOLE


@pytest.fixture(autouse=True)
def few_composed(monkeypatch):
    """Forty patterns of ten families in place of all of them."""
    few = []
    for number in range(1, 41):
        source = f"composer/{composer.family('techno', number)}"
        split = ("train", "train", "train", "validation")[(number - 1) // 4 % 4]
        few.append(Pattern(composer.compose("techno", number), "composed", source, split))
    monkeypatch.setattr(pattern_sets, "composed", lambda: few)


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "own.mid").write_bytes(WHOLE)
    return folder


def run_in(folder, seconds=0.5, **settings):
    return training.Run(
        folder=folder / "run",
        output=folder / "interpolate.safetensors",
        time_limit_seconds=seconds,
        preset="tiny",
        threads=1,
        **settings,
    )


def task_in(folder, data, **changes):
    recipe = replace(train.PRESETS["tiny"], **changes)
    return train.InterpolateTask(training.start(run_in(folder)), recipe, load_patterns(data))


def test_a_seed_gives_the_same_batches(data, tmp_path):
    task = task_in(tmp_path, data)
    first, again, other = (next(task.batches(seed)) for seed in (1, 1, 2))
    assert first.shape == (8, 6, 64)
    assert first.dtype == torch.float32
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_batches_do_not_change_the_patterns_that_they_are_drawn_from(data, tmp_path):
    patterns = load_patterns(data)
    before = patterns.velocities.copy()
    recipe = replace(train.PRESETS["tiny"], augmented=1.0)
    task = train.InterpolateTask(training.start(run_in(tmp_path)), recipe, patterns)
    for batch in islice(task.batches(0), 5):
        assert 0 <= batch.min() <= batch.max() <= 1
    np.testing.assert_array_equal(patterns.velocities, before)
    np.testing.assert_array_equal(task._train, patterns.where("train"))


def figures_of(patterns):
    """What each voice plays in a measure, wherever it does: (voice, onsets)."""
    rows = (patterns > 0).reshape(len(patterns), 6, 4, 16)
    return {(voice, row.tobytes()) for voice in range(6) for row in rows[:, voice].reshape(-1, 16)}


def test_augmented_patterns_are_put_together_from_whole_voices_and_measures():
    pool = np.stack([composer.compose("techno", number) for number in range(1, 20)])
    made = train.augment(pool, pool, np.random.default_rng(0))
    assert made.shape == pool.shape
    assert 0 <= made.min() <= made.max() <= 1
    assert np.any(made != pool, axis=(1, 2)).mean() > 0.5
    assert figures_of(made) <= figures_of(pool)


def test_a_step_trains_every_parameter_and_reports_its_losses(data, tmp_path):
    task = task_in(tmp_path, data)
    before = [p.detach().clone() for p in task.models["network"].parameters()]
    for batch in islice(task.batches(0), 3):
        losses = task.step(batch, 0.5)
    assert {"entropy", "divergence", "rate"} <= set(losses)
    assert all(np.isfinite(value) for value in losses.values())
    after = task.models["network"].parameters()
    assert not any(torch.equal(p, q) for p, q in zip(before, after, strict=True))


def test_one_batch_is_overfitted(data, tmp_path):
    task = task_in(tmp_path, data, learning_rate=1e-2)
    batch = next(task.batches(0))
    first = task.step(batch, 0.0)["entropy"]
    for _ in range(40):
        last = task.step(batch, 0.0)["entropy"]
    assert last < first / 2


def test_the_score_is_the_worst_of_the_kinds_of_held_out_patterns(data, tmp_path):
    figures = task_in(tmp_path, data).validate()
    kinds = {"composed", "real"} & set(figures)
    assert kinds
    assert figures["score"] == -min(figures[kind] for kind in kinds)
    assert 0 <= figures["fit"] <= 1


def test_training_writes_weights_that_the_command_takes_and_resumes(
    data, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    command = ["train", "interpolate", str(data), "--preset", "tiny", "--threads", "1"]
    assert cli.run([*command, "-o", "mine.safetensors", "--time-limit", "0.5"]) == 0
    out = ["-n", "2", "-o", "path.npy"]
    made = ["interpolate", "techno:1", "electro:1", "--weights", "mine.safetensors"]
    assert cli.run([*made, *out]) == 0
    assert np.load("path.npy").shape == (3, 6, 64)
    assert cli.run([*command, "-o", "mine.safetensors", "--time-limit", "1", "--resume"]) == 0
    assert "resumed at step" in capsys.readouterr().err
    assert Path("runs/interpolate/log.csv").is_file()


def test_an_unknown_preset_is_told(tmp_path):
    with pytest.raises(UsageError, match="cpu"):
        train.train(tmp_path, replace(run_in(tmp_path), preset="huge"))
