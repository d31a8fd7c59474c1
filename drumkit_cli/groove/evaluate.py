"""The paper's Table 1 on the test split of the Groove MIDI Dataset, and what its Figs 4 and 5 show.

The paper's figures are of other data (five splits of 2,841 tracks, mostly programmed), so that they
are a goal more than a comparison.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from drumkit_cli import console
from drumkit_cli.errors import BadDataError, UnavailableError
from drumkit_cli.groove import data as corpora
from drumkit_cli.groove import infer
from drumkit_cli.groove.baselines import tasks
from drumkit_cli.groove.baselines.networks import GenreClassifier, OneStep
from drumkit_cli.groove.infer import Groover
from drumkit_cli.groove.inputs.performance import FEEL_VALUES, Controls
from drumkit_cli.groove.model import Groove
from drumkit_cli.groove.network import sampling
from drumkit_cli.groove.network.layers import GrooveConfig
from drumkit_cli.groove.network.windowing import FEELS, GENRES, Windows
from drumkit_cli.groove.training import metrics
from drumkit_cli.groove.training.reconstruction import rebuild
from drumkit_cli.io.tables import Cell, Table
from drumkit_cli.learning.checkpoint import Checkpoint, load_weights, shipped_folder

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
"""At 120 bpm."""
FEEL_TEMPLATES: Final = 64

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]
Made = tuple[Floats, Floats, Floats]


@dataclass(frozen=True)
class Judges:
    """Models beside the one that ships: the table's baselines and the judge of genres."""

    classifier: GenreClassifier
    one_step: OneStep
    vae: Groove
    vq: Groove


def evaluate(data: Path, weights: str | None) -> Table:
    """Compute Table 1 on the test split; ``data`` is the folder of the Groove MIDI Dataset.

    Raises:
        UnavailableError: the baselines are not installed.
        DrumkitError: as `data.load` and `checkpoint.load_weights`.
    """
    checkpoint = load_weights("groove", weights)
    groover, judges = Groover(checkpoint), load_judges(_load_baselines())
    corpus = corpora.load(data, ("train", "test"))
    test = corpus["test"]
    rows: list[list[Cell]] = []
    made = reconstructions(groover, judges, corpus)
    for name, performance in made.items():
        rows.append(_row(name, performance, test, judges.classifier))
        if name in PAPER:
            rows.append([name, "paper", *PAPER[name], None, None, None])
    funk = GENRES.index("funk")
    heard = tasks.hear_genres(judges.classifier, generate(groover, test, "funk")) == funk
    other = heard[(test.genres >= 0) & (test.genres != funk)]
    feels = feel_milliseconds(groover, test)
    return Table(
        title=f"Grooves reconstructed, {len(test)} windows of {test.tracks[-1] + 1} test tracks",
        columns=COLUMNS,
        rows=rows,
        notes=[
            f"data: {data.name}, its test split, 4/4 beats, all styles; no model has seen them",
            "the paper's figures are of its own data: a goal more than a comparison",
            "note F1: mean over the steps where either has a note; micro F1: over all cells",
            "MSE: over all 32 x 7 cells, 0 where a matrix has no note; at hits: those of both",
            "KL: of Gaussians at the four sixteenths of a beat, their mean",
            f"genre acc.: of the {int((test.genres >= 0).sum())} windows with one of six genres",
            "2-step, one codebook: the paper's NOTE, 8 codes of a codebook of 64, and its GRUs",
            "the GRUs of the baselines have 128 hidden units",
            f"templates played with --genre funk and heard as funk: {np.mean(heard):.3f}",
            f"the same of those that come from another genre: {np.mean(other):.3f}",
            "mean onset at 120 bpm, ms: "
            + ", ".join(f"--feel {feel} {late:+.1f}" for feel, late in feels.items()),
            f"weights: sha256 {groover.weights_sha256[:16]}",
        ],
    )


def draw(data: Path, weights: str | None) -> bytes:
    """A PNG of what Figs 4 and 5 show, of the test split; templates are played as funk too.

    Raises:
        DrumkitError: as `evaluate`.
    """
    from drumkit_cli.groove.plot import groove_png

    groover, judges = Groover(load_weights("groove", weights)), load_judges(_load_baselines())
    test = corpora.load(data, ("test",))["test"]
    windows = test.windows
    real = (windows.notes, windows.velocities, windows.timings)
    made = rebuild(groover.network, test, genre=True)
    return groove_png(
        metrical_trends(real, test.genres),
        metrical_trends(made, test.genres),
        {
            "Played as their own genre": genre_confusion(groover, judges.classifier, test, None),
            "Played as funk": genre_confusion(groover, judges.classifier, test, "funk"),
        },
    )


def load_judges(checkpoint: Checkpoint) -> Judges:
    """Build the baselines of a checkpoint.

    Raises:
        BadDataError: the weights are of other networks.
    """
    try:
        configs = {name: GrooveConfig(**config) for name, config in checkpoint.config.items()}
        judges = Judges(
            GenreClassifier(),
            OneStep(configs["one-step"]),
            Groove(configs["vae"]),
            Groove(configs["vq"]),
        )
        modules = {
            "classifier": judges.classifier,
            "one-step": judges.one_step,
            "vae": judges.vae,
            "vq": judges.vq,
        }
        for name, module in modules.items():
            head = f"{name}."
            module.load_state_dict(
                {k[len(head) :]: v for k, v in checkpoint.state.items() if k.startswith(head)}
            )
            module.eval()
    except (KeyError, TypeError, RuntimeError) as error:
        raise BadDataError(f"{checkpoint.path}: weights of other baselines") from error
    return judges


