import numpy as np
import pytest

from drumkit_cli.listening.hits import hits_of
from tests.listening.tiny import activations

THRESHOLDS = (0.5,) * 6
PLAYED = [(0.2, 0, 0.9), (0.5, 2, 0.3), (0.52, 1, 0.7), (0.9, 4, 0.5), (1.95, 5, 1.0)]


def test_every_peak_is_a_hit_with_its_voice_and_velocity():
    hits = list(hits_of([activations(PLAYED, 2)], THRESHOLDS))
    assert [hit.voice for hit in hits] == [voice for _, voice, _ in PLAYED]
    np.testing.assert_allclose([h.seconds for h in hits], [at for at, _, _ in PLAYED], atol=0.006)
    assert [hit.velocity for hit in hits] == pytest.approx([v for _, _, v in PLAYED])
    assert {hit.strength for hit in hits} == {np.float32(0.9)}


@pytest.mark.parametrize("length", [1, 7, 50, 1000])
def test_blocks_of_any_length_give_the_same_hits(length):
    whole = activations(PLAYED, 2)
    blocks = [whole[start : start + length] for start in range(0, len(whole), length)]
    assert list(hits_of(blocks, THRESHOLDS)) == list(hits_of([whole], THRESHOLDS))


def test_a_threshold_leaves_weak_hits_of_its_voice_out():
    thresholds = (0.95, *THRESHOLDS[1:])
    assert {hit.voice for hit in hits_of([activations(PLAYED, 2)], thresholds)} == {1, 2, 4, 5}


@pytest.mark.parametrize("stronger", [2, 3])
def test_of_a_closed_and_an_open_hat_at_once_the_stronger_is_taken(stronger):
    both = activations([(0.5, 2, 0.5), (0.51, 3, 0.5), (1.0, 2, 0.5)], 2)
    both[:, stronger] *= 1.1
    assert [hit.voice for hit in hits_of([both], THRESHOLDS)] == [stronger, 2]


def test_hits_at_the_very_ends_are_kept():
    made = activations([], 1)
    made[0, 0] = made[-1, 1] = 0.9
    hits = list(hits_of([made], THRESHOLDS))
    assert [hit.voice for hit in hits] == [0, 1]
    assert hits[0].seconds == pytest.approx(0, abs=0.006)


def test_no_activations_have_no_hits():
    assert list(hits_of([], THRESHOLDS)) == []
