from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

from drumkit_cli.errors import BadDataError, MissingInputError
from drumkit_cli.kick import data as songs_module
from drumkit_cli.kick import train
from drumkit_cli.kick.data import ROWS, KickSong, load_songs
from drumkit_cli.kick.drummer import open_drummer
from drumkit_cli.kick.train import deviation, excerpt_pair, standardised_rows
from drumkit_cli.learning import training
from drumkit_cli.learning.checkpoint import load_weights
from tests.kick.tiny import curves


def song(name, split, seed):
    generator = np.random.default_rng(seed)
    rows = generator.uniform(0, 1, (len(ROWS), 400)).astype(np.float32)
    return KickSong(name, split, rows, np.arange(8) / 2, np.arange(8) / 2)


SONGS = [song("a", "train", 0), song("b", "train", 1), song("c", "validation", 2)]


def run_in(folder, **settings):
    return training.Run(
        folder=folder / "run",
        output=folder / "kick.safetensors",
        time_limit_seconds=0.5,
        preset="tiny",
        threads=1,
        **settings,
    )


def task_in(folder, songs=SONGS):
    return train.KickTask(training.start(run_in(folder)), train.PRESETS["tiny"], songs)


def test_a_seed_gives_the_same_batches(tmp_path):
    task = task_in(tmp_path)
    first, again, other = (next(task.batches(seed)) for seed in (1, 1, 2))
    assert first.shape == (2, 4, 5, 64)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_held_rows_are_excerpts_of_one_song(tmp_path):
    task = task_in(tmp_path)
    task._train = [np.full((2, 5, 400), level, np.float32) for level in range(9)]
    for batch in islice(task.batches(0), 10):
        assert torch.equal(batch[0, 0], batch[0, 1])


def test_a_step_moves_both_networks(tmp_path):
    task = task_in(tmp_path)
    before = {
        name: [weight.clone() for weight in task.models[name].parameters()]
        for name in ("network", "discriminator")
    }
    for batch in islice(task.batches(0), 2):
        losses = task.step(batch, 0.0)
    assert all(np.isfinite(value) for value in losses.values())
    for name, weights in before.items():
        pairs = zip(weights, task.models[name].parameters(), strict=True)
        assert any(not torch.equal(old, new) for old, new in pairs), name


def test_training_writes_weights_that_play(tmp_path, monkeypatch):
    monkeypatch.setattr(train, "load_songs", lambda *_: SONGS)
    figures = train.train(tmp_path, run_in(tmp_path))
    assert 0 <= figures["own"] <= 1
    drummer = open_drummer(load_weights("kick", str(tmp_path / "kick.safetensors")))
    rows = curves()
    assert drummer.encode(rows[:4], rows[4]).shape == (300, 4)


def test_songs_without_a_training_split_are_told(tmp_path):
    with pytest.raises(BadDataError, match="split train"):
        task_in(tmp_path, SONGS[2:])


def test_an_excerpt_is_of_the_song_and_psi_shifts_and_scales_it():
    ramp = np.arange(2000, dtype=np.float32)[None]
    generator = np.random.default_rng(0)
    for _ in range(20):
        plain, moved = excerpt_pair(ramp, 64, generator)
        np.testing.assert_allclose(np.diff(plain[0]), 1)
        inside = (moved[0] > 0) & (moved[0] < 1990)
        slopes = np.diff(moved[0][inside])
        assert np.ptp(slopes) < 1e-3
        assert 1 / 1.2 - 1e-3 <= slopes.mean() <= 1 / 0.8 + 1e-3
        assert abs(moved[0][32] - plain[0][32]) <= 150 or not inside.all()
    plain, still = excerpt_pair(ramp, 64, generator, is_moved=False)
    np.testing.assert_allclose(plain, still)


def test_the_deviation_is_that_of_equation_four():
    codes = torch.tensor([[[1.0, -1.0], [3.0, 3.0]]])  # means 0 and 3, variances 1 and 0
    assert float(deviation(codes)) == pytest.approx((0 + (1 + 9)) / 2)


def test_rows_are_standardised_for_sound_and_for_notes():
    rows = standardised_rows(SONGS[0])
    assert rows.shape == (2, 5, 400)
    np.testing.assert_allclose(rows.mean(-1), 0, atol=1e-5)
    np.testing.assert_allclose(rows.std(-1), 1, atol=1e-4)
    assert np.array_equal(rows[0, 2:4], rows[1, 2:4])


@pytest.fixture
def indexed(tmp_path):
    """A data folder of three songs, one of which nobody may train on."""
    for folder in ("soundfonts", "acoustic-kit", "oneshots", "electric-bass"):
        (tmp_path / folder).mkdir()
    (tmp_path / "bands-midi").mkdir()
    (tmp_path / "modules-midi").mkdir()
    (tmp_path / "bands-midi/index.csv").write_text("path,split\na.mid,train\nb.mid,validation\n")
    (tmp_path / "modules-midi/index.csv").write_text(
        "path,split,grade\nc.mid,train,A\nd.mid,train,B\n"
    )
    return tmp_path


def test_songs_are_rendered_once_and_kept(indexed, tmp_path, monkeypatch):
    rendered = []

    def render(path: Path, name: str, split: str, _data: Path):
        rendered.append(path.name)
        return None if path.name == "c.mid" else song(name, split, 0)

    monkeypatch.setattr(songs_module, "_render", render)
    monkeypatch.setattr(songs_module, "require_extra", lambda *_: None)
    splits = ("train", "validation")
    first, again = (load_songs(indexed, tmp_path / "cache", splits) for _ in range(2))
    assert sorted(rendered) == ["a.mid", "b.mid", "c.mid"]
    assert sorted(s.split for s in first) == ["train", "validation"]
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.curves, other.curves)
        rendered_rows = standardised_rows(song("x", "train", 0))
        np.testing.assert_allclose(standardised_rows(one), rendered_rows, atol=5e-3)


def test_data_without_instruments_are_told(tmp_path):
    with pytest.raises(MissingInputError, match="no folder soundfonts"):
        load_songs(tmp_path, tmp_path / "cache", ("train",))
