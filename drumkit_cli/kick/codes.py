"""Codes: vectors `[Q]` of how a kick follows from bass and snare, sampled or taken from a song."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.io.arrays import Floats

MOST_CLUSTERS: Final = 10
MOST_POINTS: Final = 1500
_ROUNDS: Final = 50

_Points = NDArray[np.float64]


def sample_codes(count: int, size: int, seed: int) -> Floats:
    """Draw codes `[count, Q]` from the standard normal distribution."""
    return np.random.default_rng(seed).standard_normal((count, size)).astype(np.float32)


def typical_codes(codes: Floats) -> Floats:
    """Codes `[N, Q]` that may stand for a song, whose codes over time are `[T, Q]` (section 4).

    They are the mean and the centres of clusters; the number of clusters, 2 to 10, is that of the
    least Davies-Bouldin index. Of a long song frames at even distances are clustered.
    """
    step = max(-(-len(codes) // MOST_POINTS), 1)
    points = np.asarray(codes[::step], np.float64)
    found = points.mean(0)[None]
    if len(points) <= MOST_CLUSTERS or not np.ptp(points, axis=0).any():
        return np.asarray(found, np.float32)
    clusterings = [k_means(points, count) for count in range(2, MOST_CLUSTERS + 1)]
    centres, _ = min(clusterings, key=lambda found: davies_bouldin(points, *found))
    return np.concatenate([found, centres]).astype(np.float32)


def k_means(points: _Points, count: int) -> tuple[_Points, NDArray[np.intp]]:
    """Centres `[k, Q]` of clusters of points `[N, Q]`, and the cluster of each point.

    The first centre is the point nearest to the mean, each further one the point farthest from
    those before, so that nothing is random. Empty clusters are left out.
    """
    centres = points[[_squares(points, points.mean(0)[None])[:, 0].argmin()]]
    while len(centres) < count:
        farthest = _squares(points, centres).min(1).argmax()
        centres = np.concatenate([centres, points[[farthest]]])
    labels = _squares(points, centres).argmin(1)
    for _ in range(_ROUNDS):
        there = np.unique(labels)
        centres = np.stack([points[labels == label].mean(0) for label in there])
        last, labels = labels, _squares(points, centres).argmin(1)
        if np.array_equal(there[labels] if labels.max() < len(there) else labels, last):
            break
    return centres, labels


def davies_bouldin(points: _Points, centres: _Points, labels: NDArray[np.intp]) -> float:
    """Mean over clusters of the worst ratio of two spreads to the distance of their centres.

    D. L. Davies and D. W. Bouldin, "A cluster separation measure" (1979); infinite for one cluster.
    """
    if len(centres) < 2:
        return float("inf")
    away = np.sqrt(((points - centres[labels]) ** 2).sum(1))
    sizes = np.maximum(np.bincount(labels, minlength=len(centres)), 1)
    spread = np.bincount(labels, away, minlength=len(centres)) / sizes
    distance = np.sqrt(_squares(centres, centres))
    np.fill_diagonal(distance, np.inf)
    ratios = (spread[:, None] + spread[None]) / np.maximum(distance, 1e-12)
    return float(ratios.max(1).mean())


def _squares(points: _Points, centres: _Points) -> _Points:
    """Squared distances `[N, k]`."""
    products = points @ centres.T
    squares = (points**2).sum(1)[:, None] - 2 * products + (centres**2).sum(1)[None]
    return np.asarray(np.maximum(squares, 0))
