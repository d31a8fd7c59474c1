"""Figures of the drums for one song, beside those of what they are compared with."""

import math
import time
from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.arrange import infer
from drumkit_cli.arrange.baselines import random_onsets, retimed
from drumkit_cli.arrange.grades import GRADE_FIGURES, grade_clips, mean_grade, summarise
from drumkit_cli.arrange.metrics import (
    band_shares,
    bar_likeness,
    divide_beats,
    grid_f_measure,
    seam_ratio,
    share_on_grid,
)
from drumkit_cli.grading.grader import Grade, Grader
from drumkit_cli.grading.songs import Song
from drumkit_cli.io.arrays import Floats
from drumkit_cli.spectral.bass_share import bass_share, power_spectrum
from drumkit_cli.spectral.onsets import (
    MEL,
    SECONDS_PER_FRAME,
    normalised_image,
    onset_frames,
    onset_scores,
    rise_strength,
)

DRUMMER: Final = "real drums"
BASS: Final = "the bass itself"
NEXT: Final = "next song's drums"
METRONOME: Final = "metronome, eighths"
RANDOM: Final = "random onsets"
FIGURES: Final = (
    "F grid",
    "F drummer",
    "on eighths",
    "per second",
    "bars alike",
    "<150 Hz",
    "150-2k",
    "2k-6k",
    ">6k Hz",
    "of the bass",
    "seams",
    "CPU s/min",
    *GRADE_FIGURES,
    "no reference",
)

Times = NDArray[np.floating]


class Measured(NamedTuple):
    """The `FIGURES` of a sound or of mere onsets, NaN where they have none.

    A sound has an image and the grades of its clips, too.
    """

    figures: list[float]
    image: Floats | None = None
    grades: tuple[Grade, ...] = ()


class Generated(NamedTuple):
    """Generated drums, and the seconds of processor time for a minute of them."""

    drums: Floats
    cpu_seconds: float


def generate(bass: Floats, arranger: infer.Arranger) -> Generated:
    """Play drums to a bass."""
    began = time.process_time()
    with infer.play([bass], MEL.rate, arranger) as tape:
        drums = tape.read(0, tape.length)
    return Generated(drums, (time.process_time() - began) / (len(bass) / MEL.rate / 60))


def measure(
    song: Song, following: Song, generated: Mapping[str, Generated], grader: Grader
) -> dict[str, Measured]:
    """Measure generated drums for a song, and what they are compared with.

    Args:
        song: the song.
        following: another one, whose drums are played on the song's beats; the song itself where
            there is none, which leaves that out.
        generated: drums by name, the first of which set how dense random onsets are.
        grader: grades the sounds.
    """
    found = {
        name: _of_sound(song, made.drums, grader, made.cpu_seconds)
        for name, made in generated.items()
    }
    density = next(iter(found.values())).figures[FIGURES.index("per second")]
    found[DRUMMER] = _of_sound(song, song.drums, grader)
    found[BASS] = _of_sound(song, song.bass, grader)
    found[NEXT] = Measured([math.nan] * len(FIGURES))
    if following is not song:
        found[NEXT] = _of_onsets(song, retimed(following.onsets, following.beats, song.beats))
    found[METRONOME] = _of_onsets(song, divide_beats(song.beats, 2))
    draws = random_onsets(round(density * _seconds(song)), _seconds(song))
    of_draws = [_of_onsets(song, onsets).figures for onsets in draws]
    found[RANDOM] = Measured([float(figure) for figure in np.mean(of_draws, axis=0)])
    return found


def _of_sound(song: Song, sound: Floats, grader: Grader, cpu_seconds: float = math.nan) -> Measured:
    image, power = normalised_image(sound), power_spectrum(sound)
    grades = grade_clips(grader, sound, song.bass, song.drums)
    figures = [
        *_onset_figures(song, onset_frames(image) * SECONDS_PER_FRAME),
        bar_likeness(rise_strength(image), song.beats),
        *band_shares(power),
        bass_share(power, power_spectrum(song.bass)),
        seam_ratio(image, _seams(image.shape[1])),
        cpu_seconds,
        *summarise(grades),
        mean_grade(grade_clips(grader, sound, song.bass)),
    ]
    return Measured(figures, image, tuple(grades))


def _of_onsets(song: Song, onsets: Times) -> Measured:
    figures = _onset_figures(song, onsets)
    return Measured([*figures, *[math.nan] * (len(FIGURES) - len(figures))])


def _onset_figures(song: Song, onsets: Times) -> list[float]:
    return [
        grid_f_measure(onsets, song.beats),
        onset_scores(song.onsets, onsets)[0],
        share_on_grid(onsets, divide_beats(song.beats, 2)),
        len(onsets) / _seconds(song),
    ]


def _seconds(song: Song) -> float:
    return len(song.bass) / MEL.rate


def _seams(frames: int) -> NDArray[np.bool_]:
    """Which frames are those of two windows of `drum_images`."""
    step = infer.WINDOW_FRAMES - infer.OVERLAP_FRAMES
    last = max(frames - infer.WINDOW_FRAMES, 0)
    windows = np.zeros(frames, int)
    for start in (*range(0, last, step), last):
        windows[start : start + infer.WINDOW_FRAMES] += 1
    return np.asarray(windows > 1)
