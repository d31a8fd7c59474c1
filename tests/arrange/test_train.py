from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch

from drumkit_cli.arrange import data, infer, train
from drumkit_cli.arrange.losses import ImagePool
from drumkit_cli.arrange.metre import PLANES
from drumkit_cli.bands.takes import load_takes
from drumkit_cli.errors import BadDataError, UsageError
from drumkit_cli.learning import training
from drumkit_cli.learning.checkpoint import load_weights
from tests.arrange.tiny import TINY_UNET, write_bands
from tests.bands.test_takes import write_takes

STEP_LOSSES = {
    "drums/adversarial",
    "bass/adversarial",
    "bass/cycle",
    "drums/cycle",
    "drums/paired",
    "drums/sound",
    "drums/critic",
    "bass/critic",
}


@pytest.fixture
def takes(tmp_path):
    return write_bands(tmp_path / "bands")


def run_in(folder, seconds=0.5, **settings):
    return training.Run(
        folder=folder / "run",
        output=folder / "arrange.safetensors",
        time_limit_seconds=seconds,
        preset="tiny",
        threads=1,
        **settings,
    )


def test_windows_are_images_of_aligned_bass_and_drums(takes):
    windows = data.Windows(load_takes(takes), "train", 256)
    bass, drums, metre = windows.draw(np.random.default_rng(0), augment=False)
    assert metre.shape == (PLANES, 256)
    assert bass.shape == drums.shape == (256, 256)
    assert bass.dtype == drums.dtype == np.float32
    assert min(bass.min(), drums.min()) >= -1
    assert max(bass.max(), drums.max()) <= 1
    rises = [np.maximum(np.diff(image), 0).sum(0) for image in (bass, drums)]
    assert np.corrcoef(*rises)[0, 1] > 0.5


def test_a_seed_gives_the_same_batches(takes):
    windows = data.Windows(load_takes(takes), "train", 256)
    first, second, other = (next(data.batches(windows, 2, seed)) for seed in (1, 1, 2))
    assert first[0].shape == first[1].shape == (2, 1, 256, 256)
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])
    assert not torch.equal(first[0], other[0])


def test_a_bass_that_rests_is_not_drawn(takes):
    pool = load_takes(takes)
    silent = replace(pool[0], name="silent", stems=dict(pool[0].stems))
    silent.stems["bass"] = np.zeros_like(pool[0].stems["bass"])
    windows = data.Windows([pool[0], silent, silent], "train", 256)
    generator = np.random.default_rng(0)
    for bass, _, _ in (windows.draw(generator, augment=False) for _ in range(5)):
        assert bass.max() > 0


def test_bands_that_never_sound_together_are_bad_data(takes):
    (band,) = (band for band in load_takes(takes) if band.split == "train")
    silent = replace(band, stems={name: np.zeros_like(x) for name, x in band.stems.items()})
    with pytest.raises(BadDataError, match="no window in which bass and drums both sound"):
        data.Windows([silent], "train", 256).draw(np.random.default_rng(0), augment=False)


def test_bands_shorter_than_a_window_are_bad_data(tmp_path):
    pool = load_takes(write_takes(tmp_path, seconds=0.5))
    with pytest.raises(BadDataError, match="no train take is longer than a window"):
        data.Windows(pool, "train", 256)


def test_augmentation_changes_the_bass_alone(takes):
    windows = data.Windows(load_takes(takes), "train", 256)
    plain = [windows.draw(np.random.default_rng(i), augment=False) for i in range(3)]
    varied = [windows.draw(np.random.default_rng(i), augment=True) for i in range(3)]
    for (bass, drums, _), (other_bass, other_drums, _) in zip(plain, varied, strict=True):
        assert np.array_equal(drums, other_drums)
        assert not np.array_equal(bass, other_bass)


def test_a_step_trains_every_network_and_reports_its_losses(takes, tmp_path):
    run = run_in(tmp_path)
    task = train.ArrangeTask(training.start(run), train.PRESETS["tiny"], load_takes(takes))
    before = {
        name: [p.detach().clone() for p in model.parameters()]
        for name, model in task.models.items()
    }
    for batch in islice(task.batches(0), 3):
        losses = task.step(batch, 0.0)
    assert set(losses) == STEP_LOSSES
    assert all(np.isfinite(value) for value in losses.values())
    for name, model in task.models.items():
        same = [torch.equal(p, q) for p, q in zip(before[name], model.parameters(), strict=True)]
        assert not any(same), name


def test_one_batch_is_overfitted(takes, tmp_path):
    recipe = replace(train.PRESETS["tiny"], learning_rate=2e-3)
    task = train.ArrangeTask(training.start(run_in(tmp_path)), recipe, load_takes(takes))
    batch = next(task.batches(0))
    first = task.step(batch, 0.0)["drums/paired"]
    for _ in range(20):
        last = task.step(batch, 0.0)["drums/paired"]
    assert last < first / 2


def test_the_unpaired_recipe_is_the_papers(takes, tmp_path):
    recipe = replace(
        train.PRESETS["tiny"], paired_weight=0.0, sound_weight=0.0, identity_weight=5.0
    )
    task = train.ArrangeTask(training.start(run_in(tmp_path)), recipe, load_takes(takes))
    losses = task.step(next(task.batches(0)), 0.0)
    assert set(losses) == STEP_LOSSES - {"drums/paired", "drums/sound"} | {"identity"}


def test_the_rate_falls_to_nothing_at_the_end(takes, tmp_path):
    task = train.ArrangeTask(
        training.start(run_in(tmp_path)), train.PRESETS["tiny"], load_takes(takes)
    )
    batch = next(task.batches(0))
    for progress, rate in ((0.0, 2e-4), (0.5, 2e-4), (0.75, 1e-4), (1.0, 0.0)):
        task.step(batch, progress)
        assert task.optimizers["generators"].param_groups[0]["lr"] == pytest.approx(rate)


def test_training_writes_weights_that_play_and_resumes(takes, tmp_path, capsys):
    train.train(takes, run_in(tmp_path))
    arranger = infer.Arranger(load_weights("arrange", str(tmp_path / "arrange.safetensors")))
    image, metre = np.zeros((256, 256), np.float32), np.zeros((PLANES, 256), np.float32)
    assert arranger.translate(image, metre).shape == image.shape
    train.train(takes, run_in(tmp_path, seconds=1.0, resume=True))
    assert "resumed at step" in capsys.readouterr().err


def test_an_unknown_preset_is_told(tmp_path):
    with pytest.raises(UsageError, match="cpu"):
        train.train(tmp_path, replace(run_in(tmp_path), preset="huge"))


def test_the_pool_gives_new_images_and_old_ones():
    pool = ImagePool(4)
    images = [torch.full((1, 1, 2, 2), float(i)) for i in range(40)]
    given = [float(pool.swap(image)[0].mean()) for image in images]
    assert given[:4] == [0, 1, 2, 3]
    assert any(value < i for i, value in enumerate(given))
    assert any(value == i for i, value in enumerate(given) if i >= 4)


def test_pix2pix_has_no_cycles_and_weights_of_its_own(takes, tmp_path):
    recipe = replace(train.PRESETS["pix2pix"], config=TINY_UNET, frames=256)
    task = train.ArrangeTask(training.start(run_in(tmp_path)), recipe, load_takes(takes))
    losses = task.step(next(task.batches(0)), 0.9)
    assert set(losses) == {"drums/adversarial", "drums/paired", "drums/critic"}
    task.export(tmp_path / "pix2pix.safetensors", {})
    assert load_weights("arrange-pix2pix", str(tmp_path / "pix2pix.safetensors")).graphs
