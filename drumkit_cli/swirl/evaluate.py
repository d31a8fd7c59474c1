"""`drumkit evaluate swirl`: how well its patterns pass for real ones, and how they change.

The paper has no such figures: listeners rated its drummer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from drumkit_cli import console
from drumkit_cli.io.arrays import Floats
from drumkit_cli.io.tables import Cell, Table
from drumkit_cli.learning.checkpoint import load_weights
from drumkit_cli.patterns.pattern_sets import PATTERN_MEASURES, PatternSet, load_patterns
from drumkit_cli.patterns.statistics import (
    Metric,
    coverage_and_density,
    distances,
    jaccard_distances,
    nearest,
    one_a_source,
    onset_keys,
    share_known,
    spread_subsets,
    step_sizes,
    two_sample_accuracies,
)
from drumkit_cli.swirl import infer
from drumkit_cli.swirl.walk import Walk

FOUND: Final = ("electronic",)
KINDS: Final = ("composed", *FOUND)
TOUR_MEASURES: Final = 1984
SEEDS: Final = 4
COMPARED: Final = (
    "two-sample accuracy",
    "accuracy on held-out",
    "accuracy on others",
    "coverage",
    "density",
)


@dataclass(frozen=True)
class Tours:
    """What is played along the whole path, for some seeds.

    Attributes:
        phrases: consecutive four measures as played, ``[N, V, 64]``.
        patterns: the generated pattern that each measure is a part of, ``[S, M, V, 64]``.
    """

    phrases: Floats
    patterns: Floats


def evaluate(data: Path, weights: str | None) -> Table:
    """Compare what is played with electronic patterns of the test split.

    Raises:
        MissingInputError: as `load_patterns`.
        BadDataError, UnavailableError: as `load_weights`.
    """
    drummer = infer.Drummer(load_weights("swirl", weights))
    with console.progress(SEEDS, "playing") as bar:
        played = []
        for seed in range(SEEDS):
            played.append(play_tour(drummer, seed))
            bar.advance(1)
        every = Tours(
            np.concatenate([tour.phrases for tour in played]),
            np.concatenate([tour.patterns for tour in played]),
        )
        tours = {f"seeds 0 to {SEEDS - 1}": every, "seed 0": played[0]}
    patterns = load_patterns(data)
    columns = [tour.phrases for tour in tours.values()]
    training = one_a_source(patterns, ("train",), KINDS)
    columns += [training, random_notes(training, len(every.phrases))]
    rows = _compared_rows(patterns, columns) + _own_rows(patterns, columns, tours)
    return Table(
        title=f"Swirl: {len(every.phrases):,} phrases of four measures against electronic patterns",
        columns=["figure", "against", *tours, "training patterns", "random notes"],
        rows=rows,
        notes=[
            f"data: {data.name} and our composer",
            f"played: {SEEDS} seeds, the whole path each in {TOUR_MEASURES:,} measures",
            "held-out: one test pattern a source; test patterns were not used in development",
            "found: patterns of the data, not of our composer; see the training patterns' figures",
            "training patterns, one a source (found against found): what good data would score",
            "random notes: independent cells, as dense as those on average; this is no music",
            "two-sample: accuracy of leave-one-out nearest neighbours, 0.5 for equal distributions",
            "only with both sides near 0.5 are sets alike: random notes have 0.5 on average",
            "by Hamming distance sparse patterns are near to all others, by Jaccard distance not",
            "two-sample, coverage, density (k=5): mean over disjoint subsets as large as held-out",
            "copies: share with the onsets of a pattern of the data, all splits, or our composer",
            "generator: the whole generated patterns, one measure of each of which is played",
            "distances in differing hits, of 384; step: from one measure's pattern to the next",
            "nearest: in the training set; for training patterns, of another source",
            "the paper has no figures of these kinds: listeners rated its drummer",
            f"weights: sha256 {drummer.weights_sha256[:16]}",
        ],
    )


def play_tour(drummer: infer.Drummer, seed: int) -> Tours:
    """Play the whole path once."""
    walk = Walk(seed=seed)
    measures = np.stack(list(infer.measures(drummer, TOUR_MEASURES, walk)))
    phrases = measures.reshape(-1, PATTERN_MEASURES, *measures.shape[1:])
    played = phrases.transpose(0, 2, 1, 3).reshape(len(phrases), measures.shape[1], -1)
    patterns = drummer.play(infer.places(np.arange(TOUR_MEASURES) * walk.speed, walk))
    return Tours(played, patterns[None])


def random_notes(patterns: Floats, count: int) -> Floats:
    """Random patterns with independent cells, each a note as often as in the given patterns."""
    chances = (patterns > 0).mean(0)
    made: Floats = np.random.default_rng(0).random((count, *chances.shape)) < chances
    return made.astype(np.float32)


def compare(held_out: Floats, others: Floats, metric: Metric = distances) -> list[float]:
    """The values of `COMPARED`: means over disjoint subsets of others as large as ``held_out``.

    Where the others are fewer, a subset of the held-out patterns is compared.
    """
    size = min(len(held_out), len(others))
    if not size:
        return [float("nan")] * len(COMPARED)
    held_out = next(spread_subsets(held_out, size))
    figures = []
    for subset in spread_subsets(others, size):
        sides = two_sample_accuracies(held_out, subset, metric)
        covered = coverage_and_density(held_out, subset, metric=metric)
        figures.append([sum(sides) / 2, *sides, *covered])
    return [float(figure) for figure in np.mean(figures, axis=0)]


def _compared_rows(patterns: PatternSet, columns: Sequence[Floats]) -> list[list[Cell]]:
    """Comparisons of the columns' patterns, the last but one the training ones, with held-out."""
    rows: list[list[Cell]] = []
    sets: list[tuple[str, tuple[str, ...], Metric]] = [
        ("held-out ({})", KINDS, distances),
        ("held-out ({}), Jaccard", KINDS, jaccard_distances),
        ("held-out, found ({})", FOUND, distances),
    ]
    for name, kinds, metric in sets:
        held_out = one_a_source(patterns, ("test",), kinds)
        if not len(held_out):
            continue
        training = one_a_source(patterns, ("train",), kinds)
        others = (*columns[:-2], training, columns[-1])
        compared = [compare(held_out, part, metric) for part in others]
        for number, figure in enumerate(COMPARED):
            against = name.format(len(held_out))
            rows.append([figure, against, *(column[number] for column in compared)])
    return rows


