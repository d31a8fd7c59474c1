"""Songs to train on: onset curves of their bass, snare and kick, rendered once.

Multi-track MIDI songs are played by random instruments, bass, snare and kick apart, so that onset
curves come from audio, as in the paper; beats and downbeats come from the songs' meters.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import soxr

from drumkit_cli import console
from drumkit_cli.bands import effects
from drumkit_cli.bands.instruments import RATE as BAND_RATE
from drumkit_cli.bands.instruments import Instrument, Note, Samples
from drumkit_cli.bands.midi_songs import Song, read_song
from drumkit_cli.bands.rendering import draw_kit, play_bass
from drumkit_cli.errors import BadDataError, DrumkitError, MissingInputError
from drumkit_cli.io import streams
from drumkit_cli.io.arrays import Floats
from drumkit_cli.io.extras import require_extra
from drumkit_cli.kick.curves import Times, beat_curve, frame_count, note_curve
from drumkit_cli.learning.index_files import read_index
from drumkit_cli.midi.drum_maps import KICK_PITCHES, SNARE_PITCHES
from drumkit_cli.midi.files import read_midi
from drumkit_cli.spectral.onset_strength import RATE, onset_strength

FOLDERS: Final = ("bands-midi", "bands-midi-more", "modules-midi")
ROWS: Final = (
    "snare",
    "bass",
    "beat",
    "downbeat",
    "kick",
    "snare notes",
    "bass notes",
    "kick notes",
)
"""Rows of a song's array: curves from audio, and what `note_curve` makes of its notes."""
SECONDS: Final = 60.0
"""Longest excerpt of a song."""
LEAST_HITS: Final = 8
LICENCES: Final = (
    "multi-track MIDI (BSD-3-Clause, Artistic 1.0, GPL-2.0, CC BY 4.0, CC0), rendered with "
    "soundfonts and samples; see weights/MODELS.md"
)


@dataclass(frozen=True)
class KickSong:
    """The curves of a song, `[8, T]` in the order of `ROWS`, not standardised, and its kick hits.

    `kicks` are the onsets in seconds.
    """

    name: str
    split: str
    curves: Floats
    kicks: Times
    beats: Times


def load_songs(
    data: Path, cache: Path, splits: Sequence[str], *, most: int | None = None
) -> list[KickSong]:
    """The songs of some splits ("train", "validation", "test"), rendered where they are not yet.

    Args:
        data: the folder with those of `FOLDERS` that there are.
        cache: folder of the rendered curves, some 100 kB a song.
        splits: which songs.
        most: take at most so many songs, drawn at random, but always the same.

    Raises:
        MissingInputError: there is no index, or a part of the data is missing.
        UnavailableError: tinysoundfont is not installed.
        BadDataError: an index is damaged, or no song has bass, snare and kick.
    """
    for part in ("soundfonts", "acoustic-kit", "oneshots", "electric-bass"):
        if not (data / part).is_dir():
            raise MissingInputError(f"{data}: no folder {part}", "see CONTRIBUTING.md for the data")
    require_extra("render", "rendering songs")
    rows = [(path, split) for path, split in _song_paths(data) if split in splits]
    order = np.random.default_rng(0).permutation(len(rows))
    found: list[KickSong] = []
    with console.progress(len(rows), "rendering songs") as bar:
        for path, split in (rows[i] for i in order):
            if len(found) == most:
                break
            name = f"{path.parent.name}-{path.stem}"
            place = cache / f"{name}.npz"
            if not place.is_file():
                _save(place, _render(path, name, split, data))
            song = _load(place, name, split)
            if song is not None:
                found.append(song)
            bar.advance(1)
    if not found:
        raise BadDataError(f"{data}: no song with bass, snare and kick could be rendered")
    return found


def _song_paths(data: Path) -> list[tuple[Path, str]]:
    """The songs' files with their splits; of the modules those that anybody may train on."""
    found: list[tuple[Path, str]] = []
    for folder in FOLDERS:
        table = data / folder / "index.csv"
        if folder != FOLDERS[0] and not table.is_file():
            continue
        found += [
            (data / folder / row["path"], row["split"])
            for row in read_index(table, "path", "split")
            if row.get("grade", "A") == "A"
        ]
    return found


