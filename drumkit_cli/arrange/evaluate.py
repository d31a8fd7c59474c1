"""`drumkit evaluate arrange`: onsets and spectra of generated drums against a song's real drums.

CycleDRUMS rates its drums by listeners, and by a regression on their ratings, on songs that are not
public; its figures are no comparison.
"""

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from drumkit_cli import console
from drumkit_cli.arrange import infer
from drumkit_cli.audio.reader import AudioReader, resample
from drumkit_cli.errors import MissingInputError
from drumkit_cli.io.arrays import Floats
from drumkit_cli.io.sniffing import AUDIO_SUFFIXES
from drumkit_cli.io.streams import open_input
from drumkit_cli.io.tables import Cell, Table
from drumkit_cli.learning.checkpoint import load_weights
from drumkit_cli.learning.statistics import frechet_distance
from drumkit_cli.spectral import mel_spectrogram
from drumkit_cli.spectral.onsets import (
    MEL,
    SECONDS_PER_FRAME,
    normalised_image,
    onset_frames,
    onset_scores,
)

GRID_TOLERANCE_SECONDS = 0.035
SAME_HIT_SECONDS = 0.03
"""Annotated hits closer than this are one onset."""
RANDOM_DRAWS = 20
SPECTRUM_BANDS = 32
IMAGE_DECIBELS = mel_spectrogram.TOP_LEVEL / mel_spectrogram.LEVELS_PER_DB

METHODS = ("drumkit arrange", "the bass itself", "random onsets", "metronome, eighths")

Times = NDArray[np.floating]


@dataclass(frozen=True)
class Song:
    """A song to evaluate on: mono samples at `MEL.rate`, times in seconds."""

    name: str
    bass: Floats
    drums: Floats
    onsets: Times
    eighths: Times


def evaluate(data: Path, weights: str | None) -> Table:
    """Generate drums to the bass of each song, and compare their onsets with the real drums.

    A song is a folder with audio files ``drums*`` and ``bass*`` (the first of each counts), and
    optionally ``class.txt`` (annotated onsets of the drums; else they are detected) and
    ``beats.txt`` (annotated beats; else librosa's of bass and drums).

    Raises:
        MissingInputError: no folder in ``data`` is a song.
    """
    folders = sorted(folder for folder in data.glob("*/") if _stem_files(folder, "drums"))
    if not folders:
        raise MissingInputError(f"{data}: no song folders with drums and bass")
    arranger = infer.Arranger(load_weights("arrange", weights))
    scores: dict[str, list[list[float]]] = {method: [] for method in METHODS}
    images: dict[str, list[Floats]] = {"real": [], "made": [], "bass": []}
    with console.progress(len(folders), "evaluating") as bar:
        for folder in folders:
            song = _load_song(folder)
            with infer.play([song.bass], MEL.rate, arranger) as tape:
                made = tape.read(0, tape.length)
            for name, sound in (("real", song.drums), ("made", made), ("bass", song.bass)):
                images[name].append(normalised_image(sound))
            bass, drums = (onset_frames(images[name][-1]) for name in ("bass", "made"))
            estimates: dict[str, list[Times]] = {
                METHODS[0]: [drums * SECONDS_PER_FRAME],
                METHODS[1]: [bass * SECONDS_PER_FRAME],
                METHODS[2]: _random_onsets(len(drums), len(song.bass) / MEL.rate),
                METHODS[3]: [song.eighths],
            }
            for method, draws in estimates.items():
                scores[method].append(_mean([_figures(song, onsets) for onsets in draws]))
            bar.advance(1)
    spectra = {
        METHODS[0]: spectral_distance(images["real"], images["made"]),
        METHODS[1]: spectral_distance(images["real"], images["bass"]),
    }
    rows: list[list[Cell]] = [
        ["mean", method, *_mean(scores[method]), spectra.get(method)] for method in METHODS
    ]
    rows += [
        [folder.name, METHODS[0], *figures, None]
        for folder, figures in zip(folders, scores[METHODS[0]], strict=True)
    ]
    return Table(
        title=f"Arrangement: onsets against the drums of {len(folders)} songs",
        columns=[
            "song",
            "method",
            "F",
            "precision",
            "recall",
            "per second",
            "on beat",
            "spectrum dB",
        ],
        rows=rows,
        notes=[
            f"data: {data.name}; mir_eval onset F-measure within 50 ms",
            "per second: detected onsets; on beat: share of them within 35 ms of an eighth note",
            "spectrum: Frechet distance of mel frames to those of the real drums",
            "random onsets are as dense as ours; the metronome is given the beat, ours only a bass",
            f"weights: sha256 {arranger.weights_sha256[:16]}",
        ],
    )


