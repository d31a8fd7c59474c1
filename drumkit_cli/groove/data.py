"""The Groove MIDI Dataset as windows of two measures, with its published split.

Data: J. Gillick et al., "Learning to Groove with Inverse Sequence Transformations" (ICML 2019), CC
BY 4.0.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli import console
from drumkit_cli.errors import BadDataError, MissingInputError
from drumkit_cli.groove.network import windowing
from drumkit_cli.groove.network.windowing import GENRES, HOP_STEPS, KICK, SNARE, Windows
from drumkit_cli.groove.training.augmentation import vary, vary_templates
from drumkit_cli.io.arrays import Floats, Integers
from drumkit_cli.learning.index_files import read_index
from drumkit_cli.midi.files import read_midi
from drumkit_cli.patterns.grid import read_grid

LICENCES: Final = "Groove MIDI Dataset (CC BY 4.0)"
NO_GENRE: Final = -1
MIN_VOICES: Final = 3

_STYLES: Final[Mapping[str | None, tuple[str, ...]]] = {
    "electronic": ("dance",),
    "rock": ("rock", "punk", "pop", "country"),
    "funk": ("funk", "soul", "gospel", "afrobeat", "neworleans", "jazz/funk"),
    "jazz": ("jazz",),
    "blues": ("blues", "rock/shuffle", "rock/rockabilly", "neworleans/shuffle"),
    "hip hop": ("hiphop",),
    None: ("afrocuban", "highlife", "latin", "middleeastern", "reggae"),
}
GENRE_OF_STYLE: Final = {style: genre for genre, styles in _STYLES.items() for style in styles}
"""Style of the dataset to genre of the paper; a full style takes precedence over its first word.

