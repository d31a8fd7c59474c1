"""`drumkit evaluate interpolate`: reconstructions, and transitions between held-out patterns.

The paper has no such figures: musicians rated its transitions, and its Figure 5 shows some of them
among the training patterns (here ``--plot``).
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from drumkit_cli import console
from drumkit_cli.interpolate import infer
from drumkit_cli.interpolate.paths import SILENCE, PathKind
from drumkit_cli.io.arrays import Floats
from drumkit_cli.io.tables import Cell, Table
from drumkit_cli.learning.checkpoint import Checkpoint, load_weights
from drumkit_cli.patterns import pattern_sets
from drumkit_cli.patterns.pattern_sets import PatternSet
from drumkit_cli.patterns.statistics import (
    nearest,
    onset_f1,
    onset_keys,
    principal_components,
    share_known,
    step_sizes,
    velocity_error,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAPERS_WEIGHTS: Final = "interpolate-z4.safetensors"
STEPS: Final = 6
"""Steps of a transition, as in the paper's experiment."""
PAIRS: Final = 200
"""Transitions that are measured."""
DRAWN: Final = 9
"""Transitions in the plot; no two start or end in the same genre."""
REAL: Final = ("electronic", "other", "played")
PARTS: Final[dict[str, tuple[str, ...]]] = {
    "all": (),
    "composed": ("composed",),
    "real": REAL,
    **{f"real, {kind}": (kind,) for kind in REAL},
}
FIGURES: Final = (
    "between: new",
    "between: silent",
    "between: nearest pattern",
    "between: within the data",
    "step, mean",
    "step, largest of a transition",
)
_BATCH: Final = 256

# The table and the plot read the data once.
_load_patterns = functools.lru_cache(maxsize=1)(pattern_sets.load_patterns)


class Pair(NamedTuple):
    """Indices of the patterns at which a transition starts and ends."""

    start: int
    goal: int


class EndDistances(NamedTuple):
    """Distances of the ends of the transitions to the nearest pattern of another source."""

    mean: float
    percentile_95: float


def evaluate(data: Path, weights: str | None) -> Table:
    """Measure reconstructions of all patterns, and transitions between pairs of test patterns.

    With the shipped weights, those of the paper's latent size are measured too.

    Raises:
        MissingInputError: as `load_patterns`.
        BadDataError, UnavailableError: as `load_weights`.
    """
    checkpoints = _checkpoints(weights)
    models = {f"z={found.config['latent']}": infer.Autoencoder(found) for found in checkpoints}
    size = int(checkpoints[0].config["latent"])
    patterns = _load_patterns(data)
    pairs = choose_pairs(patterns, PAIRS)
    rows = _reconstruction_rows(patterns, list(models.values()), size)
    rows += _transition_rows(patterns, pairs, list(models.values()))
    electronic = patterns.mask("test", "electronic")
    sources = len(set(np.array(patterns.sources)[electronic]))
    return Table(
        title=f"Interpolation: {len(patterns.sources):,} patterns, and transitions among them",
        columns=["figure", "of", *models, "no model"],
        rows=rows,
        notes=[
            f"data: {data.name} and our composer; test patterns were not used in development",
            f"electronic: {electronic.sum()} test patterns of {sources} songs and collections",
            f"no model, onset F1: {size} principal components of the training patterns' onsets",
            "velocity error: mean absolute error at notes of both patterns; 1 is full velocity",
            f"transitions: {len(pairs)} pairs of test patterns of two sources, all genres to all",
            f"between: the {STEPS - 1} patterns of L={STEPS} steps that are neither start nor goal",
            "new: share with a note and with onsets of no pattern of the data or of our composer",
            "nearest: differing hits, of 384, to the nearest pattern of a third source",
            "within: share as near to a third source as 95% of the starts and goals to another one",
            f"step: hits that change; largest: share of all changes, {1 / STEPS:.2f} if even",
            "a crossfade plays both patterns at once: always new, but seldom near the data",
            "the paper has no figures of these kinds",
            *(f"{name}: weights sha256 {m.weights_sha256[:16]}" for name, m in models.items()),
        ],
    )


def draw(data: Path, weights: str | None) -> Figure:
    """Draw the training patterns and some transitions between genres, like Figure 5."""
    from drumkit_cli.interpolate.plot import draw_transitions

    autoencoder = infer.Autoencoder(_checkpoints(weights)[0])
    patterns = _load_patterns(data)
    chosen: dict[tuple[str, str], Pair] = {}
    for pair in choose_pairs(patterns, PAIRS):
        start, goal = (_genre(patterns, index) for index in pair)
        taken = any(start == from_ or goal == to for from_, to in chosen)
        if start != goal and not taken and (goal, start) not in chosen and len(chosen) < DRAWN:
            chosen[start, goal] = pair
    paths = _paths(patterns, list(chosen.values()), PathKind.SLERP, autoencoder)
    names = [f"{start} to {goal}" for start, goal in chosen]
    return draw_transitions(patterns.where("train"), dict(zip(names, paths, strict=True)))


def choose_pairs(patterns: PatternSet, count: int) -> list[Pair]:
    """Draw pairs of test patterns of different sources, equally many from each genre to each.

    That is the paper's design. There are fewer than ``count`` where a genre has a single source.
    """
    genres: dict[str, list[int]] = {}
    for index, split in enumerate(patterns.splits):
        if split == "test":
            genres.setdefault(_genre(patterns, index), []).append(index)
    generator = np.random.default_rng(0)
    turns = itertools.cycle(itertools.product(genres.values(), repeat=2))
    pairs = []
    for starts, goals in itertools.islice(turns, count):
        start = int(generator.choice(starts))
        others = [goal for goal in goals if patterns.sources[goal] != patterns.sources[start]]
        if others:
            pairs.append(Pair(start, int(generator.choice(others))))
    return pairs


