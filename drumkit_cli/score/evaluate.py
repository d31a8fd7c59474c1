"""`drumkit evaluate score`: the grader on the ladder of songs that it was not trained on.

The clips are windows of six seconds, as the paper's are of five. Each is graded beside the real
drums and the bass, beside the real drums, and alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from drumkit_cli import console
from drumkit_cli.errors import BadDataError
from drumkit_cli.grading.buckets import BUCKETS, NAMES, bucket_of
from drumkit_cli.grading.config import CONTEXTS
from drumkit_cli.grading.features import Window
from drumkit_cli.grading.grader import Grader
from drumkit_cli.grading.songs import Song, load_songs
from drumkit_cli.io.tables import Cell, Table
from drumkit_cli.learning.checkpoint import load_weights
from drumkit_cli.score.damage import add
from drumkit_cli.score.data import normal_window
from drumkit_cli.score.ladder import INSTEAD, RULES, Rule, Scene, scenes_of

CLIPS: Final = 12
"""Clips of a song, at most."""
GAIN_DB: Final = 6.0
MILD_NOISE_DB: Final = -15.0
PAPER: Final = "87% (CycleGAN) and 93% (Pix2Pix), of 400 clips graded by four listeners"
WHOLE: Final = len(CONTEXTS) - 1
"""The context of reference and bass."""


class Clip(NamedTuple):
    """A scene with its drums and bass at the normal level."""

    scene: Scene
    real: Window
    bass: Window


@dataclass(frozen=True)
class Graded:
    """Clips that one rule made at one level.

    Attributes:
        rule: the rule.
        level: number of the level.
        grades: `[contexts, n]`.
        buckets: numbers of the likeliest, `[contexts, n]`.
    """

    rule: Rule
    level: int
    grades: NDArray[np.floating]
    buckets: NDArray[np.intp]

    @property
    def wanted(self) -> int:
        """Number of the bucket that the rule implies."""
        return bucket_of(self.rule.grades[self.level])


def evaluate(data: Path, weights: str | None) -> Table:
    """Grade the ladder of the songs of a folder; see `load_songs` for which it holds.

    Raises:
        DrumkitError: as `load_songs` and `load_weights`.
        BadDataError: no song is as long as a window.
    """
    grader = Grader(load_weights("score", weights))
    songs = load_songs(data)
    clips = [
        Clip(scene, normal_window(scene.drums), normal_window(scene.bass))
        for song in songs
        for scene in islice(scenes_of(song), CLIPS)
    ]
    if not clips:
        raise BadDataError(f"{data}: no song with six seconds of drums and bass")
    graded: list[Graded] = []
    rungs = [(rule, level) for rule in (*RULES, *INSTEAD) for level in range(len(rule.levels))]
    with console.progress(len(rungs), "grading") as bar:
        for rule, level in rungs:
            if fitting := [clip for clip in clips if rule.fits(clip.scene)]:
                graded.append(_grade(grader, rule, level, fitting))
            bar.advance(1)
    return Table(
        title=f"Grades of the ladder: {len(clips)} clips of {len(songs)} songs",
        columns=["damage", "measure", "implied", "graded", "in bucket", "no bass", "alone"],
        rows=_rows(graded),
        notes=[
            f"data: {data.name}",
            *_summaries(graded),
            *_of_songs(grader, songs),
            "in bucket: share of the clips whose likeliest bucket is the implied one",
            f"paper: {PAPER}",
            f"weights: sha256 {grader.weights_sha256[:16]}",
        ],
    )


def _grade(grader: Grader, rule: Rule, level: int, clips: Sequence[Clip]) -> Graded:
    features = []
    for number, (scene, real, bass) in enumerate(clips):
        chance = np.random.default_rng([level, number])
        made = normal_window(rule.apply(scene, rule.levels[level], chance))
        features.append(grader.measure(made, real, bass)[0])
    judged = [grader.judge(np.stack(features), context) for context in range(len(CONTEXTS))]
    grades = np.stack([grades for _, grades in judged])
    buckets = np.stack([probabilities.argmax(1) for probabilities, _ in judged])
    return Graded(rule, level, grades, buckets)


def _rows(graded: Sequence[Graded]) -> list[list[Cell]]:
    rows: list[list[Cell]] = []
    for of in graded:
        level = f"{of.rule.levels[of.level]:g}" if of.rule.measure else ""
        share = (of.buckets == of.wanted).mean(1)
        rows.append(
            [
                of.rule.name,
                level,
                f"{of.rule.grades[of.level]:g}",
                round(float(of.grades[WHOLE].mean()), 2),
                *(round(float(share[c]), 2) for c in (WHOLE, CONTEXTS.index("reference"), 0)),
            ]
        )
    return rows


def _summaries(graded: Sequence[Graded]) -> list[str]:
    """Accuracy over all clips by context, the confusion, and how monotone each damage is."""
    wanted = np.concatenate([np.full(of.buckets.shape[1], of.wanted) for of in graded])
    found = np.concatenate([of.buckets for of in graded], axis=1)
    shares = (found == wanted).mean(1)
    lines = [
        "clips in their bucket: "
        + ", ".join(f"{name} {share:.1%}" for name, share in zip(CONTEXTS, shares, strict=True))
    ]
    for bucket, name in enumerate(NAMES):
        given = found[WHOLE, wanted == bucket]
        counts = np.bincount(given, minlength=len(BUCKETS)) / max(len(given), 1)
        told = ", ".join(f"{to} {share:.0%}" for to, share in zip(NAMES, counts, strict=True))
        lines.append(f"implied {name}, graded: {told}")
    for title, context in (("reference and bass", WHOLE), ("alone", 0)):
        orders = ", ".join(
            f"{rule.name} {_monotony([of for of in graded if of.rule is rule], context):.2f}"
            for rule in RULES
        )
        lines.append(f"Spearman of level and mean grade, {title}: {orders}")
    return lines


def _monotony(levels: Sequence[Graded], context: int) -> float:
    """How well less damage goes with better mean grades: 1 where each level is worse."""
    from scipy.stats import spearmanr

    means = [float(of.grades[context].mean()) for of in levels]
    return float(spearmanr(range(len(means)), [-mean for mean in means]).statistic)


def _of_songs(grader: Grader, songs: Sequence[Song]) -> list[str]:
    """Whole songs: real drums beside themselves, what is no drums, and other levels."""
    chance = np.random.default_rng(0)
    real, alone, moved = [], [], []
    others: dict[str, list[float]] = {"silence": [], "noise": [], "the bass": []}
    for song in songs:
        grade = grader.grade(song.drums, song.drums, song.bass).grade
        real.append(grade)
        alone.append(grader.grade(song.drums).grade)
        noise = chance.normal(0, 0.1, len(song.drums)).astype(np.float32)
        noisy = add(song.drums, noise, MILD_NOISE_DB)
        grades = [
            grader.grade(noisy * np.float32(10 ** (db / 20)), song.drums, song.bass).grade
            for db in (0, -GAIN_DB, GAIN_DB)
        ]
        moved.append(max(grades) - min(grades))
        for name, sound in zip(others, (np.zeros_like(noise), noise, song.bass), strict=True):
            others[name].append(grader.grade(sound, song.drums, song.bass).grade)
    at_most = ", ".join(f"{name} at most {max(grades):.2f}" for name, grades in others.items())
    of_real = f"beside themselves at least {min(real):.2f}, alone {np.mean(alone):.2f}"
    return [
        f"whole songs, real drums: {of_real} (at least {min(alone):.2f})",
        f"whole songs, no drums: {at_most}",
        f"gains of {GAIN_DB:g} dB, up and down, of noisy drums: at most {max(moved):.3f} apart",
    ]
