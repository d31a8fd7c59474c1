import numpy as np
import pytest
import torch

from drumkit_cli.grading.config import CONTEXTS
from drumkit_cli.score.regression import fit_regressions, fit_softmax, softmax
from tests.score.tiny import TINY, tiny_network


def test_probabilities_sum_to_one_and_do_not_overflow():
    likely = softmax(np.array([[1000.0, 0.0], [0.0, 0.0]]))
    np.testing.assert_allclose(likely, [[1, 0], [0.5, 0.5]], atol=1e-12)


def test_without_features_that_tell_the_answer_is_the_share_of_each_class():
    classes = np.array([0, 0, 0, 1, 2, 2])
    weights, bias = fit_softmax(np.zeros((6, 2)), classes, 3, 1.0)
    np.testing.assert_allclose(softmax(bias[None])[0], [1 / 2, 1 / 6, 1 / 3], atol=1e-4)
    np.testing.assert_allclose(weights, 0, atol=1e-8)


def test_the_slope_is_zero_at_the_answer():
    chance = np.random.default_rng(0)
    features, classes = chance.normal(0, 1, (200, 3)), chance.integers(3, size=200)
    weights, bias = fit_softmax(features, classes, 3, 2.0)
    error = softmax(features @ weights + bias) - np.eye(3)[classes]
    assert np.abs(features.T @ error + 2.0 * weights).max() < 0.02
    assert np.abs(error.sum(0)).max() < 0.02


def test_each_context_knows_only_its_features():
    chance = np.random.default_rng(0)
    grades = chance.uniform(0, 9, 300).astype(np.float32)
    features = chance.normal(0, 1, (300, TINY.features)).astype(np.float32)
    features[:, -1] = grades  # of the bass
    fitted = fit_regressions(TINY, features, grades)
    alone, reference, bass, both = np.abs(fitted.coefficients).sum(2) > 0
    assert not alone[TINY.counts[0] :].any()
    assert reference[: -TINY.counts[2]].all()
    assert not reference[-TINY.counts[2] :].any()
    assert not bass[TINY.counts[0] : -TINY.counts[2]].any()
    assert both.all()
    network = tiny_network()
    for name, value in vars(fitted).items():
        network.get_buffer(name).copy_(torch.from_numpy(value))
    with torch.no_grad():
        probabilities, found = network.judge(torch.from_numpy(features))
    assert probabilities.shape == (len(CONTEXTS), 300, 4)
    assert np.corrcoef(found[3], grades)[0, 1] > 0.9
    assert abs(np.corrcoef(found[0], grades)[0, 1]) < 0.6
    assert float(found.mean()) == pytest.approx(grades.mean(), abs=0.3)
