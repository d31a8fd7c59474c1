"""Training of the autoencoder: binary cross-entropy and KL (Eq. 3 to 5) on augmented patterns."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim import Optimizer

from drumkit_cli.interpolate import model
from drumkit_cli.interpolate.model import ModelConfig, PatternVAE
from drumkit_cli.io.arrays import Floats
from drumkit_cli.learning import training
from drumkit_cli.learning.checkpoint import save_weights
from drumkit_cli.learning.export import untrained_graphs
from drumkit_cli.learning.optimisation import MovingAverage, as_floats, autocast, descend
from drumkit_cli.learning.starting import starting_network
from drumkit_cli.learning.torch_network import arrays
from drumkit_cli.patterns import pattern_sets
from drumkit_cli.patterns.networks import EncoderKind, NetConfig, to_targets, to_velocities
from drumkit_cli.patterns.pattern_sets import PatternSet
from drumkit_cli.patterns.ruler import MEASURE_STEPS
from drumkit_cli.patterns.statistics import onset_f1


@dataclass(frozen=True)
class Recipe:
    """Hyperparameters of a run.

    Attributes:
        config: sizes of the network.
        batch: patterns in a batch.
        learning_rate: initial learning rate.
        kl_weight: weight of the KL term relative to the cross-entropy summed over a pattern.
        note_weight: weight of the cross-entropy of a note relative to that of a rest.
        augmented: share of a batch that is augmented.
        average: decay of the moving average of the weights.
    """

    config: ModelConfig
    batch: int = 128
    learning_rate: float = 1e-3
    kl_weight: float = 0.005
    note_weight: float = 2.0
    augmented: float = 0.5
    average: float = 0.998


PRESETS = {
    "cpu": Recipe(ModelConfig()),
    "z4": Recipe(ModelConfig(latent=4)),
    "conv": Recipe(ModelConfig(nets=NetConfig(EncoderKind.CONV))),
    "gpu": Recipe(ModelConfig(nets=NetConfig(hidden=128)), batch=512),
    "tiny": Recipe(
        ModelConfig(4, NetConfig(EncoderKind.LSTM, 4, (16, 16, 16), (16, 16, 16, 16))), batch=8
    ),
}


class InterpolateTask:
    """Trains the autoencoder; validates and ships the moving average of its weights."""

    def __init__(self, fabric: Fabric, recipe: Recipe, patterns: PatternSet) -> None:
        self._fabric = fabric
        self._recipe = recipe
        self._train = patterns.where("train")
        held_out = {
            "composed": patterns.where("validation", "composed"),
            "real": patterns.where("validation", "electronic", "other", "played"),
        }
        self._validation = {kind: part for kind, part in held_out.items() if len(part)}
        if not self._validation:
            self._validation = {"train": self._train}
        network = PatternVAE(recipe.config)
        optimizer = torch.optim.Adam(network.parameters(), recipe.learning_rate)
        self._network, adam = fabric.setup(network, optimizer)
        self._average = MovingAverage(network, recipe.average)
        self._graphs = untrained_graphs(recipe.config, model)
        self.models: dict[str, nn.Module] = {"network": network, "average": self._average}
        self.parts = {"": [network, self._average.module]}
        self.optimizers: dict[str, Optimizer] = {"adam": adam}

    def batches(self, seed: int) -> Iterator[Tensor]:
        """Endless batches of patterns ``[B, V, T]``."""
        generator = np.random.default_rng(seed)
        while True:
            chosen = generator.integers(len(self._train), size=self._recipe.batch)
            patterns = self._train[chosen]
            count = round(self._recipe.augmented * self._recipe.batch)
            patterns[:count] = augment(self._train, patterns[:count], generator)
            yield torch.from_numpy(patterns)

    def step(self, batch: Tensor, progress: float) -> dict[str, float]:
        """A step of Adam (Eq. 3 and 4): cosine learning rate, KL weight rising over a tenth."""
        recipe = self._recipe
        rate = recipe.learning_rate * (0.01 + 0.495 * (1 + math.cos(math.pi * progress)))
        patterns = self._fabric.to_device(batch)
        noise = torch.randn(len(patterns), recipe.config.latent).to(patterns.device)
        self._network.train()
        with autocast(self._fabric):
            logits, mean, log_variance = self._network(patterns, noise)
        notes = patterns > 0
        entropy = F.binary_cross_entropy_with_logits(
            logits.float(),
            to_targets(patterns),
            weight=torch.where(notes, recipe.note_weight, 1.0),
            reduction="sum",
        ) / len(patterns)
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1).mean()
        loss = entropy + recipe.kl_weight * min(1.0, 10 * progress) * divergence
        norm = descend(self._fabric, self.optimizers["adam"], loss, rate=rate, clip=100.0)
        self._average.update_parameters(self.models["network"])
        losses = as_floats({"entropy": entropy, "divergence": divergence})
        return {**losses, "gradient": norm, "rate": rate}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Onset F1 of reconstructed held-out patterns, and of some training patterns."""
        average = cast(PatternVAE, self._average.module).eval()
        parts = {**self._validation, "fit": self._train[:: max(len(self._train) // 1000, 1)]}
        figures = {}
        for name, part in parts.items():
            made = []
            for start in range(0, len(part), 256):
                patterns = self._fabric.to_device(torch.from_numpy(part[start : start + 256]))
                made.append(to_velocities(average.decode(average.encode(patterns)[0])).cpu())
            figures[name] = onset_f1(torch.cat(made).numpy(), part)
        return {"score": -min(figures[name] for name in self._validation), **figures}

    def export(self, path: Path, figures: Mapping[str, float]) -> None:
        """Write the averaged autoencoder."""
        save_weights(
            path,
            arrays(self._average.module.state_dict()),
            feature="interpolate",
            config=asdict(self._recipe.config),
            card={"data": pattern_sets.LICENCES, "figures": dict(figures)},
            graphs=self._graphs,
        )


def train(data: Path, run: training.Run) -> dict[str, float]:
    """Train on the patterns of a data folder and on those of the composer."""
    recipe = training.choose(PRESETS, run.preset)
    given = starting_network(run, "interpolate", recipe.config, model)
    fabric = training.start(run)
    task = InterpolateTask(fabric, recipe, pattern_sets.load_patterns(data))
    return training.fit(task, run, fabric, given)


def augment(pool: Floats, patterns: Floats, generator: np.random.Generator) -> Floats:
    """Augment patterns ``[N, V, T]``.

    Half take some voices or measures from another pattern of the pool; all are rotated by whole
    measures, and half have their velocities scaled.
    """
    made = patterns.copy()
    for pattern in made:
        other = pool[int(generator.integers(len(pool)))]
        kind = generator.random()
        if kind < 0.3:
            voices = generator.random(len(pattern)) < 0.5
            pattern[voices] = other[voices]
        elif kind < 0.5:
            at = MEASURE_STEPS * int(generator.integers(1, 4))
            pattern[:, at:] = other[:, at:]
        pattern[:] = np.roll(pattern, MEASURE_STEPS * int(generator.integers(4)), axis=1)
        if generator.random() < 0.5:
            pattern *= generator.uniform(0.6, 1.0)
    return made
