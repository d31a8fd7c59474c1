import numpy as np

from drumkit_cli.arrange.baselines import random_onsets, retimed


def test_onsets_are_retimed_bar_line_on_bar_line_and_repeated():
    beats = np.stack([1 + np.arange(9) * 0.5, np.arange(9) % 4 + 1], 1)
    target = np.stack([np.arange(19) * 1.0, (np.arange(19) + 1) % 4 + 1], 1)  # a pickup of three
    onsets = np.array([0.2, 1.0, 1.75, 2.0])  # the first lies before the first bar line
    retimed_onsets = retimed(onsets, beats, target)
    bars = np.array([3, 11])
    for place in (0, 1.5, 2):
        assert np.isin(bars + place, retimed_onsets).all()
    assert retimed_onsets.min() >= 0
    assert retimed_onsets.max() <= 18
    assert not len(retimed(onsets, beats[:3], target))
    assert not len(retimed(onsets, np.zeros((0, 2)), target))


def test_random_onsets_are_as_many_as_asked_in_order():
    draws = random_onsets(7, 10.0)
    for draw in draws:
        assert len(draw) == 7
        assert (np.diff(draw) > 0).all()
        assert draw.min() >= 0
        assert draw.max() <= 10
