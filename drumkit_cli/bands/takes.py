"""Rendered bands: multi-track MIDI turned into aligned stems to train on.

A take is some seconds of one song played by one randomly chosen band: kit, bass, instruments,
amplifiers, room. Takes lie in a folder as int16 arrays that training maps into memory.

A take's stems are "drums", "bass", "other" and "voice" (a voice-like source that sings another
part of the song: the MIDI files have no singing), all aligned, and "played": drums of another,
human performance of the Groove MIDI Dataset, not aligned with the rest.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from lightning_fabric import Fabric
from numpy.typing import NDArray

from drumkit_cli import console
from drumkit_cli.bands import effects, instruments
from drumkit_cli.bands.instruments import RATE, Note, Samples, read_table
from drumkit_cli.errors import BadDataError, MissingInputError, UnavailableError, UsageError
from drumkit_cli.io import streams
from drumkit_cli.learning.training import Run

LICENCES = (
    "rendered from bands-midi (BSD-3, Artistic, GPL-2, CC BY 4.0), Groove MIDI Dataset "
    "(CC BY 4.0), FluidR3 and MuseScore General (MIT), GeneralUser GS, MuldjordKit (CC BY 4.0), "
    "electric bass (CC0), one-shots (CC0, CC BY, CC BY-SA, MIT, BSD, Apache, GPL)"
)
INDEX_NAME = "index.json"
STEMS = ("drums", "bass", "other", "voice", "played")
FONTS = ("FluidR3_GM", "GeneralUser_GS_v1.471", "MuseScore_General_v0.2")
BASS_PROGRAMS = range(32, 40)
GUITAR_PROGRAMS = range(24, 32)
EFFECT_PROGRAMS = range(120, 128)


@dataclass(frozen=True)
class Band:
    """One take.

    Attributes:
        name: of the take.
        song: the MIDI file, so that takes of one song stay on one side of a split.
        split: "train", "validation" or "test".
        tempo_bpm: of the take.
        rate: of the stems in Hz.
        stems: name -> int16 `[N]`, memory-mapped.
    """

    name: str
    song: str
    split: str
    tempo_bpm: float
    rate: int
    stems: dict[str, NDArray[np.int16]]


@dataclass(frozen=True)
class Song:
    """The parts of a multi-track MIDI file."""

    drums: tuple[Note, ...]
    bass: tuple[Note, ...]
    parts: tuple[tuple[int, tuple[Note, ...]], ...]  # (program, notes)
    seconds: float


def load_bands(folder: Path) -> list[Band]:
    """Map the takes of a rendered folder into memory.

    Raises:
        MissingInputError: nothing was rendered there, or not to the end.
        BadDataError: its index is damaged.
    """
    takes = _read_index(folder).get("takes")
    if not takes:
        raise MissingInputError(f"{folder}: no rendered bands", "render them with drumkit train")
    bands = []
    for take in takes:
        stems = np.load(folder / f"{take['name']}.npy", mmap_mode="r")
        bands.append(Band(**take, rate=RATE, stems=dict(zip(STEMS, stems, strict=True))))
    return bands


def bands_of_run(data: Path, run: Run, fabric: Fabric, takes: int, seconds: float) -> list[Band]:
    """The bands to train on: rendered once into the run's folder, by one of its processes.

    A data folder that holds rendered takes itself is used as it is.

    Raises:
        DrumkitError: as `render_bands`.
    """
    if (data / INDEX_NAME).is_file():
        return load_bands(data)
    folder = run.folder / "bands"
    if fabric.is_global_zero:
        workers = run.threads or os.cpu_count() or 1
        render_bands(data, folder, takes=takes, seconds=seconds, seed=run.seed, workers=workers)
    fabric.barrier()
    return load_bands(folder)


def render_bands(
    data: Path, folder: Path, *, takes: int, seconds: float, seed: int, workers: int = 1
) -> None:
    """Render `takes` takes, as many of them validation as the songs' split gives.

    The index says what made the takes, from the first of them on, and lists them once all are
    there: then nothing is left to do. An index that does not say it is taken as it is.

    Args:
        data: a folder with `bands-midi`, `groove`, `soundfonts`, `acoustic-kit`, `oneshots`
            and `electric-bass`.
        folder: where the takes go; those that are there are kept.
        takes: how many.
        seconds: length of each.
        seed: of every choice; take i is the same whatever `takes` is.
        workers: processes.

    Raises:
        UsageError: the folder holds takes that something else made.
        MissingInputError: a part of the data is not there.
        UnavailableError: tinysoundfont is not installed.
        BadDataError: no song could be used, or a table of the data lacks a column.
    """
    made_by = {"takes": takes, "seconds": seconds, "seed": seed, "data": data.resolve().name}
    index = _read_index(folder)
    if index.get("made_by", made_by) != made_by:
        raise UsageError(
            f"{folder} holds bands of another recipe", "take another --run-dir, or delete it"
        )
    if index.get("takes"):
        return
    for part in ("bands-midi", "groove", "soundfonts", "acoustic-kit", "oneshots", "electric-bass"):
        if not (data / part).is_dir():
            raise MissingInputError(f"{data}: no folder {part}", "see CONTRIBUTING.md for the data")
    if find_spec("tinysoundfont") is None:
        raise UnavailableError(
            "tinysoundfont is not installed", "pip install --no-deps tinysoundfont"
        )
    folder.mkdir(parents=True, exist_ok=True)
    _write_index(folder, made_by, [])
    done = _render_all([(data, folder, seconds, seed, i) for i in range(takes)], workers)
    if not done:
        raise BadDataError(f"{data}: no song with drums and bass could be rendered")
    _write_index(folder, made_by, done)


def render_take(
    song: Song,
    performance: Sequence[Note],
    data: Path,
    seconds: float,
    generator: np.random.Generator,
) -> dict[str, Samples]:
    """Play a song's parts, and a drum performance, with one random band; see STEMS."""
    frames = int(seconds * RATE)
    drums = _play_drums(song.drums, data, frames, generator)
    played = _play_drums(performance, data, frames, generator)
    bass = _play_bass(song.bass, data, frames, generator)
    other = np.zeros(frames, np.float32)
    for program, notes in song.parts:
        other += _play_part(program, notes, data, frames, generator)
    voice = _sing(song, frames, generator)
    return {
        "drums": drums,
        "bass": bass,
        "other": effects.normalise(other, -20),
        "voice": voice,
        "played": played,
    }


