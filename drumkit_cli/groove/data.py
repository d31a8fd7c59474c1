"""The Groove MIDI Dataset as windows of two measures, by its own split, and what varies them.

Data: J. Gillick et al., "Learning to Groove with Inverse Sequence Transformations" (ICML 2019), CC
BY 4.0.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli import console
from drumkit_cli.errors import BadDataError, MissingInputError
from drumkit_cli.grid import read_grid
from drumkit_cli.groove import patterns
from drumkit_cli.groove.patterns import (
    CLOSED,
    CRASH,
    GENRES,
    HOP_STEPS,
    KICK,
    OPEN,
    RIDE,
    SNARE,
    TOM,
    Windows,
)
from drumkit_cli.midi import read_midi

LICENCES: Final = "Groove MIDI Dataset (CC BY 4.0)"
NO_GENRE: Final = -1
MIN_VOICES: Final = 3

GENRE_OF_STYLE: Final[Mapping[str, str | None]] = MappingProxyType(
    {
        "dance": "electronic",
        "rock": "rock",
        "rock/shuffle": "blues",
        "rock/rockabilly": "blues",
        "punk": "rock",
        "pop": "rock",
        "country": "rock",
        "funk": "funk",
        "soul": "funk",
        "gospel": "funk",
        "afrobeat": "funk",
        "neworleans": "funk",
        "neworleans/shuffle": "blues",
        "jazz": "jazz",
        "jazz/funk": "funk",
        "blues": "blues",
        "hiphop": "hip hop",
        "afrocuban": None,
        "highlife": None,
        "latin": None,
        "middleeastern": None,
        "reggae": None,
    }
)
"""The dataset's styles to the paper's genres; a full style goes before its first word.

