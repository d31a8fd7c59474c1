"""Recordings whose drums and beats are annotated, a folder a song.

A song has its stems as audio files (`drums`, and some of `bass`, `other`, `vocals`), which sum to
the mix, `class.txt` with a line a hit (seconds, and KD, SD, HH, TT or CY for kick, snare, hats,
toms and cymbals; others are not read) and perhaps `beats.txt` (seconds, number in the bar). It is
the layout of MDB Drums (C. Southall et al., ISMIR 2017, late breaking).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.audio.reader import AudioReader, Samples
from drumkit_cli.audio.stems import STEM_ORDER
from drumkit_cli.errors import BadDataError, MissingInputError
from drumkit_cli.io.annotations import read_annotations, read_beats
from drumkit_cli.io.sniffing import AUDIO_SUFFIXES
from drumkit_cli.io.streams import open_input

CLASSES: Final = ("kick", "snare", "hats", "toms", "cymbals")
CLASS_OF_VOICE: Final = (0, 1, 2, 2, 3, 4)
_CODES: Final = ("KD", "SD", "HH", "TT", "CY")
HITS_NAME: Final = "class.txt"


@dataclass(frozen=True)
class AnnotatedSong:
    """A recording.

    Attributes:
        name: of its folder.
        rate: Hz.
        drums: mono `[N]`.
        mix: mono `[N]`.
        hits: seconds of the hits of each of `CLASSES`, sorted.
        beats: `[n, 2]`: seconds, number in the bar; None where they are not annotated.
    """

    name: str
    rate: int
    drums: Samples
    mix: Samples
    hits: tuple[NDArray[np.float64], ...]
    beats: NDArray[np.float64] | None


def song_folders(data: Path) -> list[Path]:
    """The folders of annotated songs in a folder, sorted."""
    return sorted(path.parent for path in data.glob(f"*/{HITS_NAME}"))


def load_song(folder: Path) -> AnnotatedSong:
    """Read a song.

    Raises:
        MissingInputError: it has no drums.
        BadDataError: stems of different lengths, or an annotation that is no such text.
    """
    stems: dict[str, Samples] = {}
    rates = set()
    for name in STEM_ORDER:
        for path in sorted(folder.glob(f"{name}.*")):
            if path.suffix in AUDIO_SUFFIXES:
                with open_input(str(path)) as source, AudioReader(source) as reader:
                    stems[name] = reader.read().mean(0)
                    rates.add(reader.rate)
    if "drums" not in stems:
        raise MissingInputError(f"{folder}: no drums")
    if len({len(stem) for stem in stems.values()}) > 1 or len(rates) > 1:
        raise BadDataError(f"{folder}: the stems differ in length or rate")
    rows = read_annotations(folder / HITS_NAME)
    hits = tuple(
        np.array(sorted(seconds for seconds, code in rows if code == wanted)) for wanted in _CODES
    )
    beats = None
    if (folder / "beats.txt").is_file():
        beats = np.array(read_beats(folder / "beats.txt"))
    mix = np.sum(list(stems.values()), axis=0)
    return AnnotatedSong(folder.name, rates.pop(), stems["drums"], mix, hits, beats)
