"""Music to render: excerpts of multi-track songs, and of drummers' performances with a band."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.bands.instruments import Note
from drumkit_cli.bands.midi_songs import Song, beats_of, cut_beats, excerpt, read_song
from drumkit_cli.errors import BadDataError, DrumkitError
from drumkit_cli.learning.index_files import read_index

_HATS: Final = (42, 46, 22, 26)
_INSTEAD_OF_HATS: Final = (
    {42: 51, 46: 53, 22: 59, 26: 59},  # rides
    {42: 46, 22: 26},  # open hats
    {42: 54, 46: 54, 22: 54, 26: 54},  # a tambourine, which is no voice
    {42: 82, 46: 82, 22: 82, 26: 82},  # a shaker
)
_INSTEAD_SHARES: Final = (0.19, 0.065, 0.02, 0.02)
"""Shares of the takes in which others stand for the hats: songs have too few of them."""
_TOMS: Final = (41, 43, 45, 47, 48, 50)
_FILL_SHARE: Final = 0.18
"""Share of the takes in which toms take part in fills."""
_PERFORMANCE_SHARE: Final = 0.55
_ATTEMPTS: Final = 1000


@dataclass(frozen=True)
class Music:
    """Parts of a MIDI file with its beats.

    `beats` is float64 `[n, 2]`: seconds, and number in the bar from 1; empty where they are not
    known.
    """

    song: Song
    beats: NDArray[np.float64]


def draw_music(data: Path, split: str, seconds: float, generator: np.random.Generator) -> Music:
    """Draw an excerpt of songs of a split, some with other drums than were written.

    Raises:
        MissingInputError: an index of the data is missing.
        BadDataError: an index of the data is damaged, or hardly a song can be used.
    """
    for _ in range(_ATTEMPTS):
        draw = _performance if generator.random() < _PERFORMANCE_SHARE else _band
        music = draw(data, split, seconds, generator)
        if music is not None and len(music.song.drums) > seconds / 2:
            drums = _with_fills(_without_hats(music.song.drums, generator), generator)
            return Music(replace(music.song, drums=tuple(drums)), music.beats)
    raise BadDataError(f"{data}: hardly a song of the split {split} has drums")


def _without_hats(notes: Sequence[Note], generator: np.random.Generator) -> Sequence[Note]:
    """Notes of which in some takes rides or others stand for the hats."""
    draw = generator.random()
    for pitches, share in zip(_INSTEAD_OF_HATS, np.cumsum(_INSTEAD_SHARES), strict=True):
        if draw < share:
            return [replace(note, pitch=pitches.get(note.pitch, note.pitch)) for note in notes]
    return notes


def _with_fills(notes: Sequence[Note], generator: np.random.Generator) -> Sequence[Note]:
    """Notes of which in some takes toms stand for the snares and some hats of some seconds."""
    if generator.random() >= _FILL_SHARE:
        return notes
    is_fill = generator.random(1000) < 0.25
    return [
        replace(note, pitch=int(generator.choice(_TOMS)))
        if is_fill[int(note.onset_seconds) % 1000]
        and (note.pitch in (38, 40) or (note.pitch in _HATS and generator.random() < 0.5))
        else note
        for note in notes
    ]


def _band(data: Path, split: str, seconds: float, generator: np.random.Generator) -> Music | None:
    """An excerpt of a multi-track song, its drums played less evenly than programmed."""
    files = _band_files(data, split)
    music = _read(files[int(generator.integers(len(files)))])
    if music is None:
        return None
    factor = float(2 ** generator.uniform(-0.35, 0.35))
    start = float(generator.uniform(0, max(music.song.seconds - seconds * factor, 0)))
    song = excerpt(music.song, start, seconds, factor, int(generator.integers(-3, 4)))
    spread, dynamics = generator.uniform(0, 0.008), generator.uniform(0, 0.25)
    drums = tuple(
        replace(
            note,
            onset_seconds=max(note.onset_seconds + float(generator.normal(0, spread)), 0.0),
            velocity=int(np.clip(note.velocity * np.exp(generator.normal(0, dynamics)), 1, 127)),
        )
        for note in song.drums
    )
    return Music(replace(song, drums=drums), cut_beats(music.beats, start, seconds, factor))


def _performance(
    data: Path, split: str, seconds: float, generator: np.random.Generator
) -> Music | None:
    """A drummer's performance, from a bar line on, with a band that plays at its tempo."""
    files = _performance_files(data, split)
    played = _read(files[int(generator.integers(len(files)))])
    backing = _read(
        _band_files(data, split)[int(generator.integers(len(_band_files(data, split))))]
    )
    if played is None or backing is None or not len(played.beats):
        return None
    factor = float(2 ** generator.uniform(-0.25, 0.25))
    looped = _looped(played, seconds * factor)
    start = _bar_line(looped, seconds * factor, generator)
    drums = excerpt(looped.song, start, seconds, factor, 0).drums
    beats = cut_beats(looped.beats, start, seconds, factor)
    song = _matching(backing, float(np.median(np.diff(beats[:, 0]))), seconds, generator)
    if song is None:
        return None
    return Music(replace(song, drums=drums), beats)


