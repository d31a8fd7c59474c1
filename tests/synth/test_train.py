from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch

from drumkit_cli.errors import BadDataError, UsageError
from drumkit_cli.learning import training
from drumkit_cli.learning.checkpoint import load_weights
from drumkit_cli.learning.torch_network import state_dict
from drumkit_cli.sounds.classes import CLASSES
from drumkit_cli.sounds.drum_synth import DrumSynth
from drumkit_cli.sounds.model import Latent
from drumkit_cli.sounds.spectral_inverter import SpectralInverter
from drumkit_cli.synth import train
from drumkit_cli.synth.training import calibration, trainers
from tests.synth.tiny import TINY, TINY_INVERTER, write_one_shots


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_one_shots(tmp_path_factory.mktemp("data") / "oneshots")


def run_in(folder, seconds=1.0, preset="tiny", **settings):
    return training.Run(
        folder=folder / f"run-{preset}",
        output=folder / "synth.safetensors",
        time_limit_seconds=seconds,
        preset=preset,
        threads=1,
        **settings,
    )


def task_in(folder, tmp_path, preset="tiny", **changes):
    run = run_in(tmp_path, preset=preset)
    recipe = replace(train.PRESETS[preset], **changes)
    return train.SynthTask(training.start(run), recipe, folder, run)


@pytest.mark.parametrize(
    ("preset", "progress", "losses"),
    [
        ("tiny", 0.0, {"inverter/time", "inverter/bins"}),
        ("tiny", 0.9, {"cwae/error", "cwae/mmd", "cwae/size", "cwae/spread"}),
        ("tiny-mcnn", 0.5, {"mcnn/convergence", "mcnn/log", "mcnn/mask"}),
    ],
)
def test_a_step_trains_the_part_whose_turn_it_is(folder, tmp_path, preset, progress, losses):
    task = task_in(folder, tmp_path, preset)
    (name,) = {loss.split("/")[0] for loss in losses}
    before = {n: [p.clone() for p in m.parameters()] for n, m in task.models.items()}
    for batch in islice(task.batches(0), 2):
        told = task.step(batch, progress)
    assert set(told) == losses | {f"{name}/gradient"}
    assert np.isfinite(list(told.values())).all()
    for n, model in task.models.items():
        same = [torch.equal(p, q) for p, q in zip(before[n], model.parameters(), strict=True)]
        assert all(same) if n != name else not any(same), n


@pytest.mark.parametrize(
    ("preset", "loss", "share"),
    [("tiny-cwae", "cwae/error", 0.8), ("tiny-mcnn", "mcnn/convergence", 0.98)],
)
def test_one_batch_is_overfitted(folder, tmp_path, preset, loss, share):
    task = task_in(folder, tmp_path, preset, mmd_weight=0.0)
    batch = next(task.batches(0))
    first = task.step(batch, 0.1)[loss]
    for _ in range(30):
        last = task.step(batch, 0.1)[loss]
    assert last < share * first


def test_batches_are_balanced_and_seeded(folder, tmp_path):
    task = task_in(folder, tmp_path)
    first, again, other = (next(task.batches(seed)) for seed in (0, 0, 1))
    assert np.array_equal(first.by_class, again.by_class)
    assert not np.array_equal(first.any_class, other.any_class)
    assert len(first.by_class) == 4 * len(CLASSES)


def test_training_writes_weights_that_sound_and_resumes(folder, tmp_path, capsys):
    train.train(folder, run_in(tmp_path))
    synth = DrumSynth(load_weights("synth", str(tmp_path / "synth.safetensors")))
    assert len(synth.play(synth.space.sample("kick", 1, seed=0)[0]))
    train.train(folder, run_in(tmp_path, seconds=2.0, resume=True))
    assert "resumed at step" in capsys.readouterr().err


def test_one_part_is_trained_anew_and_the_other_kept(folder, tmp_path):
    train.train(folder, run_in(tmp_path))
    path = str(tmp_path / "synth.safetensors")
    before = state_dict(load_weights("synth", path))
    train.train(folder, run_in(tmp_path, preset="tiny-cwae", seed=1))
    after = state_dict(load_weights("synth", path))
    assert before.keys() == after.keys()
    for name in before:
        if name.startswith("inverter."):
            assert torch.equal(before[name], after[name])
    assert not torch.equal(
        before["cwae.encoder.dense.0.weight"], after["cwae.encoder.dense.0.weight"]
    )


def test_what_is_kept_and_has_other_sizes_is_told(folder, tmp_path):
    train.train(folder, run_in(tmp_path))
    with pytest.raises(
        BadDataError, match="its inverter is of another drum synthesiser; -o names another file"
    ):
        train.train(folder, run_in(tmp_path, preset="cwae"))


def test_what_is_not_there_to_keep_is_told(folder, tmp_path, capsys):
    train.train(folder, run_in(tmp_path, preset="tiny-cwae"))
    assert "to take the inverter from: it stays untrained" in capsys.readouterr().err
    inverter = SpectralInverter(TINY_INVERTER)
    state = state_dict(load_weights("synth", str(tmp_path / "synth.safetensors")))
    assert not torch.equal(state["inverter.reading"].float(), inverter.reading)  # it was fitted


def test_the_mask_ends_with_the_last_sample_that_sounds():
    samples = torch.tensor([[0.0, 0.5, 0.0, -0.1, 0.0, 0.0], [0.0] * 6])
    assert trainers._mask_of(samples).tolist() == [[1, 1, 1, 1, 0, 0], [0] * 6]


def test_mcnn_goes_into_a_file_of_its_own(folder, tmp_path):
    train.train(folder, run_in(tmp_path, preset="tiny-mcnn"))
    checkpoint = load_weights("synth-mcnn", str(tmp_path / "synth.safetensors"))
    assert checkpoint.config["heads"] == 2


def test_the_latent_statistics_are_those_of_the_codes():
    torch.manual_seed(0)
    latent = Latent(TINY)
    codes = torch.randn(4000, 8) * torch.arange(1, 9) + 3
    calibration._fit_class(latent, 2, codes, -codes[:, 7])
    torch.testing.assert_close(latent.mean[2], torch.full((8,), 3.0), atol=0.5, rtol=0)
    torch.testing.assert_close(latent.scale[2], torch.arange(8, 0, -1).float(), atol=0.3, rtol=0.05)
    assert latent.components[2, 0, 7] == pytest.approx(-1, abs=0.05)  # brighter is down here
    assert latent.brighter[2, 7] < 0
    torch.testing.assert_close(
        latent.components[2] @ latent.components[2].T, torch.eye(8), atol=1e-4, rtol=0
    )


def test_an_unknown_preset_is_told(tmp_path):
    with pytest.raises(UsageError, match="cpu"):
        train.train(tmp_path, run_in(tmp_path, preset="huge"))
