"""Data sets of drum patterns: six voices by four measures of sixteenths, ``[6, 64]``.

Shorter drum parts repeat; longer ones are cut into consecutive windows of four measures, the last
of which repeats from its own start. Rides count as closed hats, crashes as open hats and claps as
snares; toms and other percussion are left out. Of patterns with the same onsets one is kept. A
source (a song, a style with its variants, a theme of the composer) lies in one split, except that
the Groove MIDI Dataset keeps its published split, which divides the sessions of a drummer.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.errors import BadDataError, DrumkitError, MissingInputError
from drumkit_cli.io.arrays import Floats
from drumkit_cli.learning.index_files import read_index
from drumkit_cli.midi.drum_maps import SIX_VOICES, VOICE_NAMES
from drumkit_cli.midi.files import read_midi
from drumkit_cli.patterns import composer
from drumkit_cli.patterns.genres import GENRES
from drumkit_cli.patterns.grid import read_grid
from drumkit_cli.patterns.ruler import MEASURE_STEPS

PATTERN_MEASURES: Final = 4
PATTERN_STEPS: Final = PATTERN_MEASURES * MEASURE_STEPS
MAX_STEPS: Final = 100_000
LICENCES: Final = (
    "our own composer; Groove MIDI Dataset (CC BY 4.0); patterns of MMA (GPL-2, Artistic 2), "
    "tidal-drum-patterns (GPL-3), Hydrogen and LMMS (CC BY-SA, CC BY, GPL-2), Mutable Grids "
    "(GPL-3); drum parts of bands-midi (BSD-3, Artistic, GPL-2, CC BY 4.0), and of tracker modules "
    "that were made for free games or are public domain, CC0 or CC BY"
)
SPLITS: Final = ("train", "validation", "test")
TRAINABLE: Final = "A"
"""The grade of data whose licence allows weights that were trained on it to ship."""


_NAMES_OF_VOICE: Final = (
    ("kick",),
    ("snare", "clap"),
    ("closed_hat", "pedal_hat", "ride"),
    ("open_hat", "crash"),
    ("rim",),
    ("cowbell", "cow"),
)
_VOICE_OF_NAME: Final = {
    name: voice for voice, names in enumerate(_NAMES_OF_VOICE) for name in names
}


class Pattern(NamedTuple):
    """A pattern ``[6, 64]`` and where it comes from."""

    velocities: Floats
    kind: str
    """"composed", "electronic" (from data, of an electronic genre), "other" or "played"."""
    source: str
    split: str


@dataclass(frozen=True)
class PatternSet:
    """Distinct patterns: velocities ``[N, 6, 64]`` 0..1, with kind, source and split of each."""

    velocities: Floats
    kinds: tuple[str, ...]
    sources: tuple[str, ...]
    splits: tuple[str, ...]

    def where(self, split: str, *kinds: str) -> Floats:
        """The velocities ``[M, 6, 64]`` of a split, of all kinds or of the given ones."""
        chosen: Floats = self.velocities[self.mask(split, *kinds)]
        return chosen

    def mask(self, split: str, *kinds: str) -> NDArray[np.bool_]:
        """Which patterns ``[N]`` are of a split and, if kinds are given, of one of these."""
        is_of_split = np.array([of == split for of in self.splits], bool)
        return is_of_split & np.isin(self.kinds, kinds or self.kinds)


def fold(velocities: Floats) -> Floats:
    """Cut velocities ``[V, T]`` into patterns ``[N, V, 64]``, as the module describes.

    An unfinished last measure is filled with rests first.
    """
    steps = velocities.shape[1]
    measures = max(-(-steps // MEASURE_STEPS), 1)
    whole = np.pad(velocities, ((0, 0), (0, measures * MEASURE_STEPS - steps)))
    windows = []
    for start in range(0, measures * MEASURE_STEPS, PATTERN_STEPS):
        window = whole[:, start : start + PATTERN_STEPS]
        repeats = -(-PATTERN_STEPS // window.shape[1])
        windows.append(np.tile(window, repeats)[:, :PATTERN_STEPS])
    return np.stack(windows)


def load_patterns(data: Path) -> PatternSet:
    """All patterns of a data folder, together with those of the composer.

    Reads ``patterns/patterns.jsonl`` and ``patterns-modules/patterns.jsonl``, and the MIDI files of
    ``groove/info.csv``, ``bands-midi/index.csv`` and ``modules-midi/index.csv``, as far as these
    exist; if none does, every MIDI file below the folder, each as a source of its own. What has a
    grade other than A may not be trained on, and is of the test split. Patterns in other meters are
    left out.

    Raises:
        MissingInputError: the folder holds no pattern.
        BadDataError: an index lacks a column, or a line of the patterns is none.
    """
    readers: list[tuple[Path, Callable[[Path], Iterable[Pattern]]]] = [
        *((path, lambda path: _step_sequences(path, data)) for path in _step_files(data)),
        (data / "bands-midi" / "index.csv", _bands),
        (data / "modules-midi" / "index.csv", _modules),
        (data / "groove" / "info.csv", _performances),
    ]
    found = [read(path) for path, read in readers if path.is_file()] or [_midi_files(data)]
    real = [pattern for patterns in found for pattern in patterns]
    if not real:
        raise MissingInputError(f"{data}: no drum patterns", "give MIDI files in 4/4")
    return _distinct([*composed(), *real])


def load_step_sequences(data: Path) -> PatternSet | None:
    """The patterns of step sequences alone; None where there are none.

    Raises:
        BadDataError: a line of the patterns is none.
    """
    files = _step_files(data)
    return _distinct(p for path in files for p in _step_sequences(path, data)) if files else None


def composed() -> Iterator[Pattern]:
    """Every pattern of the composer, with its split."""
    for genre, what in GENRES.items():
        for number in range(1, what.count + 1):
            source = f"composer/{composer.family(genre, number)}"
            pattern = composer.compose(genre, number)
            yield Pattern(pattern, "composed", source, split_of(source))


def split_of(source: str) -> str:
    """The split of a source by a hash of its name: a tenth each test and validation."""
    place = hashlib.sha256(source.encode()).digest()[0] % 10
    return {0: "test", 1: "validation"}.get(place, "train")


def _distinct(patterns: Iterable[Pattern]) -> PatternSet:
    """Drop empty patterns and repeated onsets; the training split keeps what others have too."""
    first: dict[bytes, Pattern] = {}
    for pattern in sorted(patterns, key=lambda pattern: SPLITS.index(pattern.split)):
        onsets = pattern.velocities > 0
        if onsets.any():
            first.setdefault(np.packbits(onsets).tobytes(), pattern)
    velocities, kinds, sources, splits = zip(*first.values(), strict=True)
    return PatternSet(np.stack(velocities), kinds, sources, splits)


def _step_files(data: Path) -> list[Path]:
    paths = (data / name / "patterns.jsonl" for name in ("patterns", "patterns-modules"))
    return [path for path in paths if path.is_file()]


def _step_sequences(path: Path, data: Path) -> Iterator[Pattern]:
    splits = _known_splits(data)
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                pattern = _step_sequence(json.loads(line), splits)
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                raise BadDataError(f"{path}: line {number} is not a pattern") from error
            if pattern is not None:
                yield pattern


def _step_sequence(entry: dict[str, Any], splits: Mapping[str, str]) -> Pattern | None:
    """The pattern of a line; None where it does not fill measures of sixteenths.

    One measure of thirty-seconds is read as two measures of sixteenths.
    """
    steps = int(entry["steps"])
    if not 0 < steps <= MAX_STEPS:
        raise ValueError(f"{steps} steps")
    if steps % MEASURE_STEPS:
        return None
    velocities = np.zeros((len(VOICE_NAMES), steps), np.float32)
    for name, values in entry["instruments"].items():
        if name in _VOICE_OF_NAME:
            voice = velocities[_VOICE_OF_NAME[name]]
            np.maximum(voice, np.array(values, np.float32), out=voice)
    if not np.isfinite(velocities).all():
        raise ValueError("velocities that are not finite")
    style = _style(entry["source"], entry["name"])
    kind = "electronic" if "electronic" in entry["genre"] else "other"
    split = splits.get(style) or split_of(style)
    if entry.get("grade", TRAINABLE) != TRAINABLE:
        split = "test"
    return Pattern(fold(np.clip(velocities, 0, 1))[0], kind, style, split)


def _style(source: str, name: str) -> str:
    """The style that a pattern is a variant of, from its name within its collection."""
    if source.startswith("modules/"):
        return source
    if source.startswith("mma"):
        return f"mma/{name.split(':')[0]}"
    if source == "mutable-grids":
        return source  # all are neighbours on one map of patterns
    stem = re.sub(r"( Break)?[ #]?\d*[a-z]?$", "", name.split("#")[0])
    return f"{source}/{stem}"


def _known_splits(data: Path) -> dict[str, str]:
    """Source to split, for the styles and modules whose MIDI files are there too."""
    bands, modules = (data / name / "index.csv" for name in ("bands-midi", "modules-midi"))
    splits = {}
    if bands.is_file():
        splits = {
            _band_source(row["path"]): row["split"] for row in read_index(bands, "path", "split")
        }
    if modules.is_file():
        splits |= dict(_module_splits(modules).values())
    return splits


def _module_splits(index: Path) -> dict[str, tuple[str, str]]:
    """Source and split of each MIDI file of tracker modules."""
    return {
        row["path"]: (
            f"modules/{row['module']}",
            row["split"] if row["grade"] == TRAINABLE else "test",
        )
        for row in read_index(index, "path", "module", "grade", "split")
    }


def _band_source(path: str) -> str:
    """The source of a MIDI file: the style of mma-grooves that it is a part of, or its own path."""
    match = re.match(r"mma-grooves/midi/([^/]+/[^/]+)/", path)
    return f"mma/{match[1]}" if match else path


def _bands(index: Path) -> Iterator[Pattern]:
    for row in read_index(index, "path", "split"):
        path = index.parent / row["path"]
        for pattern in _windows(path):
            yield Pattern(pattern, "other", _band_source(row["path"]), row["split"])


def _modules(index: Path) -> Iterator[Pattern]:
    for path, (source, split) in _module_splits(index).items():
        for pattern in _windows(index.parent / path):
            yield Pattern(pattern, "electronic", source, split)


def _performances(info: Path) -> Iterator[Pattern]:
    columns = ("time_signature", "midi_filename", "session", "split")
    for row in read_index(info, *columns):
        if row["time_signature"] == "4-4":
            for pattern in _windows(info.parent / row["midi_filename"]):
                yield Pattern(pattern, "played", row["session"], row["split"])


def _midi_files(folder: Path) -> Iterator[Pattern]:
    for path in sorted(folder.rglob("*.mid")):
        source = path.relative_to(folder).as_posix()
        for pattern in _windows(path):
            yield Pattern(pattern, "other", source, split_of(source))


def _windows(path: Path) -> Floats:
    """The patterns of a MIDI file, ``[N, 6, 64]``; none where it is damaged or in another meter."""
    try:
        track = read_midi(path.read_bytes(), path.name)
        grid = read_grid(track, path.name, SIX_VOICES, len(VOICE_NAMES))
    except (DrumkitError, OSError):
        return np.zeros((0, len(VOICE_NAMES), PATTERN_STEPS), np.float32)
    return fold(grid.velocities)
