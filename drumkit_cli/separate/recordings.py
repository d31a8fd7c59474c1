"""Recorded stems to train on beside rendered bands: songs, guitars and sung notes.

They are decoded once, to mono int16 arrays at the rate of the takes, which training maps into
memory.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
from lightning_fabric import Fabric
from numpy.typing import NDArray

from drumkit_cli import console
from drumkit_cli.audio.reader import resample
from drumkit_cli.bands import effects
from drumkit_cli.bands.instruments import RATE
from drumkit_cli.io.sniffing import AUDIO_SUFFIXES
from drumkit_cli.io.streams import open_output
from drumkit_cli.learning.index_files import read_index

SOURCES: Final = ("drums", "bass", "other", "vocals")
SONGS: Final = ("evr-stems", "lmms-stems", "modules-stems")
"""Folders of songs, each a folder of audio files "drums", "bass", "other" and "vocals"."""
GUITARS: Final = "guitar-stems"
NOTES: Final = "voice-notes"
HELD_OUT: Final = ("5.Rubidium",)
"""Songs that are left for evaluation."""
LICENCES: Final = (
    "everythingisremixed (CC0), LMMS demo songs (CC BY-SA, Artistic, BSD-2), tracker modules "
    "(BSD-3, CC0, CC BY, GPL, public domain), guitars of fretsonfire-songs (CC BY-SA 3.0, MIT), "
    "sung vowels"
)

RMS_DB: Final = -26.0
"""Level of the arrays re full scale: some 6 dB below that of the takes, for the highest peaks."""
_VALIDATION_SHARE: Final = 0.12
"""The end of each recording that is kept for validation."""


@dataclass(frozen=True)
class Recording:
    """The stems of a song, or of one source alone ("guitar", "notes").

    Attributes:
        stems: name of a stem to int16 `[N]`, memory-mapped and aligned.
        rate: sample rate, Hz.
    """

    stems: Mapping[str, NDArray[np.int16]]
    rate: int = RATE


def recordings_of_run(data: Path, folder: Path, fabric: Fabric) -> list[Recording]:
    """The recordings of a data folder, decoded into `folder` by one process where need be.

    Those of `SONGS`, `GUITARS` and `NOTES` that are there; a song without a bass apart has no
    "other", which holds its bass.

    Raises:
        DrumkitError: an index or an audio file is damaged.
    """
    sources = _sources(data)
    if fabric.is_global_zero:
        with console.progress(len(sources), "decoding recordings") as bar:
            for name, files in sources.items():
                if not (folder / f"{name}.npy").is_file():
                    _decode(files, folder / f"{name}.npy")
                bar.advance(1)
    fabric.barrier()
    stems: dict[str, dict[str, NDArray[np.int16]]] = {}
    for name in sources:
        song, stem = name.rsplit("--", 1)
        stems.setdefault(song, {})[stem] = np.load(folder / f"{name}.npy", mmap_mode="r")
    return [Recording(parts) for parts in stems.values()]


def part(recordings: Sequence[Recording], *, validation: bool) -> list[Recording]:
    """The beginnings of recordings, to train on, or their ends, to validate on."""

    def cut(samples: NDArray[np.int16]) -> NDArray[np.int16]:
        at = int(len(samples) * (1 - _VALIDATION_SHARE))
        return samples[at:] if validation else samples[:at]

    return [
        Recording({stem: cut(samples) for stem, samples in recording.stems.items()})
        for recording in recordings
    ]


def _sources(data: Path) -> dict[str, list[Path]]:
    """The audio files of each array by its name: song and stem, joined by "--"."""
    sources: dict[str, list[Path]] = {}
    for folder in SONGS:
        for song in sorted((data / folder).glob("*/")):
            if song.name not in HELD_OUT:
                files = {file.stem: file for file in _audio_files(song)}
                names = SOURCES if "bass" in files else ("drums", "vocals")
                sources |= {f"{folder}--{song.name}--{n}": [files[n]] for n in names if n in files}
    if (data / GUITARS).is_dir():
        for row in read_index(data / GUITARS / "index.csv", "path", "guitar_only"):
            if row["guitar_only"] == "yes":
                file = data / GUITARS / row["path"]
                sources[f"{GUITARS}--{file.stem}--guitar"] = [file]
    if (data / NOTES).is_dir():
        for row in read_index(data / NOTES / "index.csv", "file", "ensemble", "voice"):
            name = f"{NOTES}--{row['voice']} {row['ensemble']}--notes"
            sources.setdefault(name, []).append(data / NOTES / row["file"])
    return sources


def _audio_files(folder: Path) -> Iterator[Path]:
    return (file for file in sorted(folder.iterdir()) if file.suffix in AUDIO_SUFFIXES)


def _decode(files: Sequence[Path], output: Path) -> None:
    """Write sounds, one after the other, as an int16 array at `RATE` and `RMS_DB`."""
    sounds = []
    for file in files:
        samples, rate = soundfile.read(file, dtype="float32", always_2d=True)
        sounds.append(resample(samples.T.mean(0, keepdims=True), rate, RATE)[0])
    levelled = effects.normalise(np.concatenate(sounds), RMS_DB)
    output.parent.mkdir(parents=True, exist_ok=True)
    with open_output(str(output)) as sink:
        np.save(sink, np.round(np.clip(levelled, -1, 1) * 32_767).astype(np.int16))