def _own_rows(
    patterns: PatternSet, columns: Sequence[Floats], tours: Mapping[str, Tours]
) -> list[list[Cell]]:
    """Figures of each column by itself: the tours, training patterns and random notes."""
    known = onset_keys(patterns.velocities)
    training = patterns.where("train", *KINDS)
    copies: list[Cell] = [share_known(part, known) for part in columns]
    near: list[Cell] = [float(nearest(part, training).mean()) for part in columns]
    copies[-2], near[-2] = None, _nearest_of_another_source(patterns)
    steps = [np.stack([step_sizes(path) for path in tour.patterns]) for tour in tours.values()]
    made = [tour.patterns.reshape(-1, *tour.patterns.shape[2:]) for tour in tours.values()]
    everything, following = "all patterns", "next measure's"
    return [
        ["copies", everything, *copies],
        ["copies, generator", everything, *(share_known(part, known) for part in made), None, None],
        ["nearest, mean", "training set", *near],
        ["apart, mean", "one another", *map(mean_distance, columns)],
        ["step, mean", following, *(float(part.mean()) for part in steps), None, None],
        ["step, largest", following, *(float(part.max()) for part in steps), None, None],
        ["onsets a measure", "-", *map(_density, columns)],
        ["silent phrases", "-", *map(_silent, columns)],
    ]


def mean_distance(patterns: Floats) -> float:
    """Mean distance of two different patterns of a set."""
    count = len(patterns)
    return float(distances(patterns, patterns).sum(dtype=np.float64)) / max(count * (count - 1), 1)


def _nearest_of_another_source(patterns: PatternSet) -> float:
    """Mean distance of training patterns, one a source, to the nearest of another source."""
    chosen = patterns.mask("train", *KINDS)
    sources, velocities = np.array(patterns.sources)[chosen], patterns.velocities[chosen]
    first = np.sort(np.unique(sources, return_index=True)[1])
    foreign = sources[first][:, None] != sources
    return float(nearest(velocities[first], velocities, foreign).mean())


def _density(patterns: Floats) -> float:
    return float((patterns > 0).sum((1, 2)).mean()) / PATTERN_MEASURES


def _silent(patterns: Floats) -> float:
    return float((~patterns.any((1, 2))).mean())
