import numpy as np
import pytest

from drumkit_cli.listening.peaks import match, pick_peaks, refine_peaks


def test_a_peak_is_the_highest_around_it_and_reaches_the_threshold():
    curve = np.array([0, 0.6, 0, 0.9, 0, 0, 0, 0, 0.4, 0, 0, 0, 0, 0.8], np.float32)
    assert pick_peaks(curve, 0.5).tolist() == [3, 13]
    assert pick_peaks(curve, 0.3).tolist() == [3, 8, 13]


def test_a_plateau_is_one_peak():
    assert pick_peaks(np.array([0, 0.8, 0.8, 0.8, 0], np.float32), 0.5).tolist() == [1]


def test_an_empty_or_a_flat_curve_has_no_second_peak():
    assert pick_peaks(np.zeros(0, np.float32), 0.1).tolist() == []
    assert pick_peaks(np.zeros(20, np.float32), 0.1).tolist() == []


def test_a_parabola_gives_its_own_vertex():
    frames = np.arange(9)
    curve = 1 - 0.05 * (frames - 4.3) ** 2
    assert refine_peaks(curve, pick_peaks(curve, 0.5)).tolist() == pytest.approx([4.3])


def test_a_peak_at_the_end_stays_within_half_a_frame():
    curve = np.array([0.1, 0.2, 0.9])
    assert abs(refine_peaks(curve, np.array([2]))[0] - 2) <= 0.5


@pytest.mark.parametrize(
    ("estimated", "reference", "pairs"),
    [
        ([1.0, 2.0], [1.04, 2.2], [(0, 0)]),
        ([1.0, 1.04], [1.02], [(0, 0)]),
        ([1.0], [0.96, 1.04], [(0, 0)]),
        ([1.0, 1.08], [1.04, 1.12], [(0, 0), (1, 1)]),
        ([], [1.0], []),
    ],
)
def test_each_time_is_matched_once(estimated, reference, pairs):
    assert match(estimated, reference, 0.05) == pairs


def test_a_matching_is_the_largest_there_is():
    mir_eval = pytest.importorskip("mir_eval")
    rng = np.random.default_rng(0)
    for _ in range(50):
        first, second = (np.sort(rng.uniform(0, 3, 30)) for _ in range(2))
        largest = len(mir_eval.util.match_events(first, second, 0.05))
        assert len(match(first, second, 0.05)) == largest
