"""Examples to train the grader on: clips of rendered bands with damaged drums."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli import console
from drumkit_cli.bands.takes import Take
from drumkit_cli.grading.features import Window, correlations, parts_of
from drumkit_cli.grading.songs import song_of_take
from drumkit_cli.io.arrays import Floats
from drumkit_cli.score.damage import Chance
from drumkit_cli.score.ladder import INSTEAD, RULES, Rule, Scene, scenes_of
from drumkit_cli.spectral.onsets import gated_level, normalising_gain

LEVELS_DRAWN: Final = 2
"""Levels of each kind of damage that a clip is drawn at."""


@dataclass(frozen=True)
class Examples:
    """Damaged clips, what is known of them, and the undamaged ones.

    Attributes:
        images: `[n, F, T]`, 256 levels.
        references: the same of the undamaged drums, `[m, F, T]`.
        reference: number of the undamaged drums of each clip, `[n]`.
        kind: number of the rule in `ladder.RULES` and `ladder.INSTEAD`, `[n]`.
        grade: 0 to 9, `[n]`.
        correlations: `[n, F]`.
        parts: `[n, P]`.
    """

    images: NDArray[np.uint8]
    references: NDArray[np.uint8]
    reference: NDArray[np.intp]
    kind: NDArray[np.intp]
    grade: Floats
    correlations: Floats
    parts: Floats


def make_examples(takes: Sequence[Take], seed: int) -> Examples:
    """Damage each clip of some takes by each rule, at levels drawn at random."""
    chance = np.random.default_rng(seed)
    rows: list[tuple[NDArray[np.uint8], int, int, float, Floats, Floats]] = []
    references: list[NDArray[np.uint8]] = []
    with console.progress(len(takes), "damaging drums") as bar:
        for take in takes:
            for scene in scenes_of(song_of_take(take)):
                real, bass = normal_window(scene.drums), normal_window(scene.bass)
                for kind, rule, level in _draw(scene, chance):
                    made = normal_window(rule.apply(scene, rule.levels[level], chance))
                    same = correlations(made.image, real.image)
                    parts = parts_of(made, real, bass)
                    grade = rule.grades[level]
                    rows.append((_bytes(made), len(references), kind, grade, same, parts))
                references.append(_bytes(real))
            bar.advance(1)
    columns = zip(*rows, strict=True) if rows else [()] * 6
    images, reference, kinds, grades, same, parts = map(np.array, columns)
    return Examples(
        images, np.array(references), reference, kinds, grades.astype(np.float32), same, parts
    )


def normal_window(samples: Floats) -> Window:
    """A clip of one window at the normal level."""
    return Window(samples * np.float32(normalising_gain(gated_level([samples]))))


def to_images(levels: NDArray[np.uint8]) -> Floats:
    """Images in -1..1 of 256 levels."""
    return levels.astype(np.float32) / np.float32(127.5) - 1


def _draw(scene: Scene, chance: Chance) -> list[tuple[int, Rule, int]]:
    """The number of each rule, the rule, and the number of a level."""
    drawn = []
    for kind, rule in enumerate((*RULES, *INSTEAD)):
        count = min(LEVELS_DRAWN, len(rule.levels))
        if rule.fits(scene):
            drawn += [
                (kind, rule, int(n)) for n in chance.choice(len(rule.levels), count, replace=False)
            ]
    return drawn


def _bytes(window: Window) -> NDArray[np.uint8]:
    levels: NDArray[np.uint8] = np.rint((window.image + 1) * 127.5).astype(np.uint8)
    return levels