def _matching(
    backing: Music, beat_seconds: float, seconds: float, generator: np.random.Generator
) -> Song | None:
    """An excerpt of a song in four, from a bar line on, at the tempo of beats or an octave off."""
    if len(backing.beats) < 9 or backing.beats[:, 1].max() != 4:
        return None
    factor = float(np.median(np.diff(backing.beats[:, 0]))) / beat_seconds
    factor *= 2.0 ** -round(np.log2(factor))
    start = _bar_line(backing, seconds * factor, generator)
    return excerpt(backing.song, start, seconds, factor, int(generator.integers(-3, 4)))


def _looped(music: Music, seconds: float) -> Music:
    """The music, repeated after its last whole bar as often as it is too short."""
    bars = music.beats[music.beats[:, 1] == 1, 0]
    if music.song.seconds >= seconds or len(bars) < 2:
        return music
    period = bars[-1] - bars[0]
    notes = [note for note in music.song.drums if note.onset_seconds < bars[-1] - 0.05]
    beats = music.beats[music.beats[:, 0] < bars[-1] - 0.01]
    times = range(int(seconds / period) + 2)
    drums = tuple(
        replace(n, onset_seconds=n.onset_seconds + k * period) for k in times for n in notes
    )
    return Music(
        replace(music.song, drums=drums, seconds=period * len(times)),
        np.concatenate([np.add(beats, [k * period, 0]) for k in times]),
    )


def _bar_line(music: Music, seconds: float, generator: np.random.Generator) -> float:
    """A random bar line with so many seconds after it, a little early so that it is included."""
    bars = music.beats[music.beats[:, 1] == 1, 0]
    fitting = bars[bars <= max(music.song.seconds - seconds, bars[0])]
    return float(generator.choice(fitting)) - 0.05


@cache
def _read(path: Path) -> Music | None:
    """Read a MIDI file with its beats; None for one without drums."""
    song = read_song(path, need_bass=False)
    if song is None:
        return None
    try:
        return Music(song, beats_of(path))
    except DrumkitError:
        return None


@cache
def _band_files(data: Path, split: str) -> list[Path]:
    files = []
    for name in ("bands-midi", "bands-midi-more"):
        table = data / name / "index.csv"
        if name == "bands-midi" or table.is_file():
            files += [
                data / name / r["path"]
                for r in read_index(table, "path", "split")
                if r["split"] == split
            ]
    if not files:
        raise BadDataError(f"{data}: no songs of the split {split}")
    return files


@cache
def _performance_files(data: Path, split: str) -> list[Path]:
    columns = ("midi_filename", "split", "beat_type", "duration", "time_signature")
    return [
        data / "groove" / row["midi_filename"]
        for row in read_index(data / "groove" / "info.csv", *columns)
        if row["split"] == split
        and row["beat_type"] == "beat"
        and row["time_signature"] == "4-4"
        and float(row["duration"]) > 6
    ]