def _render(path: Path, name: str, split: str, data: Path) -> KickSong | None:
    """Play an excerpt of a song; None where bass, snare or kick hardly play in it."""
    song = read_song(path)
    if song is None:
        return None
    generator = np.random.default_rng(zlib.crc32(name.encode()))
    seconds = min(song.seconds, SECONDS)
    start = float(generator.uniform(0, song.seconds - seconds))
    bass, snare, kick = (
        _cut(notes, start, seconds)
        for notes in (song.bass, _drums(song, SNARE_PITCHES), _drums(song, KICK_PITCHES))
    )
    if min(len(bass), len(snare), len(kick)) < LEAST_HITS:
        return None
    try:
        pretty = read_midi(path.read_bytes(), path.name).to_pretty_midi()
        beats, downbeats = pretty.get_beats() - start, pretty.get_downbeats() - start
    except (DrumkitError, ValueError, IndexError):
        return None
    _, kit = draw_kit(data, generator)
    samples = int(seconds * BAND_RATE)
    played = (
        _studio(kit, snare, samples, generator),
        play_bass(bass, data, samples, generator),
        _studio(kit, kick, samples, generator),
    )
    frames = frame_count(seconds)
    snare_curve, bass_curve, kick_curve = (_heard(stem, frames) for stem in played)
    curves = [
        snare_curve,
        bass_curve,
        beat_curve(beats, frames),
        beat_curve(downbeats, frames),
        kick_curve,
        *(_written(notes, frames) for notes in (snare, bass, kick)),
    ]
    kicks = np.unique([note.onset_seconds for note in kick])
    inside = beats[(beats >= 0) & (beats < seconds)]
    return KickSong(name, split, np.stack(curves), kicks, inside)


def _drums(song: Song, pitches: frozenset[int]) -> list[Note]:
    return [note for note in song.drums if note.pitch in pitches]


def _cut(notes: Sequence[Note], start: float, seconds: float) -> list[Note]:
    return [
        Note(n.onset_seconds - start, n.duration_seconds, n.pitch, n.velocity)
        for n in notes
        if start <= n.onset_seconds < start + seconds
    ]


def _studio(
    kit: Instrument, notes: Sequence[Note], samples: int, generator: np.random.Generator
) -> Samples:
    """Some drums of a kit, some of them compressed and in a room."""
    sound = kit.play(notes, samples)
    if generator.random() < 0.4:
        sound = effects.compress(sound, BAND_RATE, generator.uniform(-25, -8), 3)
    if generator.random() < 0.3:
        wet = generator.uniform(0.05, 0.4)
        sound = effects.room(sound, BAND_RATE, generator, generator.uniform(0.15, 0.8), wet)
    return sound


def _heard(sound: Samples, frames: int) -> Floats:
    """The onset strength of a played stem."""
    strength = onset_strength([np.asarray(soxr.resample(sound, BAND_RATE, RATE), np.float32)])
    return np.pad(strength, (0, max(frames - len(strength), 0)))[:frames]


def _written(notes: Sequence[Note], frames: int) -> Floats:
    onsets = np.array([note.onset_seconds for note in notes])
    return note_curve(onsets, np.array([note.velocity / 127 for note in notes]), frames)


def _save(place: Path, song: KickSong | None) -> None:
    """Write the curves at half precision; an empty file for a song that cannot be used."""
    import io

    buffer = io.BytesIO()
    if song is not None:
        scale = np.abs(song.curves).max(1, keepdims=True).clip(1e-9)
        curves = (song.curves / scale).astype(np.float16)
        np.savez_compressed(buffer, curves=curves, kicks=song.kicks, beats=song.beats)
    place.parent.mkdir(parents=True, exist_ok=True)
    with streams.open_output(str(place)) as file:
        file.write(buffer.getvalue())


def _load(place: Path, name: str, split: str) -> KickSong | None:
    if not place.stat().st_size:
        return None
    try:
        with np.load(place, allow_pickle=False) as stored:
            curves = stored["curves"].astype(np.float32)
            return KickSong(name, split, curves, stored["kicks"], stored["beats"])
    except (OSError, ValueError, KeyError) as error:
        raise BadDataError(f"{place}: damaged", "delete it") from error