def _read_index(folder: Path) -> dict[str, Any]:
    """The index of a folder of takes; {} when there is none."""
    path = folder / INDEX_NAME
    if not path.is_file():
        return {}
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BadDataError(f"{path}: not an index of bands ({error})", "delete it") from error
    if not isinstance(index, dict):
        raise BadDataError(f"{path}: not an index of bands", "delete it")
    return index


def _write_index(
    folder: Path, made_by: dict[str, object], takes: Sequence[dict[str, object]]
) -> None:
    index = {"made_by": made_by, "takes": takes}
    streams.write_text(json.dumps(index, indent=1) + "\n", str(folder / INDEX_NAME))


def _render_all(
    jobs: Sequence[tuple[Path, Path, float, int, int]], workers: int
) -> list[dict[str, object]]:
    done = []
    with (
        console.progress(len(jobs), "rendering bands") as bar,
        ProcessPoolExecutor(workers, initializer=_ignore_interrupts) as pool,
    ):
        try:
            for entry in pool.map(_render_job, jobs):
                bar.advance(1)
                if entry:
                    done.append(entry)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return done


def _ignore_interrupts() -> None:
    """Ctrl-C reaches every process of a terminal: leave it to the one that waits for the rest."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _render_job(job: tuple[Path, Path, float, int, int]) -> dict[str, object] | None:
    """Render take `number` into its file; its index entry, None when its song is unusable."""
    data, folder, seconds, seed, number = job
    generator = np.random.default_rng([seed, number])
    songs = _song_table(data)
    row = songs[number % len(songs)]
    song = _read_song(data / "bands-midi" / row["path"])
    if song is None:
        return None
    tempo_factor = float(2 ** generator.uniform(-0.2, 0.2))
    transpose = int(generator.integers(-3, 4))
    latest = max(song.seconds - seconds * tempo_factor, 0)
    start = float(generator.uniform(0, latest))
    song = _excerpt(song, start, seconds, tempo_factor, transpose)
    if len(song.drums) < seconds / 4 or len(song.bass) < seconds / 4:
        return None
    name = f"take{number:05d}"
    path = folder / f"{name}.npy"
    if not path.exists():
        performance = _performance(data, row["split"], seconds, generator)
        stems = render_take(song, performance, data, seconds, generator)
        peak = max(float(np.abs(stem).max()) for stem in stems.values())
        block = np.stack([stems[stem] for stem in STEMS]) * (32_000 / max(peak, 1e-6))
        with streams.open_output(str(path)) as file:
            np.save(file, np.round(block).astype(np.int16))
    tempo = float(row["tempo"] or 120) / tempo_factor
    return {"name": name, "song": row["path"], "split": row["split"], "tempo_bpm": round(tempo, 2)}


def _play_drums(
    notes: Sequence[Note], data: Path, frames: int, generator: np.random.Generator
) -> Samples:
    kind = generator.choice(["acoustic", "one-shots", "font"], p=[0.5, 0.3, 0.2])
    kit: instruments.Instrument
    if kind == "acoustic":
        kit = instruments.acoustic_kit(data, generator)
    elif kind == "one-shots":
        kit = instruments.one_shot_kit(data, generator)
    else:
        kit = _font(data, 128, generator, drums=True)
    drums = kit.play(notes, frames)
    if generator.random() < 0.5:
        drums = effects.equalise(drums, RATE, generator, 2.5)
    if generator.random() < 0.6:
        drums = effects.compress(drums, RATE, generator.uniform(-25, -8), generator.uniform(1.5, 5))
    if generator.random() < 0.3:
        drums = effects.drive(drums, generator.uniform(0, 14))
    if generator.random() < 0.6:
        wet = generator.uniform(0.05, 0.6)
        drums = effects.room(drums, RATE, generator, generator.uniform(0.15, 1.5), wet)
    return effects.normalise(drums, -18)


def _play_bass(
    notes: Sequence[Note], data: Path, frames: int, generator: np.random.Generator
) -> Samples:
    kind = generator.choice(["electric", "font", "synth"], p=[0.45, 0.35, 0.2])
    player: instruments.Instrument
    if kind == "electric":
        player = instruments.ElectricBass(data, generator)
    elif kind == "synth":
        player = instruments.SynthBass(generator)
    else:
        program = int(generator.choice([32, 33, 33, 34, 34, 35, 36, 37, 38, 39]))
        player = _font(data, program, generator)
    bass = player.play(_humanised(notes, generator), frames)
    if generator.random() < 0.6:
        bass = effects.drive(bass, generator.uniform(0, 22), generator.uniform(0, 0.2))
    if generator.random() < 0.6:
        bass = effects.band_pass(
            bass, RATE, generator.uniform(20, 60), generator.uniform(700, 6000)
        )
    if generator.random() < 0.5:
        bass = effects.equalise(bass, RATE, generator, 2.5)
    if generator.random() < 0.5:
        bass = effects.compress(bass, RATE, generator.uniform(-20, -6), generator.uniform(2, 6))
    return effects.normalise(bass, -20)


def _play_part(
    program: int, notes: Sequence[Note], data: Path, frames: int, generator: np.random.Generator
) -> Samples:
    """One part of the rest: its own program or another of its family, with its own effects."""
    if program in EFFECT_PROGRAMS:
        program = int(generator.integers(0, 8))
    draw = generator.random()
    if draw < 0.35:
        program = program // 8 * 8 + int(generator.integers(8))
    elif draw < 0.6:  # more guitars, pianos and organs than games have
        program = int(generator.choice([0, 1, 4, 16, 18, 24, 25, 26, 27, 27, 28, 29, 30]))
    part = _font(data, program, generator).play(_humanised(notes, generator), frames)
    if program in GUITAR_PROGRAMS and program >= 26:
        if generator.random() < 0.6:
            part = instruments.overdriven_guitar(part, generator)
        if generator.random() < 0.5:
            part = instruments.double_track(part, generator)
    elif generator.random() < 0.15:
        part = effects.drive(part, generator.uniform(0, 18))
    if generator.random() < 0.4:
        part = effects.equalise(part, RATE, generator, 2.5)
    if generator.random() < 0.4:
        wet = generator.uniform(0.1, 0.8)
        part = effects.room(part, RATE, generator, generator.uniform(0.2, 2.0), wet)
    return effects.normalise(part, float(generator.normal(-22, 4)))


def _sing(song: Song, frames: int, generator: np.random.Generator) -> Samples:
    """A voice on the most melodic part, moved into a singer's range; some phrases are left out."""
    source: Sequence[Note] = max(
        (notes for _, notes in song.parts),
        key=lambda notes: _melodiousness(notes),
        default=song.bass,
    )
    centre = float(np.median([note.pitch for note in source])) if source else 60
    octaves = 12 * round((generator.choice([52, 57, 62, 66]) - centre) / 12)
    melody: list[Note] = []
    end = 0.0
    for note in source:
        if note.onset_seconds >= end - 0.02 and generator.random() < 0.8:
            seconds = max(note.duration_seconds, 0.1) * generator.uniform(0.8, 1.4)
            melody.append(replace(note, pitch=note.pitch + octaves, duration_seconds=seconds))
            end = note.onset_seconds + seconds
    voice = instruments.Voice(generator).play(melody, frames)
    voice = effects.equalise(voice, RATE, generator, 2.0)
    if generator.random() < 0.5:
        voice = effects.compress(voice, RATE, -20, 3)
    if generator.random() < 0.6:
        voice = effects.room(
            voice, RATE, generator, generator.uniform(0.2, 2.0), generator.uniform(0.05, 0.5)
        )
    return effects.normalise(voice, -20)


