"""Training of the generator: adversarial losses (Eq. 1 and 2) and implicit maximum likelihood.

A GAN of two noise dimensions collapses to a few patterns. So every pattern of a batch also pulls
the nearest of many generated ones towards itself (K. Li and J. Malik, "Implicit maximum likelihood
estimation", arXiv 1809.09087), which leaves out no pattern of the data. The pull ends within a
margin, so that the generator does not memorise the data. The noise is drawn from the path of Eq. 8,
rotated by random angles.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim import Optimizer

from drumkit_cli.io.arrays import Floats
from drumkit_cli.learning import training
from drumkit_cli.learning.checkpoint import save_weights
from drumkit_cli.learning.export import untrained_graphs
from drumkit_cli.learning.optimisation import MovingAverage, as_floats, autocast, descend
from drumkit_cli.learning.starting import starting_network
from drumkit_cli.learning.torch_network import arrays
from drumkit_cli.patterns import pattern_sets
from drumkit_cli.patterns.networks import EncoderKind, NetConfig, to_targets, to_velocities
from drumkit_cli.patterns.pattern_sets import PATTERN_MEASURES, PatternSet
from drumkit_cli.patterns.ruler import MEASURE_STEPS
from drumkit_cli.patterns.statistics import (
    distances,
    one_a_source,
    onset_keys,
    share_known,
    two_sample_accuracies,
)
from drumkit_cli.swirl import infer, model
from drumkit_cli.swirl.model import Discriminator, Generator, ModelConfig, played
from drumkit_cli.swirl.walk import Walk

KINDS = ("composed", "electronic")


@dataclass(frozen=True)
class Recipe:
    """Hyperparameters of a run.

    Attributes:
        config: sizes of the networks.
        batch: patterns in a batch.
        candidates: generated patterns in a step, among which each real one finds its nearest.
        margin: number of differing hits up to which a nearest pattern is not pulled.
        note_weight: weight of the cross-entropy of a note relative to that of a rest; with 1 the
            generator plays fewer notes than the data has.
        adversarial_weight: weight of the adversarial loss relative to the pull.
        generator_rate: initial learning rate of the generator.
        discriminator_rate: learning rate of the discriminator.
        average: decay of the moving average of the generator's weights.
    """

    config: ModelConfig
    batch: int = 64
    candidates: int = 512
    margin: int = 6
    note_weight: float = 2.0
    adversarial_weight: float = 0.01
    generator_rate: float = 1e-3
    discriminator_rate: float = 1e-4
    average: float = 0.998


PRESETS = {
    "cpu": Recipe(ModelConfig(NetConfig(EncoderKind.CONV, 16))),
    "paper": Recipe(ModelConfig(NetConfig(EncoderKind.LSTM, 32)), adversarial_weight=1.0),
    "gpu": Recipe(ModelConfig(NetConfig(EncoderKind.LSTM, 64)), batch=256, candidates=2048),
    "tiny": Recipe(
        ModelConfig(NetConfig(EncoderKind.LSTM, 4, (16, 16, 16), (16, 16, 16, 16))),
        batch=8,
        candidates=32,
    ),
}


class SwirlTask:
    """Trains generator and discriminator; validates and ships the averaged generator."""

    def __init__(self, fabric: Fabric, recipe: Recipe, patterns: PatternSet) -> None:
        self._fabric = fabric
        self._recipe = recipe
        parts = [patterns.where("train", kind) for kind in KINDS]
        self._parts = [part for part in parts if len(part)]
        self._known = onset_keys(patterns.velocities)
        held_out = one_a_source(patterns, ("validation",), KINDS)
        self._held_out = held_out if len(held_out) else self._parts[0][:100]
        generator, discriminator = Generator(recipe.config), Discriminator(recipe.config)
        betas = (0.5, 0.99)
        adam = torch.optim.Adam(generator.parameters(), recipe.generator_rate, betas)
        self._generator, adam_generator = fabric.setup(generator, adam)
        adam = torch.optim.Adam(discriminator.parameters(), recipe.discriminator_rate, betas)
        self._discriminator, adam_discriminator = fabric.setup(discriminator, adam)
        self._average = MovingAverage(generator, recipe.average)
        self._graphs = untrained_graphs(recipe.config, model)
        self.models: dict[str, nn.Module] = {
            "generator": generator,
            "discriminator": discriminator,
            "average": self._average,
        }
        self.parts = {"": [generator, self._average.module]}
        self.optimizers: dict[str, Optimizer] = {
            "generator": adam_generator,
            "discriminator": adam_discriminator,
        }

    def batches(self, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Endless batches of patterns ``[B, V, T]`` with noise ``[candidates, 2]``.

        As many of each kind, since the composer has more than the data.
        """
        generator = np.random.default_rng(seed)
        while True:
            kinds = np.arange(self._recipe.batch) % len(self._parts)
            patterns = np.stack(
                [self._parts[kind][generator.integers(len(self._parts[kind]))] for kind in kinds]
            )
            yield (
                torch.from_numpy(patterns),
                torch.from_numpy(noise(self._recipe.candidates, generator)),
            )

    def step(self, batch: tuple[Tensor, Tensor], progress: float) -> dict[str, float]:
        """A step of the discriminator, then one of the generator, whose rate falls as a cosine."""
        recipe = self._recipe
        patterns, places = (self._fabric.to_device(part) for part in batch)
        rate = recipe.generator_rate * (0.02 + 0.49 * (1 + math.cos(math.pi * progress)))
        with autocast(self._fabric):
            logits = self._generator(places).float()
        made = played(logits[: recipe.batch])
        discrimination = self._discriminate(patterns, made.detach())
        pull, reached = self._pull(logits, patterns)
        with autocast(self._fabric):
            adversarial = F.softplus(-self._discriminator(_augmented(made)).float()).mean()
        loss = pull / 100 + recipe.adversarial_weight * adversarial
        descend(self._fabric, self.optimizers["generator"], loss, rate=rate)
        self._average.update_parameters(self.models["generator"])
        losses = {"pull": pull, "adversarial": adversarial, "discriminator": discrimination}
        return {**as_floats(losses), "reached": reached, "rate": rate}

    def _discriminate(self, patterns: Tensor, made: Tensor) -> Tensor:
        """A step of the discriminator (Eq. 1); returns its loss."""
        with autocast(self._fabric):
            real = self._discriminator(_augmented(patterns)).float()
            fake = self._discriminator(_augmented(made)).float()
        loss = F.softplus(-real).mean() + F.softplus(fake).mean()
        rate = self._recipe.discriminator_rate
        descend(self._fabric, self.optimizers["discriminator"], loss, rate=rate)
        return loss

    def _pull(self, logits: Tensor, patterns: Tensor) -> tuple[Tensor, float]:
        """Mean cross-entropy of the nearest generated pattern to each real one.

        Those within the margin count as 0; their share is returned too.
        """
        targets = to_targets(patterns)
        with torch.no_grad():
            flat = logits.flatten(1)
            entropy = F.softplus(flat).sum(1)[None] - targets.flatten(1) @ flat.T
        nearest = logits[entropy.argmin(1)]
        differing = ((nearest > 0) != (patterns > 0)).flatten(1).sum(1)
        far = differing > self._recipe.margin
        weight = torch.where(patterns > 0, self._recipe.note_weight, 1.0)
        losses = F.binary_cross_entropy_with_logits(nearest, targets, weight, reduction="none")
        pull = (losses.flatten(1).sum(1) * far).mean()
        return pull, 1 - float(far.float().mean())

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Two-sample test of the path's patterns against held-out ones, and the share of copies."""
        times = np.arange(2000) / 2000 * 2 * np.pi
        places = self._fabric.to_device(torch.from_numpy(infer.places(times, Walk())))
        velocities = to_velocities(self._average.module.eval()(places)).cpu().numpy()
        made = np.where(velocities < infer.SILENCE, 0, velocities)
        chosen = made[:: max(len(made) // len(self._held_out), 1)][: len(self._held_out)]
        real, ours = two_sample_accuracies(self._held_out[: len(chosen)], chosen)
        copies = share_known(made, self._known)
        nearest = float(np.median(distances(self._held_out, made).min(1)))
        return {
            "score": max(abs(real - 0.5), abs(ours - 0.5)) + 10 * max(copies - 0.03, 0.0),
            "two_sample": (real + ours) / 2,
            "real_accuracy": real,
            "ours_accuracy": ours,
            "copies": copies,
            "nearest": nearest,
            "onsets": float((made > 0).sum((1, 2)).mean()),
        }

    def export(self, path: Path, figures: Mapping[str, float]) -> None:
        """Write the averaged generator."""
        save_weights(
            path,
            arrays(self._average.module.state_dict()),
            feature="swirl",
            config=asdict(self._recipe.config),
            card={"data": pattern_sets.LICENCES, "figures": dict(figures)},
            graphs=self._graphs,
        )


def train(data: Path, run: training.Run) -> dict[str, float]:
    """Train on the electronic patterns of a data folder and on those of the composer."""
    recipe = training.choose(PRESETS, run.preset)
    given = starting_network(run, "swirl", recipe.config, model)
    fabric = training.start(run)
    task = SwirlTask(fabric, recipe, pattern_sets.load_patterns(data))
    return training.fit(task, run, fabric, given)


def noise(count: int, generator: np.random.Generator) -> Floats:
    """Noise ``[N, 2]``: points of the path of Eq. 8 at random times, rotated by random angles."""
    places = infer.places(generator.uniform(0, 2 * np.pi, count), Walk())
    angles = generator.uniform(0, 2 * np.pi, count).astype(np.float32)
    turned = (places[:, 0] + 1j * places[:, 1]) * np.exp(1j * angles)
    made: Floats = np.stack([turned.real, turned.imag], axis=1).astype(np.float32)
    return made


def _augmented(patterns: Tensor) -> Tensor:
    """Rotate patterns by whole measures, silence some voices and add noise to the velocities.

    Applied to real and generated patterns, so that the discriminator does not memorise the data.
    """
    turn = MEASURE_STEPS * int(torch.randint(PATTERN_MEASURES, ()))
    kept = torch.rand(*patterns.shape[:2], 1) > 0.15
    blurred = patterns + 0.1 * torch.randn(patterns.shape).to(patterns.device)
    return torch.roll(blurred, turn, 2) * kept.to(patterns.device)
