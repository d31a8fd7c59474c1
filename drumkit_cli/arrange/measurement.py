"""Figures of the drums for one song, beside those of what they are compared with."""

import math
import time
from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.arrange.baselines import random_onsets, retimed
from drumkit_cli.arrange.grades import GRADE_FIGURES, grade_clips, mean_grade, summarise
from drumkit_cli.arrange.infer import Arranger, play
from drumkit_cli.arrange.metrics import (
    band_shares,
    bar_likeness,
    divide_beats,
    grid_f_measure,
    seam_ratio,
    share_on_grid,
)
from drumkit_cli.arrange.translation import NO_BEATS, window_starts
from drumkit_cli.grading.grader import Grade, Grader
from drumkit_cli.grading.songs import Song
from drumkit_cli.io.arrays import Floats
from drumkit_cli.listening.beat_tracker import hear_beats
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
    """Generated drums, the frames of a window, and seconds of processor time for a minute."""

    drums: Floats
    window_frames: int
    cpu_seconds: float


def generate(bass: Floats, arranger: Arranger, heard: Floats) -> Generated:
    """Play drums to a bass, on the beats that are heard in a sound."""
    began = time.process_time()
    beats = hear_beats([heard], MEL.rate) if arranger.needs_metre else NO_BEATS
    with play([bass], MEL.rate, arranger, beats) as tape:
        drums = tape.read(0, tape.length)
    cpu_seconds = (time.process_time() - began) / (len(bass) / MEL.rate / 60)
    return Generated(drums, arranger.window_frames, cpu_seconds)


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
    found = {name: _of_sound(song, made, grader) for name, made in generated.items()}
    density = next(iter(found.values())).figures[FIGURES.index("per second")]
    window_frames = next(iter(generated.values())).window_frames
    for name, sound in ((DRUMMER, song.drums), (BASS, song.bass)):
        found[name] = _of_sound(song, Generated(sound, window_frames, math.nan), grader)
    found[NEXT] = Measured([math.nan] * len(FIGURES))
    if following is not song:
        found[NEXT] = _of_onsets(song, retimed(following.onsets, following.beats, song.beats))
    found[METRONOME] = _of_onsets(song, divide_beats(song.beats, 2))
    draws = random_onsets(round(density * _seconds(song)), _seconds(song))
    of_draws = [_of_onsets(song, onsets).figures for onsets in draws]
    found[RANDOM] = Measured([float(figure) for figure in np.mean(of_draws, axis=0)])
    return found


def _of_sound(song: Song, made: Generated, grader: Grader) -> Measured:
    sound = made.drums
    image, power = normalised_image(sound), power_spectrum(sound)
    grades = grade_clips(grader, sound, song.bass, song.drums)
    figures = [
        *_onset_figures(song, onset_frames(image) * SECONDS_PER_FRAME),
        bar_likeness(rise_strength(image), song.beats),
        *band_shares(power),
        bass_share(power, power_spectrum(song.bass)),
        seam_ratio(image, _seams(image.shape[1], made.window_frames)),
        made.cpu_seconds,
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


def _seams(frames: int, window_frames: int) -> NDArray[np.bool_]:
    """Which frames are those of two windows of `drum_images`."""
    windows = np.zeros(frames, int)
    for start in window_starts(frames, window_frames):
        windows[start : start + window_frames] += 1
    return np.asarray(windows > 1)
