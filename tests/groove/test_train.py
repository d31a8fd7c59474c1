from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch

from drumkit_cli.errors import UsageError
from drumkit_cli.groove import data, train
from drumkit_cli.groove.baselines import tasks
from drumkit_cli.groove.groover import Groover
from drumkit_cli.groove.infer import perform
from drumkit_cli.groove.inputs.performance import Controls, Performance
from drumkit_cli.groove.network.config import GrooveConfig
from drumkit_cli.groove.training.reconstruction import reconstruct_all
from drumkit_cli.learning import training
from drumkit_cli.learning.checkpoint import load_weights
from tests.groove.tiny import TINY_PAPER, beat, write_tiny_dataset

TINY = train.PRESETS["tiny"]
PAPER = replace(train.PRESETS["paper"], config=TINY_PAPER, batch=8)
VAE = replace(PAPER, config=replace(TINY_PAPER, note_code="vae"))
ONE_STEP = replace(PAPER, config=replace(TINY_PAPER, kind="one-step"))
CLASSIFIER = replace(PAPER, config=GrooveConfig(kind="classifier"))


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return write_tiny_dataset(tmp_path_factory.mktemp("dataset"))


@pytest.fixture(scope="module")
def corpus(dataset):
    return data.load(dataset, ("train", "validation"))


def run_in(folder, seconds=0.5, **settings):
    return training.Run(
        folder=folder / "run",
        output=folder / "groove.safetensors",
        time_limit_seconds=seconds,
        preset="tiny",
        threads=1,
        **settings,
    )


def task_of(recipe, corpus, folder):
    return train.TASKS[recipe.config.kind](training.start(run_in(folder)), recipe, corpus)


@pytest.mark.parametrize(
    ("recipe", "names"),
    [
        (TINY, {"note", "note/codebook", "note/commitment", "velocity", "timing"}),
        (PAPER, {"note", "note/codebook", "note/commitment", "velocity", "timing"}),
        (VAE, {"note", "note/kl", "velocity", "timing"}),
        (ONE_STEP, {"note", "velocity", "timing", "kl"}),
        (CLASSIFIER, {"genre"}),
    ],
)
def test_a_step_trains_every_network_and_reports_its_losses(recipe, names, corpus, tmp_path):
    task = task_of(recipe, corpus, tmp_path)
    model = next(iter(task.models.values()))
    before = [p.detach().clone() for p in model.parameters()]
    for batch in islice(task.batches(0), 3):
        losses = task.step(batch, 0.5)
    assert names <= set(losses)
    assert all(np.isfinite(value) for value in losses.values())
    same = [torch.equal(p, q) for p, q in zip(before, model.parameters(), strict=True)]
    assert not any(same)


def test_the_prior_is_trained_last(corpus, tmp_path):
    task = task_of(TINY, corpus, tmp_path)
    batch = next(task.batches(0))
    before = [p.detach().clone() for p in task.models["groove"].parameters()]
    assert set(task.step(batch, 0.8)) == {"prior"}
    after = task.models["groove"].parameters()
    assert all(torch.equal(p, q) for p, q in zip(before, after, strict=True))
    assert "velocity" in task.step(batch, 0.6)


def test_one_batch_is_overfitted(corpus, tmp_path):
    task = task_of(replace(TINY, learning_rate=2e-2), corpus, tmp_path)
    batch = next(task.batches(0))
    first = task.step(batch, 0.0)
    for _ in range(60):
        last = task.step(batch, 0.3)
    for name in ("note", "velocity", "timing"):
        assert last[name] < 0.75 * first[name], name


def test_the_rate_rises_then_falls_to_nothing(corpus, tmp_path):
    task = task_of(CLASSIFIER, corpus, tmp_path)
    batch = next(task.batches(0))
    rates = []
    for progress in (0.0, 0.0, 0.5, 1.0):
        task.step(batch, progress)
        rates.append(task.optimizers["classifier"].param_groups[0]["lr"])
    assert rates == pytest.approx([5e-6, 1e-5, 7.5e-6, 0])


def test_codes_that_nobody_uses_are_moved(corpus, tmp_path, monkeypatch):
    monkeypatch.setattr(train, "REVIVE_STEPS", 1)
    task = task_of(replace(TINY, learning_rate=0.0), corpus, tmp_path)
    groove = task.models["groove"]
    with torch.no_grad():
        groove.note.quantiser.codebooks += 100
        groove.note.quantiser.codebooks[:, 0] = 0
    task.step(next(task.batches(0)), 0.0)
    books = groove.note.quantiser.codebooks
    assert (books.abs().amax(-1) < 50).all()
    assert not books[:, 0].any()


def test_conditions_are_hidden_at_random(corpus, tmp_path):
    task = task_of(replace(TINY, genre_share=0.0, pattern_share=1.0), corpus, tmp_path)
    batch = next(task.batches(0))
    hidden = task._hide(batch).conditions
    assert not hidden.genre.any()
    assert torch.equal(hidden.velocity, batch.conditions.velocity)
    assert torch.equal(hidden.timing, batch.conditions.timing)


def test_training_writes_weights_that_play_and_resumes(dataset, tmp_path, capsys):
    train.train(dataset, run_in(tmp_path))
    groover = Groover(load_weights("groove", str(tmp_path / "groove.safetensors")))
    template = Performance(*beat(3))
    assert perform(template, groover, Controls()).velocities.shape == (7, 48)
    train.train(dataset, run_in(tmp_path, seconds=1.0, resume=True))
    assert "resumed at step" in capsys.readouterr().err


def test_an_unknown_preset_is_told(tmp_path):
    with pytest.raises(UsageError, match="cpu"):
        train.train(tmp_path, replace(run_in(tmp_path), preset="huge"))


def test_every_preset_has_a_task():
    assert {recipe.config.kind for recipe in train.PRESETS.values()} == set(train.TASKS)


def test_neighbours_of_the_training_data_vote(corpus):
    train_corpus = corpus["train"]
    notes, velocities, timings = tasks.nearest_neighbours(train_corpus, train_corpus.templates)
    # There are fewer windows than neighbours asked for: all of them vote.
    share = train_corpus.windows.notes.sum(0) / tasks.NEIGHBOURS
    assert np.array_equal(notes, np.broadcast_to(share >= 0.5, notes.shape))
    assert not velocities[notes == 0].any()
    assert not timings[notes == 0].any()


def test_conditions_reach_the_reconstruction(corpus, tmp_path):
    task = task_of(TINY, corpus, tmp_path)
    groove, held_out = task.average("groove"), corpus["validation"]
    plain, genre, pattern = (
        reconstruct_all(groove, held_out, genre=genre, pattern=pattern)
        for genre, pattern in ((False, False), (True, False), (True, True))
    )
    assert np.array_equal(plain[0], genre[0])
    assert not np.array_equal(plain[1], genre[1])
    assert not np.array_equal(genre[2], pattern[2])
