import numpy as np
import pytest

from drumkit_cli.patterns import statistics
from drumkit_cli.patterns.pattern_sets import PatternSet


def noise(count, chance=0.2, seed=0):
    generator = np.random.default_rng(seed)
    hits = generator.random((count, 6, 64)) < chance
    return np.where(hits, generator.uniform(0.1, 1, hits.shape), 0).astype(np.float32)


def with_hits(*steps):
    pattern = np.zeros((6, 64), np.float32)
    pattern[0, list(steps)] = 1
    return pattern


def test_onset_f1_is_that_of_a_count_by_hand():
    true, made = with_hits(0, 4, 8, 12)[None], with_hits(0, 4, 9)[None]
    assert statistics.onset_f1(made, true) == pytest.approx(4 / 7)
    assert statistics.onset_f1(true, true) == 1
    assert statistics.onset_f1(np.zeros_like(true), true) == 0


def test_velocity_error_is_of_the_notes_in_both_and_none_without_any():
    true, made = with_hits(0, 4), with_hits(0, 8)
    made[0, 0] = 0.75
    assert statistics.velocity_error(made, true) == pytest.approx(0.25)
    assert np.isnan(statistics.velocity_error(with_hits(1), with_hits(2)))


def test_distances_count_the_hits_that_differ():
    between = statistics.distances(
        np.stack([with_hits(0, 4), with_hits()]), np.stack([with_hits(0, 8, 9)])
    )
    np.testing.assert_array_equal(between, [[3], [3]])


def test_the_nearest_is_found_across_chunks_and_only_where_it_is_allowed(monkeypatch):
    monkeypatch.setattr(statistics, "_CHUNK", 7)
    patterns, others = noise(20), noise(30, seed=1)
    between = statistics.distances(patterns, others)
    np.testing.assert_array_equal(statistics.nearest(patterns, others), between.min(1))
    allowed = np.ones((20, 30), bool)
    allowed[np.arange(20), between.argmin(1)] = False
    second = np.sort(between, axis=1)[:, 1]
    np.testing.assert_array_equal(statistics.nearest(patterns, others, allowed), second)
    allowed[3] = False
    assert np.isinf(statistics.nearest(patterns, others, allowed)[3])


def test_steps_are_the_distances_along_a_path():
    path = np.stack([with_hits(0), with_hits(0, 1), with_hits(0, 1), with_hits(2)])
    np.testing.assert_array_equal(statistics.step_sizes(path), [1, 0, 3])


@pytest.mark.parametrize(("count", "size"), [(124, 82), (992, 82), (30, 7), (10, 10), (12, 1)])
def test_subsets_are_disjoint_and_spread(count, size):
    subsets = list(statistics.spread_subsets(np.arange(count), size))
    assert len(subsets) == count // size
    assert {len(subset) for subset in subsets} == {size}
    assert len(np.unique(subsets)) == len(subsets) * size
    for subset in subsets:
        assert np.diff(subset, prepend=subset[0]).max() <= count // size + 1


def test_no_subset_is_larger_than_the_whole():
    assert list(statistics.spread_subsets(np.arange(3), 4)) == []


def test_two_clusters_are_told_apart_and_one_cloud_is_not():
    sparse, dense = noise(40, 0.05), noise(40, 0.9, 1)
    assert statistics.two_sample_accuracies(sparse, dense) == (1, 1)
    cloud = np.mean(statistics.two_sample_accuracies(noise(300), noise(300, seed=1)))
    assert cloud == pytest.approx(0.5, abs=0.06)


def test_ties_count_half_and_repeated_patterns_fool_the_test():
    same = np.repeat(noise(1), 10, axis=0)
    assert statistics.two_sample_accuracies(same, same) == (0.5, 0.5)
    # The nearest of each is its own copy, which is in the other set.
    assert statistics.two_sample_accuracies(noise(30), noise(30)) == (0, 0)


def test_the_sides_show_what_keeps_to_a_few_kinds():
    real = noise(50)
    made = np.repeat(noise(1, seed=1), 50, axis=0)
    of_made = statistics.two_sample_accuracies(real, made)[1]
    assert of_made == 1


def test_identical_sets_cover_each_other_and_far_ones_do_not():
    real = noise(60)
    coverage, density = statistics.coverage_and_density(real, real)
    assert coverage == 1
    # Each is near itself and at least its five nearest: more where distances are equal.
    assert 6 / 5 <= density < 1.5
    assert statistics.coverage_and_density(noise(60, 0.05), noise(60, 0.9)) == (0, 0)
    # One pattern, made often, covers those of which it is among the five nearest.
    coverage, density = statistics.coverage_and_density(real, np.repeat(real[:1], 60, axis=0))
    assert coverage < 0.5
    assert density == pytest.approx(60 * coverage / 5)


def test_known_patterns_are_told_by_their_onsets_alone():
    known = statistics.onset_keys(noise(10))
    quieter = noise(10) / 2
    assert statistics.share_known(quieter, known) == 1
    assert statistics.share_known(np.concatenate([quieter, noise(30, seed=1)]), known) == 0.25


def test_one_of_each_source_is_taken_of_the_named_splits_and_kinds():
    velocities = noise(6)
    patterns = PatternSet(
        velocities,
        ("composed", "composed", "played", "electronic", "composed", "electronic"),
        ("a", "a", "b", "c", "d", "c"),
        ("test", "test", "test", "test", "train", "test"),
    )
    chosen = statistics.one_a_source(patterns, ("test",), ("composed", "electronic"))
    assert len(chosen) == 2
    assert any(np.array_equal(chosen[0], velocities[index]) for index in (0, 1))
    assert any(np.array_equal(chosen[1], velocities[index]) for index in (3, 5))
    again = statistics.one_a_source(patterns, ("test",), ("composed", "electronic"))
    np.testing.assert_array_equal(again, chosen)


def test_jaccard_distances_are_the_share_of_notes_that_are_not_in_both():
    patterns = np.stack([with_hits(0, 4), with_hits()])
    others = np.stack([with_hits(0, 8, 9), with_hits(0, 4), with_hits()])
    expected = [[3 / 4, 0, 1], [1, 1, 0]]
    np.testing.assert_allclose(statistics.jaccard_distances(patterns, others), expected)


def test_silence_is_near_to_all_by_hamming_and_to_none_by_jaccard():
    real, silence = noise(60), np.zeros((60, 6, 64), np.float32)
    assert statistics.coverage_and_density(real, silence)[0] > 0.9
    covered = statistics.coverage_and_density(real, silence, metric=statistics.jaccard_distances)
    assert covered == (0, 0)


def test_principal_components_are_the_directions_in_which_patterns_vary():
    generator = np.random.default_rng(0)
    patterns = np.full((500, 6, 64), 0.5, np.float32)
    patterns[:, 2, 5] += generator.normal(0, 3, 500).astype(np.float32)
    patterns[:, 0, 0] += generator.normal(0, 1, 500).astype(np.float32)
    mean, components = statistics.principal_components(patterns, 2)
    np.testing.assert_allclose(mean, patterns.reshape(500, -1).mean(0), atol=1e-5)
    assert components[0, 2 * 64 + 5] == pytest.approx(1, abs=0.01)
    assert components[1, 0] == pytest.approx(1, abs=0.01)
