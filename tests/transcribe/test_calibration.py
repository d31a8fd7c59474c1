import numpy as np
import pytest

from drumkit_cli.transcribe.training.calibration import best_thresholds


def curves(heights):
    activation, targets = (np.zeros((200, 6), np.float32) for _ in range(2))
    for number, (height, is_hit) in enumerate(heights):
        activation[10 * number + 5] = height
        targets[10 * number + 5] = is_hit
    return activation, targets, np.ones((200, 6), np.float32)


def test_a_threshold_lies_between_hits_and_others():
    activation, targets, weights = curves([(0.8, 1), (0.7, 1), (0.5, 0), (0.4, 0)])
    thresholds, scores = best_thresholds([activation], [targets], [weights])
    assert all(0.5 < threshold <= 0.7 for threshold in thresholds)
    assert scores == [1.0] * 6


def test_hits_that_cannot_be_heard_count_neither_way():
    activation, targets, weights = curves([(0.8, 1), (0.7, 1), (0.3, 1), (0.5, 0)])
    weights[20:30] = 0
    _, scores = best_thresholds([activation], [targets], [weights])
    assert scores == pytest.approx([1.0] * 6)