def spectral_distance(real: Iterable[Floats], made: Iterable[Floats]) -> float:
    """Frechet distance, in dB, of the non-silent frames of log-mel images ``[F, T]``.

    The root of `frechet_distance` over 32 bands, per band: 0 for the same sound, 6 for one that is
    6 dB louder everywhere, NaN when either is silent.
    """
    sounding = []
    for images in (real, made):
        frames = np.concatenate([_bands(image) for image in images], axis=1)
        sounding.append(frames[:, frames.max(0) > 0.25 * IMAGE_DECIBELS].T)
        if len(sounding[-1]) < 2:
            return float("nan")
    return math.sqrt(frechet_distance(*sounding) / SPECTRUM_BANDS)


def _bands(image: Floats) -> Floats:
    """Decibels above the lowest level, averaged in 32 bands: ``[32, T]``."""
    bins, frames = image.shape
    decibels = (image + 1) / 2 * IMAGE_DECIBELS
    bands: Floats = decibels.reshape(SPECTRUM_BANDS, bins // SPECTRUM_BANDS, frames).mean(1)
    return bands


def _figures(song: Song, onsets: Times) -> list[float]:
    """Onset F-measure, precision, recall, onsets per second, share on the grid."""
    density = len(onsets) / (len(song.bass) / MEL.rate)
    return [*onset_scores(song.onsets, onsets), density, _on_grid(onsets, song.eighths)]


def _on_grid(onsets: Times, grid: Times) -> float:
    """Share of the onsets within the grid's range that are near a grid time; NaN without any."""
    inside = onsets[(onsets >= grid[0]) & (onsets <= grid[-1])] if len(grid) else onsets[:0]
    if not len(inside):
        return float("nan")
    distance = np.abs(inside[:, None] - grid[None]).min(1)
    return float(np.mean(distance <= GRID_TOLERANCE_SECONDS))


def _random_onsets(count: int, seconds: float) -> list[Times]:
    generator = np.random.default_rng(0)
    return [np.sort(generator.uniform(0, seconds, count)) for _ in range(RANDOM_DRAWS)]


def _mean(rows: list[list[float]]) -> list[float]:
    return [float(x) for x in np.nanmean(np.array(rows), axis=0)]


def _load_song(folder: Path) -> Song:
    bass, drums = (_load_stem(folder, stem) for stem in ("bass", "drums"))
    length = max(len(bass), len(drums))
    bass, drums = (np.pad(stem, (0, length - len(stem))) for stem in (bass, drums))
    hits = folder / "class.txt"
    if hits.is_file():
        times = np.unique(
            [float(line.split()[0]) for line in hits.read_text().splitlines() if line.strip()]
        )
        onsets = times[np.diff(times, prepend=-1.0) > SAME_HIT_SECONDS]
    else:
        onsets = onset_frames(normalised_image(drums)) * SECONDS_PER_FRAME
    beats = _beats(folder, bass + drums)
    middles = [(a + b) / 2 for a, b in itertools.pairwise(beats)]
    return Song(folder.name, bass, drums, onsets, np.sort(np.concatenate([beats, middles])))


def _beats(folder: Path, mix: Floats) -> Times:
    annotated = folder / "beats.txt"
    if annotated.is_file():
        lines = [line for line in annotated.read_text().splitlines() if line.strip()]
        return np.array([float(line.split()[0]) for line in lines])
    import librosa

    _, beats = librosa.beat.beat_track(y=mix, sr=MEL.rate, units="time")
    return np.asarray(beats, np.float64)


def _load_stem(folder: Path, stem: str) -> Floats:
    """Mono samples of a stem at `MEL.rate`."""
    files = _stem_files(folder, stem)
    if not files:
        raise MissingInputError(f"{folder}: no {stem}")
    with open_input(str(files[0])) as source, AudioReader(source) as reader:
        mono = reader.read().mean(0, keepdims=True)
    samples: Floats = resample(mono, reader.rate, MEL.rate)[0]
    return samples


def _stem_files(folder: Path, stem: str) -> list[Path]:
    """The audio files whose names start with a stem's, sorted."""
    return sorted(
        path
        for path in folder.glob(f"{stem}*")
        if path.suffix.lower() in AUDIO_SUFFIXES and path.is_file()
    )