Styles outside of the six genres have None: their windows are used like all others, without a genre,
and are left out of genre accuracies.
"""


@dataclass(frozen=True)
class Corpus:
    """All windows of one split.

    Attributes:
        windows: performances, ``[B, T, V]``.
        templates: their templates, ``[B, T, V]``.
        genres: indices into `GENRES`, or `NO_GENRE`, ``[B]``.
        tracks: index of the track of each window, ascending, ``[B]``.
    """

    windows: Windows
    templates: Floats
    genres: Integers
    tracks: Integers

    def __len__(self) -> int:
        """The number of windows."""
        return len(self.genres)


def genre_of_style(style: str) -> int:
    """Index of the genre of a style of the dataset; `NO_GENRE` for one outside of the six.

    Raises:
        BadDataError: `GENRE_OF_STYLE` has no such style.
    """
    for key in (style, style.split("/")[0]):
        if key in GENRE_OF_STYLE:
            genre = GENRE_OF_STYLE[key]
            return NO_GENRE if genre is None else GENRES.index(genre)
    raise BadDataError(
        f"style {style} has no genre", f"use one of {', '.join(sorted(GENRE_OF_STYLE))}"
    )


def load(folder: Path, splits: tuple[str, ...]) -> dict[str, Corpus]:
    """Read the 4/4 beats of splits of the dataset.

    As in 3.1, tracks with fewer than three voices are left out, and tracks without kick or snare
    unless they are jazz.

    Raises:
        MissingInputError: there is no ``info.csv`` in the folder, or a file of it is missing.
        BadDataError: a split has no track, or a row or file is damaged.
    """
    rows = _rows(folder)
    corpora = {}
    for split in splits:
        chosen = [row for row in rows if row["split"] == split]
        with console.progress(len(chosen), f"reading {split}") as bar:
            tracks = []
            for row in chosen:
                tracks.append(_read(folder, row))
                bar.advance(1)
        kept = [(track, row) for track, row in zip(tracks, chosen, strict=True) if track]
        if not kept:
            raise BadDataError(f"{folder}: no {split} beats in 4/4")
        corpora[split] = _corpus(kept)
    return corpora


def batches(
    corpus: Corpus, size: int, seed: int, *, varied: float = 0.5
) -> Iterator[tuple[Windows, Floats, Integers]]:
    """Endless batches of windows, templates and genres, determined by a seed.

    The last ``varied`` share of a batch and all its templates are augmented; with 0 nothing is.
    """
    generator = np.random.default_rng(seed)
    weights = _draw_weights(corpus)
    first = size - round(size * varied)
    while True:
        chosen = generator.choice(len(corpus), size, p=weights)
        velocities, timings = (values[chosen] for values in corpus.windows)
        genres, reduced = corpus.genres[chosen], corpus.templates[chosen]
        if varied:
            part = Windows(velocities[first:], timings[first:])
            part = vary(part, _partners(corpus, genres[first:], generator), generator)
            velocities[first:], timings[first:] = part
            reduced[first:] = windowing.templates(part)
            reduced = vary_templates(reduced, (velocities > 0).astype(np.float32), generator)
        yield Windows(velocities, timings), reduced, genres


def _rows(folder: Path) -> list[dict[str, str]]:
    info = folder / "info.csv"
    if not info.is_file():
        raise MissingInputError(
            f"{folder}: no info.csv", "give the folder of the Groove MIDI Dataset"
        )
    rows = read_index(info, "split", "style", "beat_type", "time_signature", "midi_filename")
    return [r for r in rows if r["beat_type"] == "beat" and r["time_signature"] == "4-4"]


def _read(folder: Path, row: Mapping[str, str]) -> tuple[Floats, Floats] | None:
    """Velocities and timings ``[V, T]`` of a track; None if it is left out."""
    path = folder / row["midi_filename"]
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise MissingInputError(
            f"{path}: no such file", f"it is in {folder / 'info.csv'}"
        ) from error
    voices = len(windowing.VOICES)
    grid = read_grid(read_midi(data, path.name), path.name, windowing.VOICE_OF_PITCH, voices)
    struck = grid.velocities.max(1) > 0
    jazz = row["style"].startswith("jazz")
    if struck.sum() < MIN_VOICES or not (jazz or (struck[KICK] and struck[SNARE])):
        return None
    velocities, timings = _whole_measures(grid.velocities, 2 * grid.offsets)
    return velocities, timings


def _whole_measures(velocities: Floats, timings: Floats) -> tuple[Floats, Floats]:
    """Drop empty measures at both ends."""
    struck = (velocities > 0).any(0).reshape(-1, HOP_STEPS).any(1)
    first, last = np.flatnonzero(struck)[[0, -1]] * HOP_STEPS
    kept = slice(int(first), int(last) + HOP_STEPS)
    return velocities[:, kept], timings[:, kept]


def _corpus(tracks: list[tuple[tuple[Floats, Floats], dict[str, str]]]) -> Corpus:
    velocities, timings, genres, places = [], [], [], []
    for place, (track, row) in enumerate(tracks):
        cut = windowing.cut(track[0])
        velocities.append(cut)
        timings.append(windowing.cut(track[1]))
        genres += [genre_of_style(row["style"])] * len(cut)
        places += [place] * len(cut)
    windows = Windows(np.concatenate(velocities), np.concatenate(timings))
    struck = (windows.velocities > 0).any((1, 2))
    windows = Windows(windows.velocities[struck], windows.timings[struck])
    return Corpus(
        windows,
        windowing.templates(windows),
        np.array(genres, np.int64)[struck],
        np.array(places, np.int64)[struck],
    )


def _draw_weights(corpus: Corpus) -> NDArray[np.float64]:
    """Sampling probabilities of windows: lower in long tracks, which repeat, and large genres."""
    weights = np.bincount(corpus.tracks)[corpus.tracks] ** -0.3
    weights *= np.bincount(corpus.genres + 1)[corpus.genres + 1] ** -0.3
    return np.asarray(weights / weights.sum(), np.float64)


def _partners(corpus: Corpus, genres: Integers, generator: np.random.Generator) -> Windows:
    """A random window of the same genre for each window of a batch."""
    chosen = np.zeros(len(genres), np.int64)
    for genre in np.unique(genres):
        same = np.flatnonzero(corpus.genres == genre)
        chosen[genres == genre] = generator.choice(same, int((genres == genre).sum()))
    return Windows(corpus.windows.velocities[chosen], corpus.windows.timings[chosen])
