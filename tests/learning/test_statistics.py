import numpy as np
import pytest

from drumkit_cli.learning.statistics import frechet_distance


def test_the_frechet_distance_of_the_same_is_zero_and_of_a_shift_its_square():
    seen = np.random.default_rng(0).normal(0, 1, (500, 6)).astype(np.float32)
    assert frechet_distance(seen, seen) == pytest.approx(0, abs=1e-4)
    assert frechet_distance(seen, seen + 2) == pytest.approx(24, rel=1e-3)
    assert frechet_distance(seen, 2 * seen) == pytest.approx(
        np.trace(np.cov(seen.T)) + (seen.mean(0) ** 2).sum(), rel=1e-3
    )
