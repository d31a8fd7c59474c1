from dataclasses import replace

import numpy as np
import pytest

from drumkit_cli.bands.instruments import RATE
from drumkit_cli.bands.takes import load_takes
from drumkit_cli.errors import UsageError
from drumkit_cli.learning import training
from drumkit_cli.learning.checkpoint import load_weights
from drumkit_cli.separate import train
from drumkit_cli.separate.data import mixes
from drumkit_cli.separate.infer import BuiltIn
from drumkit_cli.separate.recordings import Recording
from tests.bands.test_takes import write_takes


def write_recordings() -> list[Recording]:
    """Two singers' songs and a guitar, of noise."""
    rng = np.random.default_rng(0)
    names = [("drums", "bass", "other", "vocals"), ("vocals",), ("guitar",)]
    return [
        Recording({name: rng.integers(-8000, 8000, 3 * RATE).astype(np.int16) for name in stems})
        for stems in names
    ]


@pytest.mark.parametrize("recordings", [[], write_recordings()])
def test_mixes_are_the_sum_of_their_sources_and_of_one_level(tmp_path, recordings):
    pool = load_takes(write_takes(tmp_path))
    mix, sources = next(mixes(pool, recordings, 6, 1.0, seed=0))
    assert mix.shape == (6, 1, RATE)
    assert sources.shape == (6, 4, 1, RATE)
    np.testing.assert_allclose(sources.sum(1).numpy(), mix.numpy(), atol=1e-4)
    np.testing.assert_allclose(mix.std(dim=2).numpy(), 1, rtol=0.05)


def test_a_seed_gives_the_same_mixes(tmp_path):
    pool = load_takes(write_takes(tmp_path))
    first, second, other = (
        next(mixes(pool, write_recordings(), 2, 0.5, seed=s))[0] for s in (3, 3, 4)
    )
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_some_mixes_have_no_singing_and_most_have(tmp_path):
    pool = load_takes(write_takes(tmp_path))
    _, sources = next(mixes(pool, write_recordings(), 60, 0.1, seed=0))
    assert 30 < int(sources[:, 3].abs().amax((1, 2)).count_nonzero()) < 60


def test_training_stops_resumes_and_gives_weights_that_separate(tmp_path):
    write_takes(tmp_path / "bands")
    run = training.Run(tmp_path, tmp_path / "separate.safetensors", 1.0, preset="tiny", threads=1)
    train.train(tmp_path, run)
    first = load_weights("separate", str(run.output))
    train.train(tmp_path, replace(run, time_limit_seconds=2.0, resume=True))
    resumed = load_weights("separate", str(run.output))
    assert resumed.card["validation"]["steps"] >= first.card["validation"]["steps"]
    stems = BuiltIn(resumed).split(np.ones((1, 5000), np.float32), RATE)
    assert stems.shape == (4, 1, 5000)


def test_an_unknown_preset_is_a_usage_error(tmp_path):
    run = training.Run(tmp_path, tmp_path / "w", 1.0, preset="huge")
    with pytest.raises(UsageError, match="cpu, gpu"):
        train.train(tmp_path, run)
