"""Training of the grader: a network that tells kinds and grades of damage, then the regressions.

The network learns from images alone; a layer on top of it, which is not kept, says which kind of
damage was done and which grade it implies. At each validation the Gaussians of real drums and the
regressions are fitted to the training examples.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import Optimizer

from drumkit_cli.bands.takes import LICENCES, takes_of_run
from drumkit_cli.errors import BadDataError
from drumkit_cli.grading import model
from drumkit_cli.grading.buckets import bucket_of
from drumkit_cli.grading.config import CONTEXTS, GraderConfig
from drumkit_cli.grading.model import GraderNetwork
from drumkit_cli.grading.vector import features_of
from drumkit_cli.io.arrays import Floats
from drumkit_cli.learning import training
from drumkit_cli.learning.checkpoint import save_weights
from drumkit_cli.learning.export import untrained_graphs
from drumkit_cli.learning.optimisation import autocast, descend
from drumkit_cli.learning.starting import starting_network
from drumkit_cli.learning.torch_network import arrays
from drumkit_cli.score.data import Examples, make_examples, to_images
from drumkit_cli.score.ladder import INSTEAD, RULES
from drumkit_cli.score.regression import fit_regressions

GRADE_WEIGHT = 1 / 3
LEAST_CLIPS = 2
SHRINKAGE = 1e-3
"""Share of the mean variance that is added to each."""


@dataclass(frozen=True)
class Recipe:
    """Hyperparameters of a run.

    Attributes:
        config: sizes of the network.
        takes: number of rendered takes.
        take_seconds: length of a take.
        batch: clips in a batch.
        learning_rate: highest learning rate.
    """

    config: GraderConfig = GraderConfig()
    takes: int = 480
    take_seconds: float = 24.0
    batch: int = 32
    learning_rate: float = 2e-3


PRESETS = {
    "cpu": Recipe(),
    "gpu": Recipe(GraderConfig((32, 64, 96, 128)), takes=1000, batch=128),
    "tiny": Recipe(GraderConfig((4, 8)), takes=4, take_seconds=7.0, batch=4),
}

Batch = tuple[Tensor, Tensor, Tensor]
"""Images `[B, 1, F, T]`, kinds `[B]` and grades `[B]`."""


class Classifier(nn.Module):
    """The network and a layer on top of it: images to kinds and a grade, `[B, K + 1]`."""

    def __init__(self, config: GraderConfig) -> None:
        super().__init__()
        self.network = GraderNetwork(config)
        self.head = nn.Linear(sum(config.channels), len(RULES) + len(INSTEAD) + 1)

    def forward(self, images: Tensor) -> Tensor:
        """Logits of `ladder.RULES` and `ladder.INSTEAD`, then the grade."""
        logits: Tensor = self.head(torch.cat(self.network.activations(images), 1))
        return logits


class ScoreTask:
    """Trains a grader."""

    def __init__(self, fabric: Fabric, recipe: Recipe, train: Examples, held_out: Examples) -> None:
        self._fabric = fabric
        self._recipe = recipe
        self._train, self._held_out = train, held_out
        classifier = Classifier(recipe.config)
        self._network = classifier.network
        self._graphs = untrained_graphs(recipe.config, model)
        adam = torch.optim.AdamW(classifier.parameters(), recipe.learning_rate, weight_decay=0.01)
        self._classifier, optimizer = fabric.setup(classifier, adam)
        self.models: dict[str, nn.Module] = {"classifier": classifier}
        self.parts = {"": [classifier.network]}
        self.optimizers: dict[str, Optimizer] = {"adam": optimizer}

    def batches(self, seed: int) -> Iterator[Batch]:
        """Endless training clips, drawn evenly."""
        chance = np.random.default_rng(seed)
        examples = self._train
        while True:
            drawn = chance.integers(len(examples.images), size=self._recipe.batch)
            yield (
                torch.from_numpy(to_images(examples.images[drawn]))[:, None],
                torch.from_numpy(examples.kind[drawn]),
                torch.from_numpy(examples.grade[drawn]),
            )

    def step(self, batch: Batch, progress: float) -> dict[str, float]:
        """A step of AdamW; the learning rate falls as a cosine."""
        self._classifier.train()
        images, kinds, grades = (self._fabric.to_device(part) for part in batch)
        with autocast(self._fabric):
            logits = self._classifier(images).float()
        losses = {
            "kind": nn.functional.cross_entropy(logits[:, :-1], kinds),
            "grade": GRADE_WEIGHT * nn.functional.mse_loss(logits[:, -1], grades),
        }
        rate = self._recipe.learning_rate * (0.01 + 0.495 * (1 + math.cos(math.pi * progress)))
        descend(
            self._fabric, self.optimizers["adam"], torch.stack(list(losses.values())).sum(),
            rate=rate, clip=1.0,
        )  # fmt: skip
        return {name: float(loss.detach()) for name, loss in losses.items()}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Fit Gaussians and regressions; share of held-out clips in their buckets by context."""
        network = self._network.eval()
        real = [layer.double() for layer in self._activations(self._train.references)]
        for number, layer in enumerate(real):
            mean, whitening = gaussian(layer.cpu().numpy())
            _fill(network, f"mean{number}", mean)
            _fill(network, f"whitening{number}", whitening)
        fitted = fit_regressions(
            self._recipe.config, self._features(self._train), self._train.grade
        )
        for name, value in vars(fitted).items():
            _fill(network, name, value)
        wanted = np.array([bucket_of(grade) for grade in self._held_out.grade])
        features = torch.from_numpy(self._features(self._held_out))
        probabilities, _ = network.judge(self._fabric.to_device(features))
        right = (probabilities.cpu().numpy().argmax(2) == wanted).mean(1).tolist()
        return {"score": 1 - right[-1], **dict(zip(CONTEXTS, right, strict=True))}

    def export(self, path: Path, figures: Mapping[str, float]) -> None:
        """Write the network with what the last validation fitted."""
        save_weights(
            path,
            arrays(self._network.state_dict()),
            feature="score",
            config=asdict(self._recipe.config),
            card={"data": LICENCES, "validation": dict(figures)},
            graphs=self._graphs,
            half=False,
        )

    def _features(self, examples: Examples) -> Floats:
        """Features `[n, D]` beside reference and bass."""
        embedded, wanted = (
            self._embedded(images) for images in (examples.images, examples.references)
        )
        rows = zip(
            examples.parts, embedded, wanted[examples.reference], examples.correlations, strict=True
        )
        return np.stack([features_of(self._recipe.config, *row) for row in rows])

    def _embedded(self, images: NDArray[np.uint8]) -> Floats:
        found: Floats = (
            torch.cat([self._network.embed(part) for part in self._parts(images)]).cpu().numpy()
        )
        return found

    def _activations(self, images: NDArray[np.uint8]) -> list[Tensor]:
        found = [self._network.activations(part) for part in self._parts(images)]
        return [torch.cat(layer) for layer in zip(*found, strict=True)]

    def _parts(self, images: NDArray[np.uint8]) -> Iterator[Tensor]:
        for start in range(0, len(images), 64):
            part = torch.from_numpy(to_images(images[start : start + 64]))[:, None]
            yield self._fabric.to_device(part)


