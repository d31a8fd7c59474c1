"""Swing found in notes, and where it puts sixteenths."""

import numpy as np
import pytest

from drumkit_cli.groove.inputs.swing import STRAIGHT, Swing, find_swing
from drumkit_cli.groove.inputs.template import template_of
from drumkit_cli.midi.track import empty_track


def eighths(ratio):
    return np.array([0, 4 * ratio] * 8)


def sixteenths(ratio):
    return np.array([0, 2 * ratio, 2, 2 + 2 * ratio] * 8)


@pytest.mark.parametrize("ratio", [0.53, 0.58, 0.62, 2 / 3])
def test_swing_is_found_in_eighths_and_sixteenths(ratio):
    found = find_swing(eighths(ratio))
    assert (found.pair, found.ratio) == (2, pytest.approx(ratio))
    if ratio > 0.535:
        found = find_swing(sixteenths(ratio))
        assert (found.pair, found.ratio) == (1, pytest.approx(ratio))


def test_triplets_are_swung_eighths():
    found = find_swing(np.array([0, 4 / 3, 8 / 3] * 4))
    assert (found.pair, found.ratio) == (2, pytest.approx(2 / 3))


@pytest.mark.parametrize(
    ("places", "pair"),
    [([0.0] * 8, 2), ([0, 2] * 8, 2), ([0, 1, 2, 3] * 4, 1), ([0, 3] * 8, 1), ([0, 2.5], 2)],
)
def test_straight_notes_have_no_swing(places, pair):
    assert find_swing(np.array(places, float)) == Swing(pair)


def test_a_player_who_is_not_exact_does_not_swing():
    late = np.random.default_rng(0).normal(0, 0.1, 256)
    assert find_swing(np.tile([0, 1, 2, 3], 64) + late).is_straight


def test_sixteenths_lie_between_swung_eighths():
    assert STRAIGHT.delays(6).tolist() == [0] * 6
    assert Swing(1, 0.6).delays(5) == pytest.approx([0, 0.2, 0, 0.2, 0])
    assert Swing(2, 2 / 3).delays(4) == pytest.approx([0, 1 / 3, 2 / 3, 1 / 3])
    assert Swing(2).with_amount(1.0).ratio == pytest.approx(2 / 3)
    assert Swing(1, 0.6).with_amount(0.0).is_straight


def hats(late):
    """The template of a measure of quarters, each with a second hat so many ticks late."""
    track = empty_track(end_ticks=1920)
    ticks = [beat + at for beat in range(0, 1920, 480) for at in (0, late)]
    return template_of(track.with_notes(track.note(tick, 60, 42, 90) for tick in ticks), "a")


def test_triplet_eighths_are_read_as_eighths():
    template = hats(320)
    assert np.flatnonzero(template.performance.velocities[2]).tolist() == list(range(0, 16, 2))
    assert template.performance.offsets[2, 2::4] == pytest.approx(2 / 3)
    assert template.swing.pair == 2


def test_dotted_eighths_stay_sixteenths():
    template = hats(360)
    assert np.flatnonzero(template.performance.velocities[2])[:4].tolist() == [0, 3, 4, 7]
    assert template.swing.is_straight
