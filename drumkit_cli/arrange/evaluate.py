"""`drumkit evaluate arrange`: how good the drums are that are played to the basses of songs.

CycleDRUMS has its drums graded by listeners, and by a regression on their grades, on songs that are
not public; here the grader of `drumkit score` stands for them, on clips of these songs.
"""

from __future__ import annotations

import functools
import math
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from drumkit_cli import console
from drumkit_cli.arrange.config import WEIGHTS, Model
from drumkit_cli.arrange.infer import Arranger
from drumkit_cli.arrange.measurement import DRUMMER, FIGURES, Measured, generate, measure
from drumkit_cli.arrange.metrics import spectral_distance
from drumkit_cli.audio.separated import separate_stem
from drumkit_cli.audio.wav import wav_bytes
from drumkit_cli.grading.grader import Grader
from drumkit_cli.grading.songs import Song, load_songs
from drumkit_cli.io.arrays import Floats
from drumkit_cli.io.streams import open_output
from drumkit_cli.io.tables import Cell, Table
from drumkit_cli.learning.checkpoint import load_weights
from drumkit_cli.learning.models import load_model
from drumkit_cli.spectral.onsets import MEL

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OURS: Final = "drumkit arrange"
SEPARATED: Final = "of the separated bass"
PIX2PIX: Final = "Pix2Pix"
PIX2PIX_SEPARATED: Final = "Pix2Pix, of the separated bass"
NOTES: Final = (
    "F: mir_eval onset F-measure within 50 ms, against the sixteenths and the real drummer's hits",
    "on eighths: share of the onsets within 35 ms of an eighth note of the song",
    "bars alike: correlation of the onset strength of each bar, in sixteenths, with the next one's",
    "Hz: shares of the energy; of the bass: share of it that the bass's partials explain",
    "seams: spectral flux where windows are cross-faded over that elsewhere",
    "spectrum: Frechet distance of mel frames, of all songs together, to those of the real drums",
    "CPU: seconds of processor time for a minute of music",
    "0-3 to 8-9: shares of clips of 5.9 s in the grader's buckets, beside bass and real drums",
    "(which are their own reference); no reference: mean grade beside the bass alone",
    "beats are heard in the bass stem alone; of the separated bass, in the mix",
    "of the separated bass: what drumkit separate leaves of the mix, some of its drums included",
    "next song's drums: its real onsets on the beats of this song; random: as dense as ours",
)

Times = NDArray[np.floating]


class Evaluation(NamedTuple):
    """What was measured: songs' names, for each the `Measured` by what sounds, and the weights."""

    songs: list[str]
    measured: list[dict[str, Measured]]
    weights: dict[str, str]


def evaluate(data: Path, weights: str | None) -> Table:
    """Play drums to the bass of each song, as a stem and as separated from the mix; measure them.

    Raises:
        DrumkitError: as `load_songs`, `load_weights` and `separate_stem`.
    """
    songs, measured, shas = _evaluation(data, weights)
    rows: list[list[Cell]] = []
    for name, average in (("mean", np.mean), ("median", np.median)):
        for method in measured[0]:
            distance = _distance(measured, method) if name == "mean" else None
            rows.append([name, method, *_rounded(_averages(measured, method, average)), distance])
    rows += [
        [song, OURS, *_rounded(of[OURS].figures), None]
        for song, of in zip(songs, measured, strict=True)
    ]
    return Table(
        title=f"Arrangement: drums for {len(songs)} songs",
        columns=["song", "sound", *FIGURES, "spectrum dB"],
        rows=rows,
        notes=[
            f"data: {data.name}",
            *NOTES,
            *(f"{name}: weights sha256 {sha[:16]}" for name, sha in shas.items()),
        ],
    )


def draw(data: Path, weights: str | None) -> Figure:
    """Draw the grades of the clips, like the paper's Figures 3 and 4; raises as `evaluate`."""
    from drumkit_cli.arrange.plot import draw_grades

    _, measured, _ = _evaluation(data, weights)
    return draw_grades(
        {
            method: [grade for of in measured for grade in of[method].grades]
            for method in measured[0]
            if measured[0][method].grades
        }
    )


@functools.lru_cache(maxsize=1)
def _evaluation(data: Path, weights: str | None) -> Evaluation:
    """Measure all songs; the table and the plot do so once."""
    arrangers = _arrangers(weights)
    grader = load_model(Grader, "score")
    songs = load_songs(data)
    measured = []
    with console.progress(len(songs), "evaluating") as bar:
        for number, (song, separated) in enumerate(zip(songs, _separated(songs), strict=True)):
            generated = {}
            for (of_stem, of_separated), arranger in arrangers.items():
                generated[of_stem] = generate(song.bass, arranger, song.bass)
                generated[of_separated] = generate(separated, arranger, song.mix)
            following = songs[(number + 1) % len(songs)]
            measured.append(measure(song, following, generated, grader))
            bar.advance(1)
    shas = {names[0]: arranger.weights_sha256 for names, arranger in arrangers.items()}
    shas["grades"] = grader.weights_sha256
    return Evaluation([song.name for song in songs], measured, shas)


def _arrangers(weights: str | None) -> dict[tuple[str, str], Arranger]:
    """The named weights, or the shipped ones and the baseline's, by what their rows are called."""
    found = load_weights(WEIGHTS[Model.CYCLEGAN], weights)
    arrangers = {(OURS, SEPARATED): Arranger(found)}
    beside = found.path.with_stem(WEIGHTS[Model.PIX2PIX])
    if weights is None and beside.is_file():
        baseline = Arranger(load_weights(WEIGHTS[Model.PIX2PIX], str(beside)))
        arrangers[PIX2PIX, PIX2PIX_SEPARATED] = baseline
    return arrangers


def _separated(songs: Sequence[Song]) -> Iterator[Floats]:
    """The bass of each song's mix, as the built-in separator leaves it."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{number:04d}.wav" for number in range(len(songs))]
        for path, song in zip(paths, songs, strict=True):
            with open_output(str(path)) as sink:
                sink.write(wav_bytes(song.mix[None], MEL.rate))
        yield from separate_stem(paths, "bass")


def _averages(
    measured: Sequence[dict[str, Measured]], method: str, average: Callable[[Times], float]
) -> list[float]:
    """The average of each figure over the songs that have it."""
    columns = np.array([of[method].figures for of in measured]).T
    known = [column[np.isfinite(column)] for column in columns]
    return [float(average(column)) if len(column) else math.nan for column in known]


def _rounded(figures: Sequence[float]) -> list[float]:
    return [round(figure, 3) + 0.0 for figure in figures]  # no negative zero


def _distance(measured: Sequence[dict[str, Measured]], method: str) -> float | None:
    """The spectral distance of a method's sounds to the real drums."""
    real, made = (
        [image for of in measured if (image := of[name].image) is not None]
        for name in (DRUMMER, method)
    )
    return round(spectral_distance(real, made), 3) if made else None
