"""Songs to evaluate on: recordings in folders, or bands that are rendered from MIDI."""

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.audio.reader import AudioReader, resample
from drumkit_cli.bands.takes import INDEX_NAME, Take, load_takes, render_takes
from drumkit_cli.errors import MissingInputError
from drumkit_cli.io.annotations import read_annotations, read_beats
from drumkit_cli.io.arrays import Floats
from drumkit_cli.io.sniffing import AUDIO_SUFFIXES
from drumkit_cli.io.streams import open_input
from drumkit_cli.listening.beat_tracker import hear_beats
from drumkit_cli.spectral.onsets import MEL, SECONDS_PER_FRAME, normalised_image, onset_frames

SAME_HIT_SECONDS: Final = 0.03
"""Annotated hits closer than this are one onset."""
TAKES: Final = 10
TAKE_SECONDS: Final = 30.0
MIXED: Final = ("drums", "bass", "other", "voice")
"""Stems of a take that play together."""

Times = NDArray[np.floating]


@dataclass(frozen=True)
class Song:
    """A song to evaluate on.

    Attributes:
        name: of its folder or take.
        bass: mono samples `[N]` at `MEL.rate`.
        drums: the same of the real drums.
        mix: the same of the whole song.
        onsets: seconds of the hits of the real drums, sorted.
        beats: `[n, 2]`: seconds, number in the bar.
    """

    name: str
    bass: Floats
    drums: Floats
    mix: Floats
    onsets: Times
    beats: Times


def load_songs(data: Path) -> list[Song]:
    """The songs of a folder: recordings, rendered takes, or takes rendered from training data.

    A recording is a folder of audio files, which sum to the song: ``drums*`` and ``bass*`` (the
    first of each counts) and others, with ``class.txt`` (annotated hits; else onsets are detected)
    and ``beats.txt`` (annotated beats; else those that the ear hears). Of rendered takes the
    split "validation" counts; of a folder that `train` takes, songs of the split "test" are played.

    Raises:
        MissingInputError: the folder holds nothing of these.
        BadDataError: an audio file, an annotation or an index is damaged.
        UnavailableError: tinysoundfont is not installed, but needed.
    """
    if (data / INDEX_NAME).is_file():
        return _of_takes([take for take in load_takes(data) if take.split == "validation"][:TAKES])
    if (data / "bands-midi").is_dir():
        with tempfile.TemporaryDirectory() as folder:
            place, workers = Path(folder), os.cpu_count() or 1
            render_takes(
                data,
                place,
                takes=TAKES,
                seconds=TAKE_SECONDS,
                seed=0,
                workers=workers,
                splits=("test",),
            )
            return _of_takes(load_takes(place))
    folders = sorted(folder for folder in data.glob("*/") if _audio_files(folder, "drums"))
    if not folders:
        raise MissingInputError(f"{data}: no song folders with drums and bass")
    return [_of_recording(folder) for folder in folders]


def song_of_take(take: Take) -> Song:
    """A rendered take as a song; without beats where they are not known."""
    stems = {
        name: np.asarray(take.stems[name]).astype(np.float32) / np.float32(32768) for name in MIXED
    }
    onsets = onset_frames(normalised_image(stems["drums"])) * SECONDS_PER_FRAME
    mix = np.sum(list(stems.values()), axis=0)
    beats = np.array(take.beats, np.float64).reshape(-1, 2)
    return Song(take.name, stems["bass"], stems["drums"], mix, onsets, beats)


def _of_takes(takes: Sequence[Take]) -> list[Song]:
    if not takes:
        raise MissingInputError("no rendered bands of the split validation")
    songs = [song_of_take(take) for take in takes]
    return [s if len(s.beats) else replace(s, beats=hear_beats([s.mix], MEL.rate)) for s in songs]


def _of_recording(folder: Path) -> Song:
    files = {stem: _audio_files(folder, stem) for stem in ("drums", "bass", "")}
    if not files["bass"]:
        raise MissingInputError(f"{folder}: no bass")
    sounds = {path: load_mono(path) for path in files[""]}
    length = max(map(len, sounds.values()))
    sounds = {path: np.pad(sound, (0, length - len(sound))) for path, sound in sounds.items()}
    drums, bass = (sounds[files[stem][0]] for stem in ("drums", "bass"))
    mix = np.sum(list(sounds.values()), axis=0)
    hits, beats = folder / "class.txt", folder / "beats.txt"
    if hits.is_file():
        times = np.unique([seconds for seconds, _ in read_annotations(hits)])
        onsets = times[np.diff(times, prepend=-1.0) > SAME_HIT_SECONDS]
    else:
        onsets = onset_frames(normalised_image(drums)) * SECONDS_PER_FRAME
    known = np.array(read_beats(beats)) if beats.is_file() else hear_beats([mix], MEL.rate)
    return Song(folder.name, bass, drums, mix, onsets, known)


def load_mono(path: Path) -> Floats:
    """Mono samples at `MEL.rate`."""
    with open_input(str(path)) as source, AudioReader(source) as reader:
        mono = reader.read().mean(0, keepdims=True)
    samples: Floats = resample(mono, reader.rate, MEL.rate)[0]
    return samples


def _audio_files(folder: Path, stem: str) -> list[Path]:
    """The audio files whose names start with a stem's, sorted."""
    return sorted(
        path
        for path in folder.glob(f"{stem}*")
        if path.suffix.lower() in AUDIO_SUFFIXES and path.is_file()
    )
