import numpy as np
import pytest

from drumkit_cli.groove.network.windowing import Windows
from drumkit_cli.groove.training import metrics


def windows(density=0.2, count=50, seed=0):
    generator = np.random.default_rng(seed)
    notes = generator.random((count, 32, 7)) < density
    velocities = np.where(notes, generator.uniform(0.1, 1, notes.shape), 0).astype(np.float32)
    timings = np.where(notes, generator.normal(0, 0.3, notes.shape), 0).astype(np.float32)
    return Windows(velocities, timings)


def test_the_real_thing_is_perfect():
    real = windows()
    figures = metrics.reconstruction(real.notes, real.velocities, real.timings, real)
    assert figures.pop("note_f1") == figures.pop("micro_f1") == 1
    assert all(value == pytest.approx(0, abs=1e-9) for value in figures.values())


def test_note_f1_is_the_mean_over_steps_with_notes():
    real, made = np.zeros((2, 1, 4, 7), np.float32)
    real[0, 0, :2] = made[0, 0, :3] = 1  # 2 * 2 / (2 + 3)
    real[0, 1, 0] = 1  # missed: 0
    made[0, 2, 0] = 1  # invented: 0
    assert metrics.note_f1(made, real) == pytest.approx(0.8 / 3)
    assert metrics.micro_f1(made, real) == pytest.approx(2 * 2 / (4 + 3))


def test_silence_for_silence_is_perfect():
    empty = np.zeros((1, 32, 7), np.float32)
    assert metrics.note_f1(empty, empty) == metrics.micro_f1(empty, empty) == 1
    assert metrics.hit_mse(empty, empty, empty) == 0


def test_errors_count_over_the_matrix_or_at_hits():
    real = windows()
    made = (real.velocities + 0.1 * real.notes).astype(np.float32)
    assert metrics.hit_mse(made, real.velocities, real.notes) == pytest.approx(0.01, rel=1e-3)
    share = real.notes.mean()
    assert metrics.matrix_mse(made, real.velocities) == pytest.approx(0.01 * share, rel=1e-3)


def test_the_kl_distance_is_that_of_gaussians_in_closed_form():
    generator = np.random.default_rng(0)
    notes = np.ones((2000, 32, 1), np.float32)
    real = generator.normal(0, 1, notes.shape).astype(np.float32)
    made = generator.normal(0.5, 2, notes.shape).astype(np.float32)
    expected = np.log(1 / 2) + (4 + 0.25) / 2 - 0.5
    assert metrics.kl_distance(made, notes, real, notes) == pytest.approx(expected, abs=0.03)


def test_metrical_moments_are_those_of_each_sixteenth_of_a_beat():
    values = np.tile(np.array([1, 2, 3, 4], np.float32), 8)[None, :, None]
    moments = metrics.metrical_moments(values, np.ones_like(values))
    assert np.array_equal(moments, [[1, 0], [2, 0], [3, 0], [4, 0]])
    assert np.isnan(metrics.metrical_moments(values, np.zeros_like(values))).all()


def test_accuracy_leaves_windows_without_a_genre_out():
    real = np.array([0, 1, -1, 2])
    assert metrics.accuracy(np.array([0, 1, 5, 5]), real) == pytest.approx(2 / 3)
    assert np.isnan(metrics.accuracy(np.array([0]), np.array([-1])))
