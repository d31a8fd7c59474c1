"""Statistics of sets of embeddings, for evaluations."""

import numpy as np

from drumkit_cli.io.arrays import Floats


def frechet_distance(first: Floats, second: Floats) -> float:
    """Frechet distance of embeddings ``[n, D]`` and ``[m, D]``, each set taken as a Gaussian.

    ``|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2))``, in squared units of the embeddings; 0 for equal
    sets. At least two embeddings a set.

    Source: M. Heusel et al., "GANs trained by a two time-scale update rule converge to a local Nash
    equilibrium", 2017.
    """
    first, second = first.astype(np.float64), second.astype(np.float64)
    covariance, other = np.cov(first.T), np.cov(second.T)
    shared = np.sqrt(np.maximum(np.linalg.eigvals(covariance @ other).real, 0)).sum()
    squared = np.sum((first.mean(0) - second.mean(0)) ** 2)
    squared += np.trace(covariance) + np.trace(other) - 2 * shared
    return float(max(squared, 0.0))
