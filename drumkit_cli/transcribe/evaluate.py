"""`drumkit evaluate transcribe`: F-measures of drums, beats and downbeats, within 50 ms.

Of real recordings from three inputs: their drums, the drums that `drumkit separate` leaves of their
mix, and the mix. Of rendered takes, whose velocities are known, those of the split "validation",
without augmentation.
"""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli import console
from drumkit_cli.audio.reader import Samples
from drumkit_cli.audio.separated import separate_stem
from drumkit_cli.audio.wav import wav_bytes
from drumkit_cli.errors import MissingInputError
from drumkit_cli.io.arrays import Floats
from drumkit_cli.io.streams import open_output
from drumkit_cli.io.tables import Cell, Table
from drumkit_cli.learning.checkpoint import load_weights
from drumkit_cli.listening.beat_tracker import beats_of
from drumkit_cli.listening.ear import Listener
from drumkit_cli.listening.hits import Hit, hits_of
from drumkit_cli.listening.peaks import match
from drumkit_cli.listening.voices import VOICES
from drumkit_cli.transcribe.infer import hear
from drumkit_cli.transcribe.songs import (
    CLASS_OF_VOICE,
    CLASSES,
    AnnotatedSong,
    load_song,
    song_folders,
)
from drumkit_cli.transcribe.training.bars import heard_in_mix
from drumkit_cli.transcribe.training.examples import plain_levels
from drumkit_cli.transcribe.training.takes import Take, load_takes

TOLERANCE_SECONDS: Final = 0.05
BEAT_TOLERANCE_SECONDS: Final = 0.07
"""As in mir_eval."""

Times = NDArray[np.float64]


class Tally:
    """Counts of matches, estimates and references, by class."""

    def __init__(self, classes: int) -> None:
        self._counts = np.zeros((classes, 3))

    def add(self, index: int, estimated: Times, reference: Times, tolerance: float) -> None:
        """Count sorted times of one song."""
        found = len(match(estimated, reference, tolerance))
        self._counts[index] += found, len(estimated), len(reference)

    def f_measures(self) -> list[float | None]:
        """Of all classes together, then of each; None for one that nothing belongs to."""
        rows = [self._counts.sum(0), *self._counts]
        return [round(2 * a / (b + c), 3) if c else None for a, b, c in rows]


def evaluate(data: Path, weights: str | None) -> Table:
    """Measure the ear on a folder of annotated songs, or on one of rendered takes.

    Raises:
        MissingInputError: the folder holds neither.
    """
    listener = Listener(load_weights("transcribe", weights))
    if folders := song_folders(data):
        return _of_songs(data.name, folders, listener)
    if list(data.glob("take*.npz")):
        return _of_takes(data.name, load_takes(data), listener)
    raise MissingInputError(f"{data}: neither annotated songs nor rendered takes")


def _of_songs(name: str, folders: Sequence[Path], listener: Listener) -> Table:
    inputs = ("drums", "separated drums", "mix")
    drums = {given: Tally(len(CLASSES)) for given in inputs}
    beats: dict[str, list[tuple[float, float]]] = {"mix": [], "librosa": []}
    with console.progress(len(folders), "evaluating") as bar:
        for folder, separated in zip(folders, _separated(folders), strict=True):
            song = load_song(folder)
            for given, sound in zip(inputs, (song.drums, separated, song.mix), strict=True):
                heard = hear([sound], song.rate, listener)
                _count(drums[given], heard.hits, song.hits)
            if song.beats is not None:
                beats["mix"].append(_beat_scores(heard.beats, song.beats))
                beats["librosa"].append(_beat_scores(_librosa_beats(song), song.beats))
            bar.advance(1)
    rows: list[list[Cell]] = [
        [given, *drums[given].f_measures(), *(_means(beats[given]) if given == "mix" else NONE)]
        for given in inputs
    ]
    rows.append(["librosa, every fourth", *[None] * (1 + len(CLASSES)), *_means(beats["librosa"])])
    return Table(
        title=f"Transcription: F-measure of {len(folders)} songs",
        columns=["heard in", "all drums", *CLASSES, "beats", "downbeats"],
        rows=rows,
        notes=[
            f"data: {name}; drums: onsets within 50 ms, counted over all songs",
            "beats and downbeats: within 70 ms (mir_eval), the mean over songs",
            f"weights: sha256 {listener.weights_sha256[:16]}",
        ],
    )


NONE: Final = (None, None)


def _separated(folders: Sequence[Path]) -> Iterator[Samples]:
    """The separated drums of each song's mix."""
    with tempfile.TemporaryDirectory() as mixes:
        paths = []
        for number, folder in enumerate(folders):
            song = load_song(folder)
            paths.append(Path(mixes) / f"{number:04d}.wav")
            with open_output(str(paths[-1])) as sink:
                sink.write(wav_bytes(song.mix[None], song.rate))
        yield from separate_stem(paths, "drums")


