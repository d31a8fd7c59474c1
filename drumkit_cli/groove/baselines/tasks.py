"""Baselines of the evaluation (3.3 and 4.2): nearest neighbours, and the training of networks."""

from collections.abc import Mapping

import numpy as np
import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor

from drumkit_cli.groove.baselines.networks import GenreClassifier, OneStep
from drumkit_cli.groove.data import NO_GENRE, Corpus
from drumkit_cli.groove.training import metrics
from drumkit_cli.groove.training.recipe import AveragedTask, Recipe
from drumkit_cli.groove.training.reconstruction import Batch, divergence, parts, reconstruct_all
from drumkit_cli.io.arrays import Floats, Integers
from drumkit_cli.learning.optimisation import autocast

NEIGHBOURS = 20


def nearest_neighbours(train: Corpus, templates: Floats) -> tuple[Floats, Floats, Floats]:
    """Performances of the 20 training windows with the nearest templates (equations 1 and 2).

    Similarity is the inner product of templates ``[B, T, V]``. A note is played if at least half
    have it; velocities and timings are means over all 20, and 0 without a note.
    """
    known = train.templates.reshape(len(train), -1)
    made = []
    for part in np.array_split(templates, max(1, len(templates) // 256)):
        nearness = part.reshape(len(part), -1) @ known.T
        chosen = np.argsort(-nearness, 1, kind="stable")[:, :NEIGHBOURS]
        windows = train.windows
        notes = 2 * windows.notes[chosen].sum(1) >= NEIGHBOURS
        made.append(
            (
                notes.astype(np.float32),
                notes * windows.velocities[chosen].mean(1),
                notes * windows.timings[chosen].mean(1),
            )
        )
    notes, velocities, timings = (np.concatenate(parts) for parts in zip(*made, strict=True))
    return notes, velocities, timings


def classify_genres(
    classifier: GenreClassifier, made: tuple[Floats, Floats, Floats]
) -> NDArray[np.int64]:
    """Predicted genres ``[B]`` of performances (notes, velocities, timings ``[B, T, V]``)."""
    with torch.no_grad():
        logits = classifier(*(torch.from_numpy(array) for array in made))
    genres: Integers = logits.argmax(-1).numpy()
    return genres


class OneStepTask(AveragedTask):
    """Trains the one-step VAE of 3.3.2, with the losses and the KL weight of the other VAEs."""

    def __init__(self, fabric: Fabric, recipe: Recipe, corpus: Mapping[str, Corpus]) -> None:
        super().__init__(fabric, recipe, corpus, {"one-step": OneStep(recipe.config)})

    def step(self, batch: Batch, progress: float) -> dict[str, float]:
        """A step on reconstruction errors and KL divergence."""
        model = self.models["one-step"]
        assert isinstance(model, OneStep)
        batch = self.fabric.to_device(batch)
        notes = batch.notes
        with autocast(self.fabric):
            found = model.encode(notes, batch.velocities, batch.timings, batch.template)
            z = found.sample(torch.randn_like(found.mean))
            logits, velocities, timings = model.decode(z, batch.template)
            error = F.binary_cross_entropy_with_logits(logits, notes)
            beta = self.recipe.velocity_beta * min(1.0, 2 * progress)
            losses = {
                "note": error * notes[0].numel(),
                "velocity": _squares(notes * (velocities - batch.velocities)),
                "timing": _squares(notes * (timings - batch.timings)),
                "kl": beta * divergence(found, None),
            }
        return self.optimise("one-step", losses, progress)

    def validate(self) -> dict[str, float]:
        """Reconstruction figures of held-out windows."""
        with autocast(self.fabric):
            made = reconstruct_all(
                self.average("one-step"), self.held_out, device=self.fabric.device
            )
        figures = metrics.reconstruction(*made, self.held_out.windows)
        score = 1 - figures["note_f1"] + 10 * (figures["velocity_mse"] + figures["timing_mse"])
        return {"score": score, **figures}


class ClassifierTask(AveragedTask):
    """Trains the genre classifier."""

    def __init__(self, fabric: Fabric, recipe: Recipe, corpus: Mapping[str, Corpus]) -> None:
        super().__init__(fabric, recipe, corpus, {"classifier": GenreClassifier()})

    def step(self, batch: Batch, progress: float) -> dict[str, float]:
        """A step on the windows of a batch that have a genre."""
        batch = self.fabric.to_device(batch)
        with autocast(self.fabric):
            logits = self.models["classifier"](batch.notes, batch.velocities, batch.timings)
            loss = F.cross_entropy(logits, batch.genres, ignore_index=NO_GENRE, label_smoothing=0.1)
        return self.optimise("classifier", {"genre": loss}, progress)

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Accuracy on held-out windows."""
        classifier = self.average("classifier")
        found, real = [], []
        for batch in parts(self.held_out):
            batch = self.fabric.to_device(batch)
            logits = classifier(batch.notes, batch.velocities, batch.timings)
            found.append(logits.argmax(-1).cpu().numpy())
            real.append(batch.genres.cpu().numpy())
        accuracy = metrics.accuracy(np.concatenate(found), np.concatenate(real))
        return {"score": 1 - accuracy, "accuracy": accuracy}


def _squares(error: Tensor) -> Tensor:
    return error.square().sum((1, 2)).mean()
