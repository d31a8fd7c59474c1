"""Where a transition starts and ends: a file of patterns, or the name of one that ships."""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.errors import BadDataError
from drumkit_cli.interpolate.names import split_measures
from drumkit_cli.io.arrays import Floats, read_npy
from drumkit_cli.io.sniffing import Kind
from drumkit_cli.io.streams import Input, open_input
from drumkit_cli.midi.drum_maps import SIX_VOICES, VOICE_NAMES, VOICE_PITCHES
from drumkit_cli.midi.map_file import DrumMap, translate
from drumkit_cli.midi.selection import WHOLE, Selection
from drumkit_cli.midi.track import Track
from drumkit_cli.patterns import composer
from drumkit_cli.patterns.genres import GENRES
from drumkit_cli.patterns.grid import name_unknown, read_grid
from drumkit_cli.patterns.names import shipped_pattern, told_of_patterns
from drumkit_cli.patterns.pattern_sets import PATTERN_STEPS, fold
from drumkit_cli.patterns.ruler import MEASURE_STEPS
from drumkit_cli.patterns.songs import song_of

_VOICES_REMEDY: Final = f"they are {', '.join(VOICE_NAMES)}"


Pattern = str | Track | NDArray[np.floating[Any]]
"""What `read_source` reads by its name, a track, or velocities ``[V, T]`` or ``[N, V, T]``."""


class Source(NamedTuple):
    """Patterns ``[N, V, T]`` of which at least one has a note, and where they are from.

    `remarks` are sentences for the user, on what was read as drums and what was left out.
    """

    patterns: Floats
    tempo_bpm: float | None
    sha256: str
    remarks: tuple[str, ...]


class Steps(NamedTuple):
    """What an input plays, before it is cut into patterns."""

    velocities: Floats
    tempo_bpm: float | None = None
    remarks: tuple[str, ...] = ()


def shipped_names() -> list[tuple[str, Floats, float]]:
    """Every pattern that ships: its name, its velocities ``[V, T]`` and its tempo."""
    return [
        (f"{genre}:{number}", composer.compose(genre, number), what.tempo_bpm)
        for genre, what in GENRES.items()
        for number in range(1, what.count + 1)
    ]


def read_source(name: str, drum_map: DrumMap | None = None, selection: Selection = WHOLE) -> Source:
    """Read a MIDI or NPY file, stdin for "-", or a pattern that ships by its name.

    Args:
        name: as `split_measures` and `shipped_pattern` take it.
        drum_map: what the pitches of a MIDI file are; None: General MIDI.
        selection: the part, where the name tells no measures.

    Raises:
        UsageError: no pattern of that number; measures that are not there.
        MissingInputError: neither a file nor a pattern.
        BadDataError: not MIDI nor NPY; no notes; another meter; velocities that are no velocities.
    """
    path, selection = split_measures(name, selection)
    shipped = shipped_pattern(path)
    if shipped is not None:
        velocities = _cut(composer.compose(*shipped), selection, path)
        return _source(Steps(velocities, GENRES[shipped[0]].tempo_bpm), name)
    with told_of_patterns(path), open_input(path) as source:
        return _source(_read(source, selection, drum_map), name, source.sha256())


def read_pattern(pattern: Pattern, drum_map: DrumMap | None = None) -> Source:
    """Take the patterns of a track, of an array, or of what `read_source` reads by its name.

    Raises:
        DrumkitError: as `read_source`.
    """
    if isinstance(pattern, str):
        return read_source(pattern, drum_map)
    if isinstance(pattern, Track):
        return _source(_from_track(pattern, "the track", drum_map), "the track")
    return _source(Steps(_from_array(np.asarray(pattern), "the array")), "the array")


def _source(steps: Steps, name: str, sha256: str = "") -> Source:
    patterns = fold(steps.velocities)
    patterns = patterns[patterns.any((1, 2))]
    if not len(patterns):
        raise BadDataError(f"{name} has no notes of the six voices", _VOICES_REMEDY)
    return Source(patterns, steps.tempo_bpm, sha256, steps.remarks)


def _read(source: Input, selection: Selection, drum_map: DrumMap | None) -> Steps:
    """What a file or the chosen part of it plays."""
    if source.kind is Kind.NPY:
        velocities = _from_array(read_npy(source), source.name)
        return Steps(_cut(velocities, selection, source.name))
    source.require(Kind.MIDI, "MIDI", "give MIDI, NPY or a name of --list")
    song = song_of(source, selection, drum_map)
    return _from_track(song.track, song.name, drum_map)


def _from_track(track: Track, name: str, drum_map: DrumMap | None) -> Steps:
    """What a track plays, and its last tempo."""
    grid = read_grid(track, name, translate(SIX_VOICES, drum_map), len(VOICE_NAMES))
    remarks = grid.remarks
    if grid.unknown:
        remarks += (f"left out {name_unknown(grid.unknown, drum_map)}",)
    tempo = 60e6 / track.tempi[-1].microseconds_per_quarter if track.tempi else 120.0
    steps = grid.ruler.columns_filled(track.end_ticks)
    velocities = _without_closing_hit(grid.velocities, steps)
    return Steps(velocities, tempo, tuple(f"{name}: {remark}" for remark in remarks))


def _cut(velocities: Floats, selection: Selection, name: str) -> Floats:
    """The chosen measures of a grid, each of sixteen columns, and its chosen voices."""
    measures = -(-velocities.shape[1] // MEASURE_STEPS)
    bars = selection.bars_of(measures, name)
    if selection.pitches is not None:
        kept = [pitch in selection.pitches for pitch in VOICE_PITCHES]
        velocities = velocities * np.array(kept, np.float32)[:, None]
    columns = [slice((first - 1) * MEASURE_STEPS, last * MEASURE_STEPS) for first, last in bars]
    return np.concatenate([velocities[:, each] for each in columns], axis=1)


def _without_closing_hit(velocities: Floats, steps: int) -> Floats:
    """Leave out a measure after the file's ``steps`` that has a hit on its first step only.

    A loop that ends on the next downbeat would else repeat out of step, and a song would be that
    hit. Where it is the fourth measure of a pattern it stays.
    """
    rest = velocities[:, steps:]
    whole = (steps + MEASURE_STEPS) % PATTERN_STEPS == 0
    if not steps or whole or rest.shape[1] != MEASURE_STEPS or rest[:, 1:].any():
        return velocities
    return velocities[:, :-MEASURE_STEPS]


def _from_array(array: NDArray[Any], name: str) -> Floats:
    """The velocities of an array ``[V, T]`` or ``[N, V, T]``, end to end."""
    voices = len(VOICE_NAMES)
    if array.ndim not in (2, 3) or array.shape[-2] != voices or not array.size:
        raise BadDataError(
            f"{name} has the shape {array.shape}",
            f"give [{voices}, steps] or [patterns, {voices}, steps]",
        )
    with np.errstate(over="ignore"):  # what overflows is refused below
        velocities = array.astype(np.float32)
    if not np.isfinite(velocities).all() or velocities.min() < 0 or velocities.max() > 1:
        raise BadDataError(f"{name} holds other numbers than velocities of 0 to 1")
    return velocities if array.ndim == 2 else np.concatenate(list(velocities), axis=1)
