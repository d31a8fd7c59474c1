from dataclasses import replace

import numpy as np
import pytest

from drumkit_cli.listening.levels import FRAME_RATE
from drumkit_cli.transcribe.training import examples, takes
from tests.transcribe.tiny import BEATS, write_takes

FRAMES = 300


@pytest.fixture
def take(tmp_path):
    return takes.load_takes(write_takes(tmp_path))[0]


@pytest.fixture
def all_there(monkeypatch):
    """No drum part is left out."""
    monkeypatch.setattr(examples, "_ABSENT", (0.0,) * takes.DRUM_PARTS)
    monkeypatch.setattr(examples, "_DRUMLESS", 0.0)
    monkeypatch.setattr(examples, "_SILENT", 0.0)


@pytest.mark.parametrize("context", examples.CONTEXTS)
def test_an_example_has_levels_and_targets_within_range(take, context):
    for seed in range(5):
        example = examples.draw_example(take, context, FRAMES, np.random.default_rng(seed))
        assert example.levels.shape == (FRAMES, 80)
        assert example.targets.shape == example.weights.shape == (FRAMES, 8)
        for array in vars(example).values():
            assert array.dtype == np.float32
            assert 0 <= array.min() <= array.max() <= 1


@pytest.mark.usefixtures("all_there")
def test_targets_are_where_the_notes_are(take):
    example = examples.draw_example(take, "drums", 401, np.random.default_rng(0))
    kicks = take.hits[take.hits[:, 1] == 0, 0]
    expected = np.rint(kicks * FRAME_RATE).astype(int)
    assert np.flatnonzero(example.targets[:, 0] == 1).tolist() == expected.tolist()
    beats = np.rint(BEATS * FRAME_RATE)[:, 0].astype(int)
    assert np.flatnonzero(example.targets[:, 6] == 1).tolist() == beats.tolist()
    assert np.flatnonzero(example.targets[:, 7] == 1).tolist() == beats[::4].tolist()
    assert example.velocities[expected, 0] == pytest.approx(0.8)


def test_unknown_beats_have_no_weight(take):
    unknown = replace(take, beats=np.zeros((0, 2)))
    example = examples.draw_example(unknown, "mix", FRAMES, np.random.default_rng(0))
    assert not example.weights[:, 6:].any()


def test_silence_has_no_beats_and_no_hits(take, monkeypatch):
    monkeypatch.setattr(examples, "_SILENT", 1.0)
    example = examples.draw_example(take, "mix", FRAMES, np.random.default_rng(0))
    assert not example.targets.any()
    assert example.weights.all()


def test_what_is_left_out_has_no_targets(take, monkeypatch):
    monkeypatch.setattr(examples, "_ABSENT", (1.0, 0.0, 0.0, 0.0, 0.0, 0.0))
    example = examples.draw_example(take, "drums", FRAMES, np.random.default_rng(0))
    assert not example.targets[:, 0].any()
    assert example.targets[:, 2].any()


def test_a_hit_far_below_the_rest_is_not_audible():
    drums = np.full((takes.DRUM_PARTS, 60, 80), 1e-9, np.float32)
    drums[0, 30:40] = 1.0
    hits = np.array([[30 / FRAME_RATE, 0, 0.5]])
    assert examples.audible_weights(hits, drums, drums.sum(0), 0) == [1]
    assert examples.audible_weights(hits, drums, drums.sum(0) + 1000, 0) == [0]
    assert examples.audible_weights(hits, drums, drums.sum(0), 100) == [0]


def test_a_seed_gives_the_same_batches(tmp_path):
    loaded = takes.load_takes(write_takes(tmp_path))
    first, again, other = (next(examples.batches(loaded, 2, FRAMES, seed)) for seed in (1, 1, 2))
    assert first.levels.shape == (2, FRAMES, 80)
    np.testing.assert_array_equal(first.levels, again.levels)
    assert not np.array_equal(first.levels, other.levels)
