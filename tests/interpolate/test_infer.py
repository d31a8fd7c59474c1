"""Paths between patterns: closed forms, and what holds of every path."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from drumkit_cli.errors import BadDataError
from drumkit_cli.interpolate import infer
from drumkit_cli.interpolate.infer import crossfade, lerp, slerp, transition
from drumkit_cli.interpolate.paths import PathKind
from drumkit_cli.learning.checkpoint import load_weights
from drumkit_cli.patterns import composer
from tests.interpolate.tiny import write_tiny_autoencoder

START, GOAL = composer.compose("techno", 3), composer.compose("electro", 7)
each_path = pytest.mark.parametrize("path", PathKind)
codes = arrays(np.float32, 5, elements=st.floats(-1e3, 1e3, width=32))


@pytest.fixture(scope="module")
def autoencoder(tmp_path_factory):
    path = write_tiny_autoencoder(tmp_path_factory.mktemp("weights") / "w.safetensors")
    return infer.Autoencoder(load_weights("interpolate", str(path)))


def test_lerp_is_a_line():
    np.testing.assert_allclose(
        lerp(np.array([0, 4], np.float32), np.array([2, 0], np.float32), 4),
        [[0, 4], [0.5, 3], [1, 2], [1.5, 1], [2, 0]],
    )


def test_slerp_is_an_arc():
    angles = np.linspace(0, np.pi / 2, 6)
    made = slerp(np.array([3, 0], np.float32), np.array([0, 3], np.float32), 5)
    np.testing.assert_allclose(made, 3 * np.stack([np.cos(angles), np.sin(angles)], 1), atol=1e-6)


@pytest.mark.parametrize(
    ("start", "goal"),
    [((1, 2), (1, 2)), ((1, 2), (-1, -2)), ((0, 0), (1, 2)), ((1, 2), (0, 0)), ((0, 0), (0, 0))],
    ids=["equal", "opposite", "from zero", "to zero", "zeros"],
)
def test_slerp_without_an_angle_is_the_line(start, goal):
    start, goal = np.array(start, np.float32), np.array(goal, np.float32)
    np.testing.assert_array_equal(slerp(start, goal, 7), lerp(start, goal, 7))


@settings(deadline=None)
@given(codes, codes, st.integers(1, 20))
def test_paths_of_codes_are_finite_and_end_where_they_should(start, goal, steps):
    reach = max(np.linalg.norm(start), np.linalg.norm(goal))
    for between in (lerp, slerp):
        made = between(start, goal, steps)
        assert made.shape == (steps + 1, 5)
        assert np.isfinite(made).all()
        np.testing.assert_allclose(made[0], start, atol=1e-5 * reach + 1e-30)
        np.testing.assert_allclose(made[-1], goal, atol=1e-5 * reach + 1e-30)


@settings(deadline=None)
@given(codes.filter(lambda code: np.linalg.norm(code) > 1e-3), st.integers(0, 2**32 - 1))
def test_slerp_keeps_the_length_of_codes_of_one_length(start, seed):
    goal = np.random.default_rng(seed).permutation(start)
    angle = np.arccos(np.clip(start @ goal / (start @ start), -1, 1))
    if 1e-2 < angle < 3:
        lengths = np.linalg.norm(slerp(start, goal, 9), axis=1)
        np.testing.assert_allclose(lengths, np.linalg.norm(start), rtol=1e-3)


def test_a_crossfade_has_equal_power():
    steps = 8
    start, goal = np.zeros((2, 6, 64), np.float32)
    start[0, 0] = goal[1, 4] = 1
    made = crossfade(start, goal, steps)
    np.testing.assert_allclose(made[:, 0, 0] ** 2 + made[:, 1, 4] ** 2, 1, atol=1e-6)
    np.testing.assert_allclose(made[steps // 2, 0, 0], np.sqrt(0.5), atol=1e-6)


def test_of_two_notes_a_crossfade_has_the_louder_one():
    start, goal = np.full((2, 6, 64), 0.8, np.float32)
    goal *= 0.5
    made = crossfade(start, goal, 2)
    np.testing.assert_allclose(made[1], 0.8 * np.sqrt(0.5), atol=1e-6)


@each_path
@pytest.mark.parametrize("steps", [1, 2, 7])
def test_the_ends_are_start_and_goal_themselves(autoencoder, path, steps):
    made = transition(START, GOAL, steps, path, autoencoder)
    assert made.shape == (steps + 1, 6, 64)
    assert made.dtype == np.float32
    np.testing.assert_array_equal(made[0], START)
    np.testing.assert_array_equal(made[-1], GOAL)


@each_path
def test_reconstructed_ends_are_the_models(autoencoder, path):
    made = transition(START, GOAL, 3, path, autoencoder, reconstruct=True, silence=0.2)
    own = autoencoder.decode(autoencoder.encode(np.stack([START, GOAL])))
    own[own < 0.2] = 0
    np.testing.assert_array_equal(made[[0, -1]], own)


@each_path
def test_velocities_are_in_range_and_none_is_below_the_threshold(autoencoder, path):
    for silence in (0.0, 0.05, 0.4):
        made = transition(START, GOAL, 6, path, autoencoder, silence=silence)
        assert made.min() >= 0
        assert made.max() <= 1
        assert not np.any((made[1:-1] > 0) & (made[1:-1] < silence))


@each_path
def test_a_threshold_does_not_touch_the_ends(autoencoder, path):
    soft = START * np.float32(0.01)
    made = transition(soft, GOAL, 4, path, autoencoder, silence=1.0)
    np.testing.assert_array_equal(made[0], soft)
    assert made[1:-1].max() in (0, 1)


@each_path
@pytest.mark.parametrize("pattern", [START, np.zeros_like(START), np.ones_like(START)])
def test_equal_ends_make_a_finite_path(autoencoder, path, pattern):
    made = transition(pattern, pattern, 5, path, autoencoder)
    assert np.isfinite(made).all()
    if path is not PathKind.CROSSFADE:
        np.testing.assert_allclose(made[1:-1], made[1:2].repeat(4, axis=0), atol=1e-6)


def test_a_crossfade_needs_no_model():
    made = transition(START, GOAL, 2, PathKind.CROSSFADE)
    assert set(zip(*np.nonzero(made[1]), strict=True)) <= set(
        zip(*np.nonzero(np.maximum(START, GOAL)), strict=True)
    )


def test_weights_of_another_network_are_bad_data(tmp_path):
    checkpoint = load_weights("interpolate", str(write_tiny_autoencoder(tmp_path / "w")))
    tensors = {name: value[:1] for name, value in checkpoint.tensors.items()}
    autoencoder = infer.Autoencoder(replace(checkpoint, tensors=tensors))
    with pytest.raises(BadDataError, match="of another shape"):
        autoencoder.encode(START[None])
