"""Folders of rendered takes, with an index; training maps them into memory.

A take is some seconds of one song played by one random band: an int16 array `[stems, N]`. The stems
"drums", "bass", "other" and "voice" (a synthetic voice that sings a part of the song) are aligned;
"played" is a human performance of the Groove MIDI Dataset, not aligned with them.
"""

import json
import os
import signal
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from lightning_fabric import Fabric
from numpy.typing import NDArray

from drumkit_cli import console
from drumkit_cli.bands import midi_songs
from drumkit_cli.bands.instruments import RATE
from drumkit_cli.bands.rendering import STEMS, render_take
from drumkit_cli.errors import BadDataError, MissingInputError, UsageError
from drumkit_cli.io import streams
from drumkit_cli.io.extras import require_extra
from drumkit_cli.learning.training import Run

LICENCES = (
    "rendered from bands-midi (BSD-3, Artistic, GPL-2, CC BY 4.0), Groove MIDI Dataset "
    "(CC BY 4.0), FluidR3 and MuseScore General (MIT), GeneralUser GS, MuldjordKit (CC BY 4.0), "
    "electric bass (CC0), one-shots (CC0, CC BY, CC BY-SA, MIT, BSD, Apache, GPL)"
)

INDEX_NAME = "index.json"
TRAINING_SPLITS = ("train", "validation")

Job = tuple[Path, Path, tuple[str, ...], float, int, int]
"""Data, folder, splits, seconds of a take, seed and number of the take."""


@dataclass(frozen=True)
class Take:
    """One rendered take.

    Attributes:
        name: name of its file, without suffix.
        song: the MIDI file that was played.
        split: split of the song: "train" or "validation".
        tempo_bpm: tempo as rendered.
        rate: sample rate, Hz.
        stems: name of a stem to int16 `[N]`, memory-mapped.
        beats: seconds and number in the bar of each beat; none where they are not known.
    """

    name: str
    song: str
    split: str
    tempo_bpm: float
    rate: int
    stems: dict[str, NDArray[np.int16]]
    beats: Sequence[tuple[float, float]] = ()


def load_takes(folder: Path) -> list[Take]:
    """Map the takes of a rendered folder into memory.

    Raises:
        MissingInputError: it holds no takes, or their rendering was not finished.
        BadDataError: its index is damaged.
    """
    takes = _read_index(folder).get("takes")
    if not takes:
        raise MissingInputError(f"{folder}: no rendered bands", "render them with drumkit train")
    bands = []
    for take in takes:
        stems = np.load(folder / f"{take['name']}.npy", mmap_mode="r")
        bands.append(Take(**take, rate=RATE, stems=dict(zip(STEMS, stems, strict=True))))
    return bands


def takes_of_run(data: Path, run: Run, fabric: Fabric, takes: int, seconds: float) -> list[Take]:
    """The takes to train a run on, rendered into its folder by one of its processes if need be.

    A data folder that holds rendered takes itself is loaded as it is.

    Raises:
        DrumkitError: as `render_takes`.
    """
    if (data / INDEX_NAME).is_file():
        return load_takes(data)
    folder = run.folder / "bands"
    if fabric.is_global_zero:
        workers = run.threads or os.cpu_count() or 1
        render_takes(data, folder, takes=takes, seconds=seconds, seed=run.seed, workers=workers)
    fabric.barrier()
    return load_takes(folder)


def render_takes(
    data: Path,
    folder: Path,
    *,
    takes: int,
    seconds: float,
    seed: int,
    workers: int = 1,
    splits: tuple[str, ...] = TRAINING_SPLITS,
) -> None:
    """Render takes into a folder; an interrupted rendering is continued.

    The index records the parameters from the start, and lists the takes once all are rendered.

    Args:
        data: folder with `bands-midi`, `groove`, `soundfonts`, `acoustic-kit`, `oneshots` and
            `electric-bass`.
        folder: output folder; takes that it holds are kept.
        takes: number of takes; songs that cannot be used leave fewer.
        seconds: length of each take.
        seed: seed of all random choices; take i does not depend on `takes`.
        workers: number of processes.
        splits: those whose songs are played.

    Raises:
        UsageError: the folder holds takes of other parameters.
        MissingInputError: a part of the data is missing.
        UnavailableError: tinysoundfont is not installed.
        BadDataError: no song could be used, or an index of the data lacks a column.
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
    require_extra("render", "rendering bands")
    folder.mkdir(parents=True, exist_ok=True)
    _write_index(folder, made_by, [])
    done = _render_all([(data, folder, splits, seconds, seed, i) for i in range(takes)], workers)
    if not done:
        raise BadDataError(f"{data}: no song with drums and bass could be rendered")
    _write_index(folder, made_by, done)


def _read_index(folder: Path) -> dict[str, Any]:
    """The index of a folder of takes; empty when there is none."""
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


def _render_all(jobs: Sequence[Job], workers: int) -> list[dict[str, object]]:
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
    """Let the main process alone handle Ctrl-C, which reaches every process of a terminal."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _render_job(job: Job) -> dict[str, object] | None:
    """Render one take into its file and return its index entry; None when its song is unusable."""
    data, folder, splits, seconds, seed, number = job
    generator = np.random.default_rng([seed, number])
    table = midi_songs.song_table(data, splits)
    row = table[number % len(table)]
    source = data / "bands-midi" / row["path"]
    song = midi_songs.read_song(source)
    if song is None:
        return None
    tempo_factor = float(2 ** generator.uniform(-0.2, 0.2))
    transpose = int(generator.integers(-3, 4))
    latest = max(song.seconds - seconds * tempo_factor, 0)
    start = float(generator.uniform(0, latest))
    song = midi_songs.excerpt(song, start, seconds, tempo_factor, transpose)
    if len(song.drums) < seconds / 4 or len(song.bass) < seconds / 4:
        return None
    name = f"take{number:05d}"
    path = folder / f"{name}.npy"
    if not path.exists():
        performance = midi_songs.draw_performance(data, row["split"], seconds, generator)
        stems = render_take(song, performance, data, seconds, generator)
        peak = max(float(np.abs(stem).max()) for stem in stems.values())
        block = np.stack([stems[stem] for stem in STEMS]) * (32_000 / max(peak, 1e-6))
        with streams.open_output(str(path)) as file:
            np.save(file, np.round(block).astype(np.int16))
    beats = midi_songs.cut_beats(midi_songs.beats_of(source), start, seconds, tempo_factor)
    return {
        "name": name,
        "song": row["path"],
        "split": row["split"],
        "tempo_bpm": round(float(row["tempo"] or 120) * tempo_factor, 2),
        "beats": [(round(float(time), 4), int(number)) for time, number in beats],
    }
