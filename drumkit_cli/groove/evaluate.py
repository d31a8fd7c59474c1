"""`drumkit evaluate groove`: the paper's Table 1, and plots like its Figures 4 and 5.

The paper's figures are of other data (five splits of 2,841 tracks, mostly programmed); they are a
goal rather than a comparison.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli import console
from drumkit_cli.errors import UnavailableError
from drumkit_cli.groove import data as corpora
from drumkit_cli.groove import electronic, model
from drumkit_cli.groove.baselines import tasks
from drumkit_cli.groove.baselines.networks import GenreClassifier, OneStep
from drumkit_cli.groove.groover import Groover
from drumkit_cli.groove.infer import perform
from drumkit_cli.groove.inputs.performance import FEEL_VALUES, Controls, Performance
from drumkit_cli.groove.model import Groove
from drumkit_cli.groove.network.config import GrooveConfig
from drumkit_cli.groove.network.windowing import FEELS, GENRES, Windows
from drumkit_cli.groove.training import metrics
from drumkit_cli.groove.training.reconstruction import reconstruct_all
from drumkit_cli.io.arrays import Floats, Integers
from drumkit_cli.io.tables import Cell, Table
from drumkit_cli.learning.checkpoint import Checkpoint, load_weights, shipped_folder
from drumkit_cli.learning.configs import restore
from drumkit_cli.learning.torch_network import building, load_network, state_dict

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BASELINES: Final = "groove-baselines"
FIGURES: Final = ("note_f1", "velocity_kl", "velocity_mse", "timing_kl", "timing_mse")
EXTRA_FIGURES: Final = ("micro_f1", "velocity_hit_mse", "timing_hit_mse")
COLUMNS: Final = (
    "model",
    "of",
    "note F1",
    "vel. KL",
    "vel. MSE",
    "MT KL",
    "MT MSE",
    "genre acc.",
    "micro F1",
    "vel. MSE at hits",
    "MT MSE at hits",
)
PAPER: Final[Mapping[str, tuple[float | None, ...]]] = {
    "test data": (None, None, None, None, None, 0.906),
    "KNN": (0.561, 0.217, 0.037, 0.191, 0.011, 0.487),
    "1-step": (0.816, 0.115, 0.025, 0.846, 0.013, 0.554),
    "2-step (VQ-VAE)": (0.973, 0.004, 0.002, 0.0416, 0.003, 0.866),
    "+genres": (0.973, 0.004, 0.002, 0.0439, 0.003, 0.898),
    "+genres+patterns": (0.972, 0.011, 0.001, 0.0154, 0.002, 0.899),
    "2-step (VAE)": (0.840, 0.3664, 0.0020, 0.0704, 0.004, 0.807),
}
"""Table 1: note F1, velocity KL and MSE, microtiming KL and MSE, genre accuracy."""
MILLISECONDS_PER_STEP: Final = 125.0
"""Length of a sixteenth at 120 bpm."""
FEEL_TEMPLATES: Final = 64

Made = tuple[Floats, Floats, Floats]


@dataclass(frozen=True)
class Baselines:
    """The models that the table compares with, and the genre classifier."""

    classifier: GenreClassifier
    one_step: OneStep
    vae: Groove
    vq: Groove


def evaluate(data: Path, weights: str | None) -> Table:
    """Compute Table 1 on the test split of the Groove MIDI Dataset, whose folder ``data`` is.

    Raises:
        UnavailableError: the baselines are not installed.
        DrumkitError: as `data.load` and `checkpoint.load_weights`.
    """
    checkpoint = load_weights("groove", weights)
    groover, baselines = Groover(checkpoint), build_baselines(_load_baselines())
    corpus = corpora.load(data, ("train", "test"))
    test = corpus["test"]
    rows: list[list[Cell]] = []
    made = reconstructions(load_network(checkpoint, model).groove, baselines, corpus)
    for name, performance in made.items():
        rows.append(_row(name, performance, test, baselines.classifier))
        if name in PAPER:
            rows.append([name, "paper", *PAPER[name], None, None, None])
    funk = GENRES.index("funk")
    played = generate(groover, test, "funk")
    is_funk = tasks.classify_genres(baselines.classifier, played) == funk
    others = is_funk[(test.genres >= 0) & (test.genres != funk)]
    feels = feel_milliseconds(groover, test)
    return Table(
        title=f"Grooves reconstructed, {len(test)} windows of {test.tracks[-1] + 1} test tracks",
        columns=COLUMNS,
        rows=rows,
        notes=[
            f"data: test split of {data.name}, 4/4 beats of all styles, not used in training",
            "the paper's figures are of its own data: a goal rather than a comparison",
            "note F1: mean over steps where either has a note; micro F1: over all cells",
            "MSE: over all 32 x 7 cells, 0 where there is no note; at hits: at notes of both",
            "KL: mean over the four sixteenths of a beat, of Gaussians",
            f"genre acc.: of the {int((test.genres >= 0).sum())} windows with one of six genres",
            "2-step, one codebook: the paper's NOTE, 8 codes of a codebook of 64, and its GRUs",
            "the GRUs of the baselines have 128 hidden units",
            f"templates classified as funk with --genre funk: {np.mean(is_funk):.3f}",
            f"the same for templates of other genres: {np.mean(others):.3f}",
            "mean onset at 120 bpm, ms: "
            + ", ".join(f"--feel {feel} {late:+.1f}" for feel, late in feels.items()),
            *electronic.describe(data, groover),
            f"weights: sha256 {groover.weights_sha256[:16]}",
        ],
    )


def draw(data: Path, weights: str | None) -> Figure:
    """Draw a figure like Figures 4 and 5, of the test split, with templates played as funk too."""
    from drumkit_cli.groove.plot import draw_groove

    checkpoint = load_weights("groove", weights)
    groover = Groover(checkpoint)
    classifier = build_baselines(_load_baselines()).classifier
    test = corpora.load(data, ("test",))["test"]
    windows = test.windows
    real = (windows.notes, windows.velocities, windows.timings)
    made = reconstruct_all(load_network(checkpoint, model).groove, test, genre=True)
    return draw_groove(
        metrical_trends(real, test.genres),
        metrical_trends(made, test.genres),
        {
            "Played as their own genre": genre_confusion(groover, classifier, test, None),
            "Played as funk": genre_confusion(groover, classifier, test, "funk"),
        },
    )


def build_baselines(checkpoint: Checkpoint) -> Baselines:
    """Build the baselines of a checkpoint.

    Raises:
        BadDataError: the weights are of other networks.
    """
    with building(checkpoint):
        configs = {
            name: restore(GrooveConfig, config) for name, config in checkpoint.config.items()
        }
        baselines = Baselines(
            GenreClassifier(),
            OneStep(configs["one-step"]),
            Groove(configs["vae"]),
            Groove(configs["vq"]),
        )
        for name, network in vars(baselines).items():
            network.load_state_dict(state_dict(checkpoint, name.replace("_", "-")))
            network.eval()
    return baselines


def reconstructions(
    network: Groove, baselines: Baselines, corpus: Mapping[str, corpora.Corpus]
) -> dict[str, Made]:
    """Reconstructions of the test split by model: notes, velocities, timings ``[B, T, V]``."""
    test = corpus["test"]
    windows = test.windows
    rows: dict[str, Callable[[], Made]] = {
        "test data": lambda: (windows.notes, windows.velocities, windows.timings),
        "KNN": lambda: tasks.nearest_neighbours(corpus["train"], test.templates),
        "1-step": lambda: reconstruct_all(baselines.one_step, test),
        "2-step (VAE)": lambda: reconstruct_all(baselines.vae, test),
        "2-step, one codebook": lambda: reconstruct_all(baselines.vq, test),
        "2-step (VQ-VAE)": lambda: reconstruct_all(network, test),
        "+genres": lambda: reconstruct_all(network, test, genre=True),
        "+genres+patterns": lambda: reconstruct_all(network, test, genre=True, pattern=True),
    }
    made = {}
    with console.progress(len(rows), "reconstructing") as bar:
        for name, row in rows.items():
            made[name] = row()
            bar.advance(1)
    return made


def metrical_trends(made: Made, genres: Integers) -> dict[str, dict[str, NDArray[np.float64]]]:
    """Figure 4: mean and deviation ``[4, 2]`` of velocity and timing at "1", "e", "&", "a".

    By genre, for those that occur.
    """
    notes, velocities, timings = made
    return {
        name: {
            "velocity": metrics.metrical_moments(
                velocities[genres == index], notes[genres == index]
            ),
            "timing": metrics.metrical_moments(timings[genres == index], notes[genres == index]),
        }
        for index, name in enumerate(GENRES)
        if (genres == index).any()
    }


def genre_confusion(
    groover: Groover, classifier: GenreClassifier, test: corpora.Corpus, genre: str | None
) -> Integers:
    """Figure 5: counts ``[6, 6]`` of templates by their genre (rows) and predicted genre (columns).

    They are played as ``genre``, or each as its own for None.
    """
    confusion = np.zeros((len(GENRES), len(GENRES)), np.int64)
    for index, own in enumerate(GENRES):
        part = select(test, test.genres == index)
        if len(part):
            predicted = tasks.classify_genres(classifier, generate(groover, part, genre or own))
            confusion[index] = np.bincount(predicted, minlength=len(GENRES))
    return confusion


def generate(groover: Groover, corpus: corpora.Corpus, genre: str | None, seed: int = 0) -> Made:
    """Play each template of a corpus in a genre: notes, velocities, timings ``[B, T, V]``."""
    generator = np.random.default_rng(seed)
    template = corpus.templates
    codes = groover.window_codes(template, genre, generator)
    notes = groover.window_notes(template, codes)
    noise = [
        generator.standard_normal((len(template), groover.latent)).astype(np.float32)
        for _ in range(2)
    ]
    velocities, timings = groover.play_windows(notes, Controls(genre=genre), noise)
    return notes, notes * velocities, notes * timings


def feel_milliseconds(groover: Groover, test: corpora.Corpus) -> dict[str, float]:
    """Mean onset offset in ms at 120 bpm of templates played with each feel."""
    chosen = np.linspace(0, len(test) - 1, FEEL_TEMPLATES).astype(int)
    late = {}
    for feel in FEELS:
        offsets = []
        for sketch in test.templates[chosen]:
            template = Performance(sketch.T, np.zeros_like(sketch.T))
            played = perform(template, groover, Controls(feel=(FEEL_VALUES[feel],)))
            offsets.append(played.offsets[played.velocities > 0])
        late[feel] = float(np.concatenate(offsets).mean()) * MILLISECONDS_PER_STEP
    return late


def select(corpus: corpora.Corpus, chosen: NDArray[np.bool_]) -> corpora.Corpus:
    """The windows of a corpus where ``chosen`` [B] is True."""
    windows = Windows(corpus.windows.velocities[chosen], corpus.windows.timings[chosen])
    return corpora.Corpus(
        windows, corpus.templates[chosen], corpus.genres[chosen], corpus.tracks[chosen]
    )


def _load_baselines() -> Checkpoint:
    """The shipped baselines, whatever weights of the model the user named."""
    path = shipped_folder() / f"{BASELINES}.safetensors"
    if not path.is_file():
        raise UnavailableError("no baselines of groove are installed", "reinstall drumkit")
    return load_weights(BASELINES, str(path))


def _row(name: str, made: Made, test: corpora.Corpus, classifier: GenreClassifier) -> list[Cell]:
    accuracy = metrics.accuracy(tasks.classify_genres(classifier, made), test.genres)
    if name == "test data":
        return [name, "ours", None, None, None, None, None, accuracy, None, None, None]
    figures = metrics.reconstruction(*made, test.windows)
    return [
        name,
        "ours",
        *(figures[key] for key in FIGURES),
        accuracy,
        *(figures[key] for key in EXTRA_FIGURES),
    ]