def train(data: Path, run: training.Run) -> None:
    """Train on takes rendered from a data folder, or on the rendered takes that it holds."""
    recipe = training.choose(PRESETS, run.preset)
    given = starting_network(run, "score", recipe.config, model)
    fabric = training.start(run)
    takes = takes_of_run(data, run, fabric, recipe.takes, recipe.take_seconds)
    splits = [
        make_examples([take for take in takes if take.split == split], run.seed + number)
        for number, split in enumerate(("train", "validation"))
    ]
    if any(len(examples.references) < LEAST_CLIPS for examples in splits):
        raise BadDataError(f"{data}: too few clips to train on, or to validate on")
    training.fit(ScoreTask(fabric, recipe, *splits), run, fabric, given)


def gaussian(activations: NDArray[np.float64]) -> tuple[Floats, Floats]:
    """Mean `[C]` of activations `[n, C]`, and the matrix `[C, C]` that makes them uncorrelated."""
    covariance = np.cov(activations.T)
    width = len(covariance)
    covariance += SHRINKAGE * (np.trace(covariance) / width + 1e-6) * np.eye(width)
    whitening = np.linalg.cholesky(np.linalg.inv(covariance))
    return activations.mean(0).astype(np.float32), whitening.astype(np.float32)


def _fill(network: GraderNetwork, name: str, value: Floats) -> None:
    network.get_buffer(name).copy_(torch.from_numpy(value))
