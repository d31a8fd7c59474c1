"""Statistics of patterns ``[N, V, T]``: onset F1, distances, two-sample tests, coverage.

The distance of two patterns is the Hamming distance of their onsets unless another is named: the
number of cells, of 384, in which only one has a note.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.io.arrays import Floats
from drumkit_cli.patterns.pattern_sets import PatternSet

Metric = Callable[[Floats, Floats], Floats]
"""A function from N and M patterns to their distances ``[N, M]``."""

_CHUNK: Final = 512
"""Patterns compared at a time: the distances of 12,000 to 12,000 would be 600 MB."""


def onset_f1(made: Floats, true: Floats) -> float:
    """F1 score of the onsets of patterns, counted over all of them; 0..1."""
    hits = np.count_nonzero((made > 0) & (true > 0))
    total = np.count_nonzero(made > 0) + np.count_nonzero(true > 0)
    return 2 * int(hits) / max(int(total), 1)


def velocity_error(made: Floats, true: Floats) -> float:
    """Mean absolute velocity error, 0..1, of the notes that both have; NaN without any."""
    both = (made > 0) & (true > 0)
    return float(np.abs(made - true)[both].mean()) if both.any() else float("nan")


def distances(patterns: Floats, others: Floats) -> Floats:
    """Hamming distances ``[N, M]``."""
    first = (patterns > 0).reshape(len(patterns), -1).astype(np.float32)
    second = (others > 0).reshape(len(others), -1).astype(np.float32)
    between: Floats = first.sum(1)[:, None] + second.sum(1)[None] - 2 * first @ second.T
    return between


def jaccard_distances(patterns: Floats, others: Floats) -> Floats:
    """Jaccard distances ``[N, M]``: 0 for the same onsets, 1 for none in common.

    Unlike with Hamming distances, sparse patterns are not close to all others.
    """
    differing = distances(patterns, others)
    notes, other_notes = ((part > 0).sum((1, 2), dtype=np.float32) for part in (patterns, others))
    either = (notes[:, None] + other_notes[None] + differing) / 2
    found: Floats = differing / np.maximum(either, 1)
    return found


def nearest(patterns: Floats, others: Floats, allowed: NDArray[np.bool_] | None = None) -> Floats:
    """Distances ``[N]`` to the nearest of M others, among those that ``allowed`` [N, M] permits.

    Infinite where none is allowed.
    """
    found = np.full(len(patterns), np.inf, np.float32)
    for start in range(0, len(patterns), _CHUNK):
        chunk = slice(start, start + _CHUNK)
        between = distances(patterns[chunk], others)
        if allowed is not None:
            between[~allowed[chunk]] = np.inf
        found[chunk] = between.min(1)
    return found


def step_sizes(path: Floats) -> Floats:
    """Distances ``[N - 1]`` from each pattern of a path to the next."""
    onsets = (path > 0).reshape(len(path), -1)
    sizes: Floats = (onsets[1:] != onsets[:-1]).sum(1).astype(np.float32)
    return sizes


def spread_subsets(patterns: Floats, size: int) -> Iterator[Floats]:
    """Yield disjoint subsets of a size, as many as fit, each spread evenly over the patterns."""
    count = len(patterns) // size
    for offset in range(count):
        places = (np.arange(size) + offset / count) * (len(patterns) / size)
        yield patterns[np.floor(places + 1e-9).astype(int)]


def one_a_source(patterns: PatternSet, splits: Sequence[str], kinds: Sequence[str]) -> Floats:
    """One pattern of each source of the given splits and kinds, chosen by a hash of its name.

    So no two are variants of each other.
    """
    members: dict[str, list[int]] = {}
    for index, (kind, source, split) in enumerate(
        zip(patterns.kinds, patterns.sources, patterns.splits, strict=True)
    ):
        if split in splits and kind in kinds:
            members.setdefault(source, []).append(index)
    chosen = [
        found[hashlib.sha256(source.encode()).digest()[1] % len(found)]
        for source, found in members.items()
    ]
    return patterns.velocities[np.array(chosen, np.int64)]


def onset_keys(patterns: Floats) -> set[bytes]:
    """Hashable keys of the onsets of patterns: equal onsets have equal keys."""
    return {np.packbits(pattern > 0).tobytes() for pattern in patterns}


def share_known(patterns: Floats, known: set[bytes]) -> float:
    """Share, 0..1, of the patterns whose onsets are among the keys of `onset_keys`."""
    return float(np.mean([np.packbits(pattern > 0).tobytes() in known for pattern in patterns]))


def two_sample_accuracies(
    real: Floats, made: Floats, metric: Metric = distances
) -> tuple[float, float]:
    """Leave-one-out accuracy of a nearest-neighbour two-sample test, on real and on made patterns.

    Both are near 0.5 where two sets of one size are alike. The mean is 1 where the sets lie apart
    and below 0.5 where the made ones copy the real ones. Generated patterns of a few kinds only are
    classified well; noise, each pattern of which stands alone, is classified badly while the real
    ones are near 1. Of equal distances to both sets, each counts half.

    Source: D. Lopez-Paz and M. Oquab, "Revisiting classifier two-sample tests", 2017; Q. Xu et al.,
    "An empirical study on evaluation metrics of generative adversarial networks", 2018.
    """
    assert len(real) == len(made)
    count = len(real)
    both = np.concatenate([real, made])
    between = metric(both, both).astype(np.float64)
    np.fill_diagonal(between, np.inf)
    to_real, to_made = between[:, :count].min(1), between[:, count:].min(1)
    nearer_real: NDArray[np.float64] = np.where(
        to_real == to_made, 0.5, (to_real < to_made).astype(np.float64)
    )
    return float(nearer_real[:count].mean()), float((1 - nearer_real[count:]).mean())


def coverage_and_density(
    real: Floats, made: Floats, neighbours: int = 5, metric: Metric = distances
) -> tuple[float, float]:
    """Coverage and density of generated patterns.

    Coverage, 0..1, is the share of real patterns with a generated one within the distance to their
    k-th nearest real neighbour. Density counts the generated ones there: 1 for samples of the same
    distribution, above 1 where they concentrate in the middle of the data.

    Source: M. F. Naeem et al., "Reliable fidelity and diversity metrics for generative models",
    2020, Eq. 4 and 5.
    """
    among = metric(real, real)
    np.fill_diagonal(among, np.inf)
    radii = np.sort(among, axis=1)[:, min(neighbours, len(real) - 1) - 1]
    near = metric(real, made) <= radii[:, None]
    return float(near.any(1).mean()), float(near.sum(0).mean() / neighbours)


def principal_components(patterns: Floats, count: int) -> tuple[Floats, Floats]:
    """Mean ``[V * T]`` and first principal components ``[count, V * T]`` of patterns.

    The sign of a component is such that its largest entry is positive.
    """
    flat = patterns.reshape(len(patterns), -1)
    mean = flat.mean(0, dtype=np.float64)
    components = np.linalg.eigh(np.cov(flat - mean, rowvar=False, bias=True))[1].T[::-1][:count]
    largest = np.abs(components).argmax(1)
    turned = components * np.sign(np.take_along_axis(components, largest[:, None], 1))
    return mean.astype(np.float32), turned.astype(np.float32)