def reconstructions(
    groover: Groover, judges: Judges, corpus: Mapping[str, corpora.Corpus], split: str = "test"
) -> dict[str, Made]:
    """What each row of the table makes of a split: notes, velocities, timings ``[B, T, V]``."""
    test = corpus[split]
    windows = test.windows
    rows: dict[str, Callable[[], Made]] = {
        "test data": lambda: (windows.notes, windows.velocities, windows.timings),
        "KNN": lambda: tasks.nearest_neighbours(corpus["train"], test.templates),
        "1-step": lambda: rebuild(judges.one_step, test),
        "2-step (VAE)": lambda: rebuild(judges.vae, test),
        "2-step, one codebook": lambda: rebuild(judges.vq, test),
        "2-step (VQ-VAE)": lambda: rebuild(groover.network, test),
        "+genres": lambda: rebuild(groover.network, test, genre=True),
        "+genres+patterns": lambda: rebuild(groover.network, test, genre=True, pattern=True),
    }
    made = {}
    with console.progress(len(rows), "reconstructing") as bar:
        for name, row in rows.items():
            made[name] = row()
            bar.advance(1)
    return made


def metrical_trends(made: Made, genres: Integers) -> dict[str, dict[str, NDArray[np.float64]]]:
    """Fig 4: mean and deviation ``[4, 2]`` of velocity and microtiming at "1", "e", "&", "a".

    By genre, of those that there are.
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
    """Fig 5: how often a genre's templates, rows, are heard as each genre, columns: ``[6, 6]``.

    They are played as ``genre``, or, for None, each as its own.
    """
    confusion = np.zeros((len(GENRES), len(GENRES)), np.int64)
    for index, own in enumerate(GENRES):
        part = select(test, test.genres == index)
        if len(part):
            heard = tasks.hear_genres(classifier, generate(groover, part, genre or own))
            confusion[index] = np.bincount(heard, minlength=len(GENRES))
    return confusion


@torch.inference_mode()
def generate(groover: Groover, corpus: corpora.Corpus, genre: str | None, seed: int = 0) -> Made:
    """Play every template of a corpus as a genre, each alone; ``[B, T, V]`` each."""
    generator = np.random.default_rng(seed)
    template = torch.from_numpy(corpus.templates)
    wish = sampling.blank(len(template), genre=genre)
    prior, network = groover.prior, groover.network
    known = torch.zeros(len(template), 0, prior.stages, dtype=torch.int64)
    asked = sampling.read_templates(prior, template, genre)
    codes = groover.go_on(asked, known, template, generator)
    logits = network.note.decode(codes, template, network.skeleton(template))
    notes = (logits > 0).float()
    skeleton = network.skeleton(notes)
    made = []
    for player in (network.velocity, network.timing):
        expected = player.expect(notes, skeleton, wish)
        noise = generator.standard_normal(expected.mean.shape).astype(np.float32)
        z = expected.sample(infer.CALM * torch.from_numpy(noise))
        made.append((notes * player.decode(z, notes, skeleton, wish)).numpy())
    return notes.numpy(), made[0], made[1]


def feel_milliseconds(groover: Groover, test: corpora.Corpus) -> dict[str, float]:
    """How late the mean onset is at 120 bpm when templates are played with each feel."""
    chosen = np.linspace(0, len(test) - 1, FEEL_TEMPLATES).astype(int)
    late = {}
    for feel in FEELS:
        offsets = []
        for sketch in test.templates[chosen]:
            template = infer.Performance(sketch.T, np.zeros_like(sketch.T))
            played = infer.groove(template, groover, Controls(feel=(FEEL_VALUES[feel],)))
            offsets.append(played.offsets[played.velocities > 0])
        late[feel] = float(np.concatenate(offsets).mean()) * MILLISECONDS_PER_STEP
    return late


def select(corpus: corpora.Corpus, chosen: NDArray[np.bool_]) -> corpora.Corpus:
    """The windows of a corpus that are chosen, ``[B]``."""
    windows = Windows(corpus.windows.velocities[chosen], corpus.windows.timings[chosen])
    return corpora.Corpus(
        windows, corpus.templates[chosen], corpus.genres[chosen], corpus.tracks[chosen]
    )


def _load_baselines() -> Checkpoint:
    """Those that ship, whatever weights of the model itself the user named."""
    path = shipped_folder() / f"{BASELINES}.safetensors"
    if not path.is_file():
        raise UnavailableError("no baselines of groove are installed", "reinstall drumkit")
    return load_weights(BASELINES, str(path))


def _row(name: str, made: Made, test: corpora.Corpus, classifier: GenreClassifier) -> list[Cell]:
    accuracy = metrics.accuracy(tasks.hear_genres(classifier, made), test.genres)
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