def _of_takes(name: str, takes: Sequence[Take], listener: Listener) -> Table:
    held_out = [take for take in takes if take.split == "validation"]
    if not held_out:
        raise MissingInputError(f"{name}: no takes of the split validation")
    inputs: dict[str, Callable[[Take], Floats | None]] = {
        "drums": lambda take: plain_levels(take, "drums"),
        "separated drums": lambda take: plain_levels(take, "separated"),
        "mix": lambda take: plain_levels(take, "mix"),
    }
    rows: list[list[Cell]] = []
    with console.progress(len(inputs), "evaluating") as bar:
        for given, levels_of in inputs.items():
            tally, beats = Tally(len(CLASSES)), []
            pairs: list[tuple[int, float, float]] = []
            for take in held_out:
                levels = levels_of(take)
                if levels is None:
                    continue
                activations = listener.activations(levels)
                hits = sorted(hits_of([activations], listener.thresholds))
                _count(tally, hits, _by_class(take.hits))
                pairs += _velocity_pairs(hits, take.hits)
                if given == "mix" and len(take.beats):
                    heard = heard_in_mix(take, listener, 0.0, take.band_gain_db)
                    beats.append(_beat_scores(beats_of(heard, listener), take.beats))
            rows.append([given, *tally.f_measures(), *_means(beats), _rank_correlation(pairs)])
            bar.advance(1)
    return Table(
        title=f"Transcription: F-measure of {len(held_out)} rendered takes",
        columns=["heard in", "all drums", *CLASSES, "beats", "downbeats", "velocity"],
        rows=rows,
        notes=[
            f"data: {name}, split validation; onsets within 50 ms, hits that cannot be heard too",
            "velocity: Spearman's rank correlation of found hits, the mean over the six voices",
            f"weights: sha256 {listener.weights_sha256[:16]}",
        ],
    )


def _count(tally: Tally, hits: Iterable[Hit], reference: Sequence[Times]) -> None:
    found: list[list[float]] = [[] for _ in CLASSES]
    for hit in hits:
        found[CLASS_OF_VOICE[hit.voice]].append(hit.seconds)
    for index, (estimated, annotated) in enumerate(zip(found, reference, strict=True)):
        tally.add(index, np.sort(estimated), annotated, TOLERANCE_SECONDS)


def _by_class(hits: Floats | Times) -> list[Times]:
    classes = np.array(CLASS_OF_VOICE)[hits[:, 1].astype(int)]
    return [np.sort(hits[classes == index, 0]).astype(np.float64) for index in range(len(CLASSES))]


def _velocity_pairs(hits: Sequence[Hit], played: Times) -> list[tuple[int, float, float]]:
    """Voice, heard velocity and played velocity of the hits that were found."""
    pairs = []
    for voice in range(len(VOICES)):
        heard = [hit for hit in hits if hit.voice == voice]
        truth = played[played[:, 1] == voice]
        found = match([hit.seconds for hit in heard], truth[:, 0], TOLERANCE_SECONDS)
        pairs += [(voice, heard[e].velocity, float(truth[r, 2])) for e, r in found]
    return pairs


def _rank_correlation(pairs: Sequence[tuple[int, float, float]]) -> float | None:
    """The mean over voices of the rank correlation of heard and played velocities."""
    from scipy.stats import spearmanr

    scores = []
    for voice in range(len(VOICES)):
        of_voice = np.array([pair[1:] for pair in pairs if pair[0] == voice])
        if len(of_voice) > 2 and np.ptp(of_voice, axis=0).all():
            scores.append(float(spearmanr(of_voice[:, 0], of_voice[:, 1]).statistic))
    return round(float(np.mean(scores)), 3) if scores else None


def _beat_scores(heard: Times, reference: Times) -> tuple[float, float]:
    """F-measures of beats and of downbeats."""
    scores = []
    for one, other in (
        (heard[:, 0], reference[:, 0]),
        (heard[heard[:, 1] == 1, 0], reference[reference[:, 1] == 1, 0]),
    ):
        found = len(match(one, other, BEAT_TOLERANCE_SECONDS))
        scores.append(2 * found / max(len(one) + len(other), 1))
    return scores[0], scores[1]


def _means(scores: Sequence[tuple[float, float]]) -> tuple[float, float] | tuple[None, None]:
    if not scores:
        return NONE
    beats, downbeats = np.mean(scores, axis=0)
    return round(float(beats), 3), round(float(downbeats), 3)


def _librosa_beats(song: AnnotatedSong) -> Times:
    """Beats of librosa, of which every fourth is taken for a downbeat, from the first on."""
    import librosa

    _, beats = librosa.beat.beat_track(y=song.mix, sr=song.rate, units="time")
    return np.stack([beats, np.arange(len(beats)) % 4 + 1], 1).astype(np.float64)
