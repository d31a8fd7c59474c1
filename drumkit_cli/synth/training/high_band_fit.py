"""The fit of the band above 11 kHz, from the levels below, to recorded sounds; its distance."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import numpy as np

from drumkit_cli.audio.reader import AudioReader, resample
from drumkit_cli.errors import MissingInputError
from drumkit_cli.io.arrays import Floats
from drumkit_cli.io.streams import open_input
from drumkit_cli.learning.index_files import read_index
from drumkit_cli.sounds.classes import CLASSES
from drumkit_cli.sounds.codes import class_weights
from drumkit_cli.sounds.drum_synth import DrumSynth
from drumkit_cli.sounds.finishing import finished
from drumkit_cli.sounds.high_band import FULL_RATE, SILENT_DB, extended, high_levels, low_levels
from drumkit_cli.sounds.mel_image import MEL
from drumkit_cli.synth.metrics import high_band_distance

FOLDER: Final = "oneshots-44k"
KIT: Final = {
    "China": "crash", "Crash": "crash", "HihatClosed": "closed-hat", "HihatOpen": "open-hat",
    "Kdrum": "kick", "Ride": "ride", "Snare": "snare", "Tom": "tom",
}  # fmt: skip
"""How names of instruments of `acoustic-kit` begin, and their classes."""
KIT_WEIGHT: Final = 0.5
"""Weight of its sounds: they are many, of one kit."""
LEAST_DB: Final = -85.0
"""Levels below this count as this."""
RIDGE: Final = 3.0
"""Pull of the constants of the classes to their mean, in seconds of frames."""

Sound = tuple[Floats, str, float]
"""Samples ``[n]`` at `FULL_RATE` of peak 1, the class, and the weight in the fit."""


def full_band_sounds(data: Path, split: str) -> Iterator[Sound]:
    """The sounds of a split of `oneshots-44k` in a folder of data, or in the one beside it.

    Those that were resampled from a lower rate are left out; "valid" includes "validation".

    Raises:
        MissingInputError: the index or a file is missing.
    """
    folder = next(
        (place for place in (data / FOLDER, data.parent / FOLDER) if place.is_dir()), data / FOLDER
    )
    for row in read_index(folder / "index.csv", "file", "class", "split", "original_rate"):
        own = row["split"].replace("validation", "valid")
        if own == split and row["class"] in CLASSES and int(row["original_rate"]) >= FULL_RATE:
            yield _read(folder / row["file"]), row["class"], 1.0


def kit_sounds(data: Path) -> Iterator[Sound]:
    """The first second of the hits of `acoustic-kit`; none where it is not there."""
    index = data / "acoustic-kit" / "index.csv"
    if not index.is_file():
        return
    for row in read_index(index, "file", "instrument"):
        name = next((KIT[start] for start in KIT if row["instrument"].startswith(start)), None)
        if name is not None:
            samples = _read(index.parent / row["file"])
            attack = int(np.flatnonzero(np.abs(samples) > 0.01)[0])
            yield samples[attack : attack + FULL_RATE], name, KIT_WEIGHT


def fit(sounds: Iterable[Sound]) -> Floats:
    """The table of `high_band`, ``[5 + K, 8]``: slopes, and constants by class.

    Least squares over frames, each sound counting by the root of its length.
    """
    inputs, outputs, weights = [], [], []
    for samples, name, weight in sounds:
        below = low_levels(resample(samples[None], FULL_RATE, MEL.rate)[0])
        above = high_levels(samples)
        count = min(len(below), len(above))
        sounding = below[:count].max(1) > SILENT_DB
        rows = int(sounding.sum())
        classes = np.repeat(class_weights(CLASSES.index(name))[None], rows, 0)
        inputs.append(np.concatenate([below[:count][sounding], classes, np.ones((rows, 1))], 1))
        outputs.append(np.maximum(above[:count][sounding], LEAST_DB))
        weights.append(np.full(rows, weight / np.sqrt(max(rows, 1))))
    x, y, w = np.concatenate(inputs), np.concatenate(outputs), np.concatenate(weights)[:, None]
    slopes = x.shape[1] - len(CLASSES) - 1
    pull = np.diag([1e-6] * slopes + [RIDGE] * len(CLASSES) + [1e-6])
    found = np.linalg.solve((x * w).T @ (x * w) + pull, (x * w).T @ (y * w))
    table: Floats = np.concatenate([found[:slopes], found[slopes:-1] + found[-1]])
    return table.astype(np.float32)


def high_band_distances(synth: DrumSynth, data: Path, split: str) -> dict[str, float]:
    """Mean distances above 11 kHz to sounds of full rate: from what they have below, and rebuilt.

    Those of nothing where no such sounds lie in or beside the folder.
    """
    try:
        sounds = list(full_band_sounds(data, split))
    except MissingInputError:
        return {}
    distances: dict[str, list[float]] = {"from real below": [], "rebuilt": []}
    for samples, name, _ in sounds:
        below = resample(samples[None], FULL_RATE, MEL.rate)[0]
        code = synth.encode(below, name)
        (made,) = synth.invert(synth.levels([code]))
        found = {
            "from real below": extended(below, code.classes, 0),
            "rebuilt": finished(made, code.classes, FULL_RATE, 0),
        }
        for method, sound in found.items():
            distances[method].append(high_band_distance(samples, sound))
    return {method: float(np.nanmean(found)) for method, found in distances.items() if found}


def _read(path: Path) -> Floats:
    with open_input(str(path)) as source, AudioReader(source) as reader:
        samples = resample(reader.read().mean(0, keepdims=True), reader.rate, FULL_RATE)[0]
    scaled: Floats = samples / np.float32(max(np.abs(samples).max(), 1e-6))
    return scaled
