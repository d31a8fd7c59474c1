"""The notes that bands play: excerpts of multi-track MIDI songs and of drummers' performances."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli import console
from drumkit_cli.bands.instruments import Note
from drumkit_cli.errors import BadDataError
from drumkit_cli.learning.index_files import read_index
from drumkit_cli.midi.files import read_midi
from drumkit_cli.midi.measures import read_stretches
from drumkit_cli.midi.track import BASS_PROGRAMS

_ON_GRID: Final = 0.8
"""Share of the onsets on the grid of sixteenths or triplets from which its beats are believed."""
_BARS: Final = ((4, 4), (3, 4))


@dataclass(frozen=True)
class Song:
    """The parts of a multi-track MIDI file."""

    drums: tuple[Note, ...]
    bass: tuple[Note, ...]
    parts: tuple[tuple[int, tuple[Note, ...]], ...]  # (program, notes)
    seconds: float


def excerpt(song: Song, start: float, seconds: float, tempo_factor: float, transpose: int) -> Song:
    """The notes of `seconds` from `start` on, at `tempo_factor` times the tempo, transposed.

    Onsets count from the start of the excerpt; drums are not transposed.
    """

    def cut(notes: Iterable[Note], shift: int) -> tuple[Note, ...]:
        return tuple(
            Note(
                (note.onset_seconds - start) / tempo_factor,
                note.duration_seconds / tempo_factor,
                int(np.clip(note.pitch + shift, 1, 126)),
                note.velocity,
            )
            for note in notes
            if start <= note.onset_seconds < start + seconds * tempo_factor
        )

    parts = tuple((program, cut(notes, transpose)) for program, notes in song.parts)
    return Song(
        cut(song.drums, 0), cut(song.bass, transpose), tuple(p for p in parts if p[1]), seconds
    )


def draw_performance(
    data: Path, split: str, seconds: float, generator: np.random.Generator
) -> list[Note]:
    """A random excerpt of a drummer's performance of a split, repeated where it is too short."""
    files = _performance_files(data, split)
    file = files[int(generator.integers(len(files)))]
    song = read_song(data / "groove" / file, need_bass=False)
    if song is None or not song.drums:
        return []
    notes: list[Note] = []
    start = float(generator.uniform(0, max(song.seconds - seconds, 0)))
    while start > -seconds:
        notes += [replace(n, onset_seconds=n.onset_seconds - start) for n in song.drums]
        start -= max(song.seconds, 2.0)
    return sorted(
        (n for n in notes if 0 <= n.onset_seconds < seconds), key=lambda n: n.onset_seconds
    )


@cache
def song_table(data: Path, splits: tuple[str, ...]) -> list[dict[str, str]]:
    """Index rows of all songs of some splits, in a fixed random order."""
    table = read_index(data / "bands-midi" / "index.csv", "path", "split", "tempo")
    rows = [row for row in table if row["split"] in splits]
    order = np.random.default_rng(0).permutation(len(rows))
    return [rows[i] for i in order]


@cache
def _performance_files(data: Path, split: str) -> list[str]:
    columns = ("midi_filename", "split", "beat_type", "duration")
    return [
        row["midi_filename"]
        for row in read_index(data / "groove" / "info.csv", *columns)
        if row["split"] == split and row["beat_type"] == "beat" and float(row["duration"]) > 4
    ]


@cache
def read_song(path: Path, *, need_bass: bool = True) -> Song | None:
    """Read the parts of a MIDI file.

    None for a damaged file, for one without drums, and for one without bass where `need_bass`.
    """
    try:
        track = read_midi(path.read_bytes(), path.name)
    except BadDataError as error:
        console.detail(str(error))
        return None
    drums, bass = [], []
    parts: dict[int, list[Note]] = {}
    for event in track.notes:
        note = Note(event.onset_seconds, event.duration_seconds, event.pitch, event.velocity)
        if event.drum:
            drums.append(note)
        elif event.program in BASS_PROGRAMS:
            bass.append(note)
        else:
            parts.setdefault(event.program, []).append(note)
    if not drums or (need_bass and not bass):
        return None
    return Song(
        tuple(drums), tuple(bass), tuple((p, tuple(n)) for p, n in parts.items()), track.seconds
    )


def beats_of(path: Path) -> NDArray[np.float64]:
    """Beats `[n, 2]` of a MIDI file: seconds, number in the bar; none where they are doubtful.

    They are doubtful in meters other than 4/4 and 3/4 and where the drums are off their grid.

    Raises:
        BadDataError: not a MIDI file.
    """
    track = read_midi(path.read_bytes(), path.name)
    found: list[tuple[float, int]] = []
    for stretch in read_stretches(track, max((n.onset_ticks for n in track.notes), default=0)):
        count = stretch.meter.numerator
        if stretch.meter[1:] not in _BARS or stretch.measure_ticks < 1:
            return np.zeros((0, 2))
        for beat in range(stretch.measures * count):
            tick = stretch.first_tick + beat * stretch.measure_ticks / count
            found.append((track.clock.seconds(round(tick)), beat % count + 1))
    beats = np.array(found, np.float64).reshape(-1, 2)
    onsets = np.array([note.onset_seconds for note in track.notes if note.drum])
    return beats if _grid_share(onsets, beats[:, 0]) >= _ON_GRID else np.zeros((0, 2))


def cut_beats(
    beats: NDArray[np.float64], start: float, seconds: float, factor: float
) -> NDArray[np.float64]:
    """The beats of an `excerpt`, from its start on."""
    moved = (beats - [start, 0]) / [factor, 1]
    return moved[(moved[:, 0] >= 0) & (moved[:, 0] < seconds)]


def _grid_share(onsets: NDArray[np.float64], beats: NDArray[np.float64]) -> float:
    """Share of the onsets within a tenth of a beat of eighths, sixteenths or triplets."""
    if len(beats) < 2 or not len(onsets):
        return 0.0
    phase = np.interp(onsets, beats, np.arange(len(beats))) % 1
    near = np.abs(phase[:, None] - np.array([0, 1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 4, 1])).min(1)
    return float((near < 0.06).mean())