def transition_figures(
    patterns: PatternSet, pairs: Sequence[Pair], paths: Floats, ends: EndDistances
) -> list[float]:
    """The values of `FIGURES` for the paths ``[P, L + 1, V, T]`` of pairs."""
    between = paths[:, 1:-1]
    flat = between.reshape(-1, *between.shape[2:])
    silent = float((~flat.any((1, 2))).mean())
    foreign = np.repeat(_foreign(patterns, pairs), between.shape[1], axis=0)
    distance = nearest(flat, patterns.velocities, foreign)
    steps = np.stack([step_sizes(path) for path in paths])
    moving = steps[steps.any(1)]
    return [
        1 - share_known(flat, onset_keys(patterns.velocities)) - silent,
        silent,
        float(distance.mean()),
        float((distance <= ends.percentile_95).mean()),
        float(steps.mean()),
        float((moving.max(1) / moving.sum(1)).mean()),
    ]


def _checkpoints(weights: str | None) -> list[Checkpoint]:
    """The named weights; else the shipped ones and those of the paper's latent size."""
    found = [load_weights("interpolate", weights)]
    papers = found[0].path.with_name(PAPERS_WEIGHTS)
    if weights is None and papers.is_file():
        found.append(load_weights("interpolate", str(papers)))
    return found


def _reconstruction_rows(
    patterns: PatternSet, models: Sequence[infer.Autoencoder], components: int
) -> list[list[Cell]]:
    made = []
    with console.progress(len(models) * len(patterns.velocities), "reconstructing") as bar:
        for model in models:
            batches = []
            for start in range(0, len(patterns.velocities), _BATCH):
                batch = patterns.velocities[start : start + _BATCH]
                batches.append(model.decode(model.encode(batch)))
                bar.advance(len(batch))
            velocities = np.concatenate(batches)
            made.append(np.where(velocities < SILENCE, 0, velocities).astype(np.float32))
    rows: list[list[Cell]] = []
    linear = _projected(patterns, components)
    for figure, measure in (("onset F1", onset_f1), ("velocity error", velocity_error)):
        for split, (name, kinds) in itertools.product(("train", "test"), PARTS.items()):
            chosen = patterns.mask(split, *kinds)
            if chosen.any():
                true = patterns.velocities[chosen]
                of = f"{split}, {name} ({len(true):,})"
                baseline = measure(linear[chosen], true) if measure is onset_f1 else None
                rows.append([figure, of, *(measure(m[chosen], true) for m in made), baseline])
    return rows


def _projected(patterns: PatternSet, components: int) -> Floats:
    """Patterns reconstructed from principal components of the training onsets: a linear baseline.

    A cell is a note where the reconstruction is above 0.5.
    """
    mean, axes = principal_components((patterns.where("train") > 0).astype(np.float32), components)
    onsets = (patterns.velocities > 0).reshape(len(patterns.velocities), -1).astype(np.float32)
    notes = (onsets - mean) @ axes.T @ axes + mean > 0.5
    return notes.reshape(patterns.velocities.shape).astype(np.float32)


def _transition_rows(
    patterns: PatternSet, pairs: Sequence[Pair], models: Sequence[infer.Autoencoder]
) -> list[list[Cell]]:
    ends = _end_distances(patterns, pairs)
    blank = [float("nan")] * len(FIGURES)
    columns: dict[str, list[list[float]]] = {}
    with console.progress(2 * len(models) + 1, "going from pattern to pattern") as bar:
        for path in PathKind:
            crossfades = path is PathKind.CROSSFADE
            columns[path] = []
            for model in [None] if crossfades else models:
                paths = _paths(patterns, pairs, path, model)
                columns[path].append(transition_figures(patterns, pairs, paths, ends))
                bar.advance(1)
            columns[path] = (
                [blank] * len(models) + columns[path] if crossfades else [*columns[path], blank]
            )
    rows: list[list[Cell]] = []
    for number, figure in enumerate(FIGURES):
        rows += [[figure, path, *(of[number] for of in columns[path])] for path in columns]
        if figure == "between: nearest pattern":
            rows.append([figure, "test patterns", *([None] * len(models)), ends.mean])
    return rows


def _paths(
    patterns: PatternSet,
    pairs: Sequence[Pair],
    path: PathKind,
    autoencoder: infer.Autoencoder | None,
) -> Floats:
    """The transitions ``[P, L + 1, V, T]`` of pairs, as the command makes them."""
    ends = patterns.velocities
    return np.stack(
        [
            infer.transition(ends[start], ends[goal], STEPS, path, autoencoder)
            for start, goal in pairs
        ]
    )


def _end_distances(patterns: PatternSet, pairs: Sequence[Pair]) -> EndDistances:
    ends = np.array(pairs).ravel()
    foreign = _foreign(patterns, [Pair(end, end) for end in ends])
    distance = nearest(patterns.velocities[ends], patterns.velocities, foreign)
    return EndDistances(float(distance.mean()), float(np.quantile(distance, 0.95)))


def _foreign(patterns: PatternSet, pairs: Sequence[Pair]) -> NDArray[np.bool_]:
    """Which patterns ``[P, N]`` are of another source than the start and the goal of each pair."""
    sources = np.unique(patterns.sources, return_inverse=True)[1]
    start, goal = sources[np.array(pairs)].T[..., None]
    foreign: NDArray[np.bool_] = (sources != start) & (sources != goal)
    return foreign


def _genre(patterns: PatternSet, index: int) -> str:
    """The composer's genre of a pattern, else its kind."""
    kind = patterns.kinds[index]
    return patterns.sources[index].split("/")[1] if kind == "composed" else kind
