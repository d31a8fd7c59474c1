"""Figures of pattern sets ``[N, V, T]``: onset F1, distances, and whether two sets are told apart.

A distance between patterns is a Hamming distance, where no other is named: of 384 cells, how many
have a note in one only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.patterns.pattern_sets import Floats, PatternSet

Metric = Callable[[Floats, Floats], Floats]
"""From sets of N and M patterns to their distances ``[N, M]``."""

_CHUNK: Final = 512
"""Patterns whose distances are held at a time: 12,000 by 12,000 of them are 600 MB."""


def onset_f1(made: Floats, true: Floats) -> float:
    """F1 of the onsets of patterns, counted over all of them."""
    hits = np.count_nonzero((made > 0) & (true > 0))
    total = np.count_nonzero(made > 0) + np.count_nonzero(true > 0)
    return 2 * int(hits) / max(int(total), 1)


def velocity_error(made: Floats, true: Floats) -> float:
    """Mean absolute error of the velocities of notes that are in both; NaN without any."""
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

    Unlike Hamming distances they do not place sparse patterns near to everything.
    """
    differing = distances(patterns, others)
    notes, other_notes = ((part > 0).sum((1, 2), dtype=np.float32) for part in (patterns, others))
    either = (notes[:, None] + other_notes[None] + differing) / 2
    found: Floats = differing / np.maximum(either, 1)
    return found


def nearest(patterns: Floats, others: Floats, allowed: NDArray[np.bool_] | None = None) -> Floats:
    """The distance ``[N]`` to the nearest of the others, of those that ``allowed`` [N, M] names.

    Infinite for a pattern that may have none of them.
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
    """The distances ``[N - 1]`` from each pattern of a path to the next."""
    onsets = (path > 0).reshape(len(path), -1)
    sizes: Floats = (onsets[1:] != onsets[:-1]).sum(1).astype(np.float32)
    return sizes


def spread_subsets(patterns: Floats, size: int) -> Iterator[Floats]:
    """Yield as many disjoint subsets of a size as there are, each spread evenly over the whole."""
    count = len(patterns) // size
    for offset in range(count):
        places = (np.arange(size) + offset / count) * (len(patterns) / size)
        yield patterns[np.floor(places + 1e-9).astype(int)]


def one_a_source(patterns: PatternSet, splits: Sequence[str], kinds: Sequence[str]) -> Floats:
    """One pattern of each source of some splits and kinds, by a hash of its name.

    No two are variants, and all kinds of variants are among them.
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
    """What tells patterns apart by their onsets alone."""
    return {np.packbits(pattern > 0).tobytes() for pattern in patterns}


def share_known(patterns: Floats, known: set[bytes]) -> float:
    """The share of patterns whose onsets are among `onset_keys`."""
    return float(np.mean([np.packbits(pattern > 0).tobytes() in known for pattern in patterns]))


def two_sample_accuracy(real: Floats, made: Floats) -> float:
    """Leave-one-out accuracy of the nearest neighbour at telling two sets of one size apart.

    0.5 where they are alike, 1 where each keeps to itself; below 0.5 where the made ones repeat the
    real ones. Of equal distances the other set's counts half.

    Source: D. Lopez-Paz and M. Oquab, "Revisiting classifier two-sample tests", 2017; Q. Xu et al.,
    "An empirical study on evaluation metrics of generative adversarial networks", 2018.
    """
    return sum(two_sample_sides(real, made)) / 2


def two_sample_sides(real: Floats, made: Floats, metric: Metric = distances) -> tuple[float, float]:
    """The two halves of `two_sample_accuracy`: the shares of real and of made ones told right.

    Both must be near 0.5 for sets to be alike: the made ones' is high where they are of a few kinds
    only, and low where each stands alone, as noise does, with the real ones' near 1.
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
    """The share of real patterns near which something was made, and how densely it lies there.

    Near is within the distance to the k-th nearest other real pattern. Density is 1 for more of the
    same; above 1 where what is made keeps to the middle of the data.

    Source: M. F. Naeem et al., "Reliable fidelity and diversity metrics for generative models",
    2020, Eq. 4 and 5.
    """
    among = metric(real, real)
    np.fill_diagonal(among, np.inf)
    radii = np.sort(among, axis=1)[:, min(neighbours, len(real) - 1) - 1]
    near = metric(real, made) <= radii[:, None]
    return float(near.any(1).mean()), float(near.sum(0).mean() / neighbours)


def principal_components(patterns: Floats, count: int) -> tuple[Floats, Floats]:
    """The mean ``[V * T]`` and the first principal components ``[count, V * T]`` of patterns.

    Of either direction of a component, the one whose largest entry is positive.
    """
    flat = patterns.reshape(len(patterns), -1)
    mean = flat.mean(0, dtype=np.float64)
    components = np.linalg.eigh(np.cov(flat - mean, rowvar=False, bias=True))[1].T[::-1][:count]
    largest = np.abs(components).argmax(1)
    turned = components * np.sign(np.take_along_axis(components, largest[:, None], 1))
    return mean.astype(np.float32), turned.astype(np.float32)