def _melodiousness(notes: Sequence[Note]) -> float:
    """High and one note at a time."""
    if not notes:
        return -1.0
    alone = len({round(note.onset_seconds, 2) for note in notes}) / len(notes)
    is_high = bool(np.median([note.pitch for note in notes]) > 52)
    return alone * min(len(notes), 100) / 100 * is_high


def _humanised(notes: Sequence[Note], generator: np.random.Generator) -> list[Note]:
    """Onsets off the grid by some milliseconds, velocities by some steps."""
    spread = generator.uniform(0, 0.012)
    return [
        replace(
            note,
            onset_seconds=max(note.onset_seconds + float(generator.normal(0, spread)), 0.0),
            velocity=int(np.clip(note.velocity + generator.normal(0, 6), 1, 127)),
        )
        for note in notes
    ]


def _font(
    data: Path, program: int, generator: np.random.Generator, *, drums: bool = False
) -> instruments.SoundFont:
    """A soundfont that has the program (not every collection has all of them)."""
    paths = [data / "soundfonts" / font / f"{program:03d}.sf3" for font in FONTS]
    there = [path for path in paths if path.is_file()]
    for index in generator.permutation(len(there)):
        try:
            return instruments.SoundFont(there[index], program, drums=drums)
        except RuntimeError:  # a few files lack the preset that they are named after
            continue
    raise BadDataError(f"{data}: no soundfont plays program {program}")


