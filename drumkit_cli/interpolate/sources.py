"""Where a transition starts and ends: a file of patterns, or the name of one that ships."""

from __future__ import annotations

import os
import re
from typing import Final, NamedTuple

import numpy as np

from drumkit_cli import console
from drumkit_cli.errors import BadDataError, MissingInputError, UsageError
from drumkit_cli.io.arrays import read_npy
from drumkit_cli.io.sniffing import Kind
from drumkit_cli.io.streams import Input, open_input
from drumkit_cli.midi.drum_maps import SIX_VOICES, VOICE_NAMES
from drumkit_cli.midi.files import read_midi
from drumkit_cli.patterns import composer
from drumkit_cli.patterns.genres import GENRES
from drumkit_cli.patterns.grid import (
    MEASURE_STEPS,
    STEPS_PER_QUARTER,
    Floats,
    name_unknown,
    read_grid,
)
from drumkit_cli.patterns.pattern_sets import PATTERN_MEASURES, fold

_NAME: Final = re.compile(r"([a-z]+):(\d{1,9})")


class Source(NamedTuple):
    """Patterns ``[N, V, T]`` of which at least one has a note, and where they are from."""

    patterns: Floats
    tempo_bpm: float | None
    sha256: str


def shipped_names() -> list[tuple[str, Floats, float]]:
    """Every pattern that ships: its name, its velocities ``[V, T]`` and its tempo."""
    return [
        (f"{genre}:{number}", composer.compose(genre, number), what.tempo_bpm)
        for genre, what in GENRES.items()
        for number in range(1, what.count + 1)
    ]


def read_source(name: str) -> Source:
    """Read a MIDI or NPY file, stdin for "-", or the shipped pattern of that name.

    A file called as a pattern is must be named with its folder (./techno:3).

    Raises:
        UsageError: no pattern of that number.
        MissingInputError: neither a file nor a pattern.
        BadDataError: not MIDI nor NPY; no notes; another meter; velocities that are no velocities.
    """
    match = _NAME.fullmatch(name)
    if match and match[1] in GENRES:
        genre, number = match[1], int(match[2])
        what = GENRES[genre]
        if not 1 <= number <= what.count:
            raise UsageError(f"no pattern {name}", f"{genre}:1 to {genre}:{what.count} ship")
        return Source(composer.compose(genre, number)[None], what.tempo_bpm, "")
    try:
        with open_input(name) as source:
            velocities, tempo = _read(source)
            patterns = fold(velocities)
            sha256 = source.sha256()
    except MissingInputError as error:
        if not os.path.lexists(name) and (match or "/" not in name):
            raise MissingInputError(
                f"{name}: no such file or pattern", "drumkit interpolate --list names the patterns"
            ) from error
        raise
    patterns = patterns[patterns.any((1, 2))]
    if not len(patterns):
        raise BadDataError(f"{source.name} has no notes of the six voices", _VOICES_REMEDY)
    return Source(patterns, tempo, sha256)


_VOICES_REMEDY: Final = f"they are {', '.join(VOICE_NAMES)}"


def _read(source: Input) -> tuple[Floats, float | None]:
    """The velocities ``[V, T]`` of a file, and its last tempo."""
    if source.kind is Kind.NPY:
        return _from_array(source), None
    if source.kind is not Kind.MIDI:
        what = "" if source.kind is Kind.UNKNOWN else f" but {source.kind}"
        raise BadDataError(f"{source.name} is not MIDI{what}", "give MIDI, NPY or a name of --list")
    track = read_midi(source.read_bytes(), source.name)
    grid = read_grid(track, source.name, SIX_VOICES, len(VOICE_NAMES))
    if grid.unknown:
        console.warn(f"{source.name}: left out {name_unknown(grid.unknown)}")
    tempo = 60e6 / track.tempi[-1].microseconds_per_quarter if track.tempi else 120.0
    measure_ticks = track.ticks_per_quarter * MEASURE_STEPS / STEPS_PER_QUARTER
    return _without_closing_hit(grid.velocities, round(track.end_ticks / measure_ticks)), tempo


def _without_closing_hit(velocities: Floats, measures: int) -> Floats:
    """Leave out a measure after the file's ``measures`` that has a hit on its first step only.

    A loop that ends on the next downbeat would else repeat out of step, and a song would be that
    hit. Where it is the fourth measure of a pattern it stays.
    """
    rest = velocities[:, measures * MEASURE_STEPS :]
    whole = (measures + 1) % PATTERN_MEASURES == 0
    if not measures or whole or rest.shape[1] != MEASURE_STEPS or rest[:, 1:].any():
        return velocities
    return velocities[:, :-MEASURE_STEPS]


def _from_array(source: Input) -> Floats:
    """The velocities of an array ``[V, T]`` or ``[N, V, T]``, end to end."""
    array = read_npy(source)
    voices = len(VOICE_NAMES)
    if array.ndim not in (2, 3) or array.shape[-2] != voices or not array.size:
        raise BadDataError(
            f"{source.name} has the shape {array.shape}",
            f"give [{voices}, steps] or [patterns, {voices}, steps]",
        )
    with np.errstate(over="ignore"):  # what overflows is refused below
        velocities = array.astype(np.float32)
    if not np.isfinite(velocities).all() or velocities.min() < 0 or velocities.max() > 1:
        raise BadDataError(f"{source.name} holds other numbers than velocities of 0 to 1")
    return velocities if array.ndim == 2 else np.concatenate(list(velocities), axis=1)
