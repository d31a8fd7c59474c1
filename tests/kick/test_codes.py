import numpy as np
import pytest

from drumkit_cli.kick.codes import davies_bouldin, k_means, sample_codes, typical_codes


def clusters(sizes, places):
    generator = np.random.default_rng(0)
    parts = [
        place + 0.01 * generator.normal(0, 1, (size, len(place)))
        for size, place in zip(sizes, np.array(places, float), strict=True)
    ]
    return np.concatenate(parts)


def test_typical_codes_are_the_mean_and_the_centres_of_clusters():
    codes = clusters([100, 300, 50], [[0, 0], [5, 5], [9, 0]]).astype(np.float32)
    mean, *centres = typical_codes(codes)
    np.testing.assert_allclose(mean, codes.mean(0), rtol=1e-5)
    np.testing.assert_allclose(sorted(map(tuple, centres)), [(0, 0), (5, 5), (9, 0)], atol=0.01)


def test_codes_that_never_change_are_typical():
    np.testing.assert_allclose(typical_codes(np.full((50, 3), 2.0, np.float32)), [[2, 2, 2]])


def test_k_means_finds_separate_clusters():
    points = clusters([40, 60], [[0, 0], [3, 3]])
    centres, labels = k_means(points, 2)
    assert sorted(np.bincount(labels).tolist()) == [40, 60]
    np.testing.assert_allclose(np.sort(centres[:, 0]), [0, 3], atol=0.02)


def test_davies_bouldin_is_the_ratio_of_spread_to_distance():
    points = np.array([[0.0], [2.0], [10.0], [12.0]])
    centres, labels = np.array([[1.0], [11.0]]), np.array([0, 0, 1, 1])
    assert davies_bouldin(points, centres, labels) == pytest.approx((1 + 1) / 10)
    assert davies_bouldin(points, centres[:1], labels * 0) == np.inf


def test_a_seed_gives_the_same_codes_of_a_standard_normal_distribution():
    codes = sample_codes(5000, 4, 1)
    assert np.array_equal(codes, sample_codes(5000, 4, 1))
    assert not np.array_equal(codes, sample_codes(5000, 4, 2))
    np.testing.assert_allclose(codes.mean(0), 0, atol=0.06)
    np.testing.assert_allclose(codes.std(0), 1, atol=0.05)