def _excerpt(song: Song, start: float, seconds: float, tempo_factor: float, transpose: int) -> Song:
    """The notes from `start` on, played slower by 1/`tempo_factor`, moved to time zero."""

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


def _performance(
    data: Path, split: str, seconds: float, generator: np.random.Generator
) -> list[Note]:
    """An excerpt of a drummer's performance of the same split, looped when it is short."""
    rows = _performance_table(data, split)
    row = rows[int(generator.integers(len(rows)))]
    song = _read_song(data / "groove" / row, need_bass=False)
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
def _song_table(data: Path) -> list[dict[str, str]]:
    """All songs in an order that mixes the sources, without those held out as test."""
    table = read_table(data / "bands-midi" / "index.csv", "path", "split", "tempo")
    rows = [row for row in table if row["split"] != "test"]
    order = np.random.default_rng(0).permutation(len(rows))
    return [rows[i] for i in order]


@cache
def _performance_table(data: Path, split: str) -> list[str]:
    columns = ("midi_filename", "split", "beat_type", "duration")
    return [
        row["midi_filename"]
        for row in read_table(data / "groove" / "info.csv", *columns)
        if row["split"] == split and row["beat_type"] == "beat" and float(row["duration"]) > 4
    ]


@cache
def _read_song(path: Path, *, need_bass: bool = True) -> Song | None:
    """The parts of a MIDI file; None when it has no drums, or no bass where it is needed."""
    from drumkit_cli.midi.files import read_midi

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