Played grooves that belong to none of the six have None: they are learnt from and reconstructed as
all others, with no genre given, and left out where genres are counted.
"""

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Corpus:
    """All windows of one split.

    Attributes:
        windows: the performances, ``[B, T, V]``.
        templates: ``[B, T, V]``.
        genres: index into `GENRES`, or `NO_GENRE`: ``[B]``.
        tracks: which track a window is of, ``[B]``, ascending.
    """

    windows: Windows
    templates: Floats
    genres: Integers
    tracks: Integers

    def __len__(self) -> int:
        """The number of windows."""
        return len(self.genres)


def genre_of_style(style: str) -> int:
    """The genre of a style of the dataset, as an index; `NO_GENRE` for one outside of the six.

    Raises:
        BadDataError: a style that the table does not know.
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

    As in 3.1 tracks are left out that have fewer than three voices, or no kick or no snare unless
    they are jazz.

    Raises:
        MissingInputError: no ``info.csv`` in the folder.
        BadDataError: a split has no track, or a row or file is broken.
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
    """Endless batches of windows, templates and genres; the same seed gives the same.

    Of each batch the last ``varied`` part, and all templates, are varied; what comes before are
    windows as they were played. With 0 nothing is varied.
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
            reduced[first:] = patterns.templates(part)
            reduced = vary_templates(reduced, (velocities > 0).astype(np.float32), generator)
        yield Windows(velocities, timings), reduced, genres


def vary(windows: Windows, partners: Windows, generator: np.random.Generator) -> Windows:
    """Vary performances: more rhythms than the drummers played, that they could have.

    A measure or a voice may come from a partner (another performance of the same genre), a measure
    from another place, cymbals change roles, hits come or go, velocities are scaled and bent,
    microtiming is shifted and stretched.
    """
    velocities, timings = windows.velocities.copy(), windows.timings.copy()
    size = len(velocities)

    def take(mask: NDArray[np.bool_]) -> None:
        velocities[mask] = partners.velocities[mask]
        timings[mask] = partners.timings[mask]

    measure = np.zeros(velocities.shape, np.bool_)
    spliced = np.flatnonzero(generator.random(size) < 0.25)
    measure[spliced, HOP_STEPS:] = True
    take(measure)
    voice = (generator.random((size, 1, velocities.shape[2])) < 0.5) & (
        generator.random((size, 1, 1)) < 0.25
    )
    take(np.broadcast_to(voice, velocities.shape))
    _swap_measures(velocities, timings, generator.random(size) < 0.3)
    _rotate(velocities, timings, generator)
    _swap_voices(velocities, timings, generator)
    _drop_and_add(velocities, timings, generator)
    _bend(velocities, timings, generator)
    return Windows(velocities, timings)


def vary_templates(reduced: Floats, notes: Floats, generator: np.random.Generator) -> Floats:
    """Let templates keep some of what the reduction takes, and miss some of what it keeps.

    Users sketch toms and ghost notes too, and do not follow the reduction.
    """
    size = len(reduced)
    rich = np.where(generator.random(size) < 0.3, generator.random(size), 0)[:, None, None]
    poor = np.where(generator.random(size) < 0.15, 0.3 * generator.random(size), 0)[:, None, None]
    kept = np.maximum(reduced, notes * (generator.random(notes.shape) < rich))
    return (kept * (generator.random(notes.shape) >= poor)).astype(np.float32)


def _rows(folder: Path) -> list[dict[str, str]]:
    try:
        with (folder / "info.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except FileNotFoundError as error:
        raise MissingInputError(
            f"{folder}: no info.csv", "give the folder of the Groove MIDI Dataset"
        ) from error
    wanted = {"split", "style", "beat_type", "time_signature", "midi_filename"}
    if not rows or not wanted <= set(rows[0]):
        raise BadDataError(f"{folder / 'info.csv'}: not the Groove MIDI Dataset's")
    return [r for r in rows if r["beat_type"] == "beat" and r["time_signature"] == "4-4"]


def _read(folder: Path, row: Mapping[str, str]) -> tuple[Floats, Floats] | None:
    """Velocities and timings ``[V, T]`` of a track; None for one that is left out."""
    path = folder / row["midi_filename"]
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise MissingInputError(
            f"{path}: no such file", f"it is in {folder / 'info.csv'}"
        ) from error
    voices = len(patterns.VOICES)
    grid = read_grid(read_midi(data, path.name), path.name, patterns.VOICE_OF_PITCH, voices)
    struck = grid.velocities.max(1) > 0
    jazz = row["style"].startswith("jazz")
    if struck.sum() < MIN_VOICES or not (jazz or (struck[KICK] and struck[SNARE])):
        return None
    velocities, timings = _whole_measures(grid.velocities, 2 * grid.offsets)
    return velocities, timings


def _whole_measures(velocities: Floats, timings: Floats) -> tuple[Floats, Floats]:
    """Drop the empty measures at both ends."""
    struck = (velocities > 0).any(0).reshape(-1, HOP_STEPS).any(1)
    first, last = np.flatnonzero(struck)[[0, -1]] * HOP_STEPS
    kept = slice(int(first), int(last) + HOP_STEPS)
    return velocities[:, kept], timings[:, kept]


def _corpus(tracks: list[tuple[tuple[Floats, Floats], dict[str, str]]]) -> Corpus:
    velocities, timings, genres, places = [], [], [], []
    for place, (track, row) in enumerate(tracks):
        cut = patterns.cut(track[0])
        velocities.append(cut)
        timings.append(patterns.cut(track[1]))
        genres += [genre_of_style(row["style"])] * len(cut)
        places += [place] * len(cut)
    windows = Windows(np.concatenate(velocities), np.concatenate(timings))
    struck = (windows.velocities > 0).any((1, 2))
    windows = Windows(windows.velocities[struck], windows.timings[struck])
    return Corpus(
        windows,
        patterns.templates(windows),
        np.array(genres, np.int64)[struck],
        np.array(places, np.int64)[struck],
    )


def _draw_weights(corpus: Corpus) -> NDArray[np.float64]:
    """How often a window is drawn: less of long tracks, which repeat themselves, and big genres."""
    weights = np.bincount(corpus.tracks)[corpus.tracks] ** -0.3
    weights *= np.bincount(corpus.genres + 1)[corpus.genres + 1] ** -0.3
    return np.asarray(weights / weights.sum(), np.float64)


def _partners(corpus: Corpus, genres: Integers, generator: np.random.Generator) -> Windows:
    """For each genre of a batch another window of it."""
    chosen = np.zeros(len(genres), np.int64)
    for genre in np.unique(genres):
        same = np.flatnonzero(corpus.genres == genre)
        chosen[genres == genre] = generator.choice(same, int((genres == genre).sum()))
    return Windows(corpus.windows.velocities[chosen], corpus.windows.timings[chosen])


def _swap_measures(velocities: Floats, timings: Floats, which: NDArray[np.bool_]) -> None:
    for values in (velocities, timings):
        values[which] = np.roll(values[which], HOP_STEPS, 1)


def _rotate(velocities: Floats, timings: Floats, generator: np.random.Generator) -> None:
    """Turn a few windows by beats, fewer by other steps: they teach rhythms, not style."""
    size = len(velocities)
    chance = generator.random(size)
    beats, steps = 4 * generator.integers(1, 8, size), generator.integers(1, 32, size)
    shifts = np.where(chance < 0.1, beats, np.where(chance < 0.15, steps, 0))
    places = (np.arange(velocities.shape[1])[None] - shifts[:, None]) % velocities.shape[1]
    for values in (velocities, timings):
        values[:] = np.take_along_axis(values, places[..., None], 1)


def _swap_voices(velocities: Floats, timings: Floats, generator: np.random.Generator) -> None:
    """Let the ride play what the hi-hat did, or a tom the snare, and the other way round."""
    for one, other, share in (
        (CLOSED, RIDE, 0.1),
        (CLOSED, OPEN, 0.03),
        (CRASH, RIDE, 0.03),
        (SNARE, TOM, 0.04),
        (KICK, TOM, 0.02),
    ):
        which = np.flatnonzero(generator.random(len(velocities)) < share)
        for values in (velocities, timings):
            pair = values[which][..., [other, one]]
            values[which[:, None], :, np.array([one, other])] = pair.transpose(0, 2, 1)


def _drop_and_add(velocities: Floats, timings: Floats, generator: np.random.Generator) -> None:
    """Take hits away or let new ones come, each window at its own rate."""
    size = len(velocities)

    def rates(share: float, most: float) -> Floats:
        drawn = np.where(generator.random(size) < share, generator.random(size) * most, 0)
        return drawn.astype(np.float32)[:, None, None]

    dropped = generator.random(velocities.shape) < rates(0.3, 0.25)
    velocities[dropped] = 0
    timings[dropped] = 0
    added = (generator.random(velocities.shape) < rates(0.3, 0.06)) & (velocities == 0)
    velocities[added] = generator.uniform(0.1, 1, int(added.sum()))
    timings[added] = generator.normal(0, 0.25, int(added.sum())).clip(-1, 1)


def _bend(velocities: Floats, timings: Floats, generator: np.random.Generator) -> None:
    """Louder and softer, more and less even; earlier and later, tighter and looser."""
    shape = (len(velocities), 1, 1)
    some = generator.random(shape) < 0.5
    power = np.where(some, np.exp(generator.normal(0, 0.25, shape)), 1)
    gain = np.where(some, np.exp(generator.normal(0, 0.12, shape)), 1)
    hits = velocities > 0
    velocities[:] = np.where(hits, (gain * velocities**power).clip(1 / 127, 1), 0)
    some = generator.random(shape) < 0.5
    stretch = np.where(some, np.exp(generator.normal(0, 0.25, shape)), 1)
    shift = np.where(some, generator.normal(0, 0.08, shape), 0)
    timings[:] = np.where(hits, (stretch * timings + shift).clip(-1, 1), 0)
