"""Recordings whose kicks and beats are annotated, a folder a song.

A song has `bass` and `drums` as audio files, `class.txt` with a line a hit (seconds, and KD for a
kick) and `beats.txt` (seconds, number in the bar): the layout of MDB Drums (C. Southall et al.,
ISMIR 2017, late breaking).
"""

from pathlib import Path

import numpy as np

from drumkit_cli.audio.reader import AudioReader
from drumkit_cli.errors import MissingInputError
from drumkit_cli.io.annotations import read_annotations, read_beats
from drumkit_cli.io.arrays import Floats
from drumkit_cli.io.sniffing import AUDIO_SUFFIXES
from drumkit_cli.io.streams import open_input
from drumkit_cli.kick.context import strength_of
from drumkit_cli.kick.curves import beat_curve, note_curve
from drumkit_cli.kick.data import KickSong
from drumkit_cli.kick.ear import hear_snare


def read_recordings(data: Path) -> list[KickSong]:
    """The songs of a folder with bass, drums and annotated kicks; none where it has no such.

    Raises:
        BadDataError: an audio file or an annotation is damaged.
        MissingInputError: a recording lacks bass or drums.
    """
    folders = sorted(path.parent for path in data.glob("*/class.txt"))
    return [_read(folder) for folder in folders if (folder / "beats.txt").is_file()]


def _read(folder: Path) -> KickSong:
    bass = strength_of(*_stem(folder, "bass"))
    frames = len(bass)
    snare = hear_snare(*_stem(folder, "drums"), frames)
    beats = np.array(read_beats(folder / "beats.txt"))
    kicks = np.array(
        [time for time, code in read_annotations(folder / "class.txt") if code == "KD"]
    )
    curves = [
        snare,
        bass,
        beat_curve(beats[:, 0], frames),
        beat_curve(beats[beats[:, 1] == 1, 0], frames),
        note_curve(kicks, np.ones(len(kicks)), frames),
    ]
    return KickSong(folder.name, "recordings", np.stack(curves), np.sort(kicks), beats[:, 0])


def _stem(folder: Path, stem: str) -> tuple[list[Floats], int]:
    """The mono samples of a stem, and their rate."""
    for path in sorted(folder.glob(f"{stem}.*")):
        if path.suffix in AUDIO_SUFFIXES:
            with open_input(str(path)) as source, AudioReader(source) as reader:
                return [reader.read().mean(0)], reader.rate
    raise MissingInputError(f"{folder}: no {stem}")
