"""The recipe of the drummer: an adversarial game (Eq. 1 and 2), and a pull towards all of the data.

A generator of two noise dimensions soon plays a few patterns only. So every pattern of a batch also
pulls the nearest one of many generated ones towards itself (implicit maximum likelihood, K. Li and
J. Malik, arXiv 1809.09087): no pattern of the data is left out. The pull ends at a distance, lest
the generator learn the data by heart. The noise of training is the path of Eq. 8 at any angle.
"""

from __future__ import annotations

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
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from drumkit_cli.errors import UsageError
from drumkit_cli.learning import training
from drumkit_cli.learning.checkpoint import save_weights
from drumkit_cli.patterns import pattern_sets
from drumkit_cli.patterns.grid import MEASURE_STEPS
from drumkit_cli.patterns.networks import EncoderKind, NetConfig, to_targets, to_velocities
from drumkit_cli.patterns.pattern_sets import PATTERN_MEASURES, Floats, PatternSet
from drumkit_cli.patterns.statistics import (
    distances,
    one_a_source,
    onset_keys,
    share_known,
    two_sample_accuracies,
)
from drumkit_cli.swirl import infer
from drumkit_cli.swirl.model import Discriminator, Generator, ModelConfig, played

KINDS = ("composed", "electronic")


@dataclass(frozen=True)
class Recipe:
    """Everything of a run that is not where and how long.

    Attributes:
        config: of the networks.
        batch: patterns a step.
        candidates: generated patterns a step, among which each of the data finds its nearest.
        margin: hits that the nearest may differ in before it is pulled.
        note_weight: of a note's cross-entropy in the pull, beside that of a rest; with 1 the
            generator plays fewer notes than the data.
        adversarial_weight: of the game beside the pull.
        generator_rate: the generator's learning rate at its height.
        discriminator_rate: the discriminator's.
        average: of the moving average of the generator's weights, which is what ships.
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
    """Optimises generator and discriminator; the averaged generator is what counts."""

    def __init__(self, fabric: Fabric, recipe: Recipe, patterns: PatternSet) -> None:
        self._fabric = fabric
        self._recipe = recipe
        self._train = patterns.where("train", *KINDS)
        self._known = onset_keys(patterns.velocities)
        held_out = one_a_source(patterns, ("validation",), KINDS)
        self._held_out = held_out if len(held_out) else self._train[:100]
        generator, discriminator = Generator(recipe.config), Discriminator(recipe.config)
        betas = (0.5, 0.99)
        self._generator, play = fabric.setup(
            generator, torch.optim.Adam(generator.parameters(), recipe.generator_rate, betas)
        )
        self._discriminator, judge = fabric.setup(
            discriminator,
            torch.optim.Adam(discriminator.parameters(), recipe.discriminator_rate, betas),
        )
        self._average = AveragedModel(
            generator, multi_avg_fn=get_ema_multi_avg_fn(recipe.average), use_buffers=True
        )
        self.models: dict[str, nn.Module] = {
            "generator": generator,
            "discriminator": discriminator,
            "average": self._average,
        }
        self.optimizers: dict[str, Optimizer] = {"play": play, "judge": judge}

    def batches(self, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Endless batches of patterns ``[B, V, T]`` and of noise ``[candidates, 2]``."""
        generator = np.random.default_rng(seed)
        while True:
            patterns = self._train[generator.integers(len(self._train), size=self._recipe.batch)]
            yield (
                torch.from_numpy(patterns),
                torch.from_numpy(noise(self._recipe.candidates, generator)),
            )

    def step(self, batch: tuple[Tensor, Tensor], progress: float) -> dict[str, float]:
        """One step of the discriminator, then one of the generator; its rate falls as a cosine."""
        recipe = self._recipe
        patterns, places = (self._fabric.to_device(part) for part in batch)
        rate = recipe.generator_rate * (0.02 + 0.49 * (1 + math.cos(math.pi * progress)))
        for group in self.optimizers["play"].param_groups:
            group["lr"] = rate
        with torch.autocast(patterns.device.type, dtype=torch.bfloat16):
            logits = self._generator(places).float()
        made = played(logits[: recipe.batch])
        judged = self._judge(patterns, made.detach())
        pull, reached = self._pull(logits, patterns)
        with torch.autocast(patterns.device.type, dtype=torch.bfloat16):
            fooled = F.softplus(-self._discriminator(_disguised(made)).float()).mean()
        self.optimizers["play"].zero_grad()
        self._fabric.backward(pull / 100 + recipe.adversarial_weight * fooled)
        self.optimizers["play"].step()
        self._average.update_parameters(self.models["generator"])
        return {
            "pull": float(pull.detach()),
            "reached": reached,
            "fooled": float(fooled.detach()),
            "judged": judged,
            "rate": rate,
        }

    def _judge(self, patterns: Tensor, made: Tensor) -> float:
        """One step of the discriminator (Eq. 1)."""
        with torch.autocast(patterns.device.type, dtype=torch.bfloat16):
            real = self._discriminator(_disguised(patterns)).float()
            fake = self._discriminator(_disguised(made)).float()
        loss = F.softplus(-real).mean() + F.softplus(fake).mean()
        self.optimizers["judge"].zero_grad()
        self._fabric.backward(loss)
        self.optimizers["judge"].step()
        return float(loss.detach())

    def _pull(self, logits: Tensor, patterns: Tensor) -> tuple[Tensor, float]:
        """The cross-entropy of the nearest generated pattern to each of the data.

        Also returns the share of the data that have one within the margin, which is not pulled.
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
        """How far the path's patterns are from being told from held-out ones, and copied."""
        times = np.arange(2000) / 2000 * 2 * np.pi
        places = self._fabric.to_device(torch.from_numpy(infer.swirl(times)))
        velocities = to_velocities(self._average.module.eval()(places)).cpu().numpy()
        made = np.where(velocities < infer.SILENCE, 0, velocities)
        chosen = made[:: max(len(made) // len(self._held_out), 1)][: len(self._held_out)]
        real, ours = two_sample_accuracies(self._held_out[: len(chosen)], chosen)
        copies = share_known(made, self._known)
        nearest = float(np.median(distances(self._held_out, made).min(1)))
        return {
            "score": max(abs(real - 0.5), abs(ours - 0.5)) + 10 * max(copies - 0.03, 0.0),
            "two_sample": (real + ours) / 2,
            "real_told": real,
            "ours_told": ours,
            "copies": copies,
            "nearest": nearest,
            "onsets": float((made > 0).sum((1, 2)).mean()),
        }

    def export(self, path: Path, figures: Mapping[str, float]) -> None:
        """Write the averaged generator."""
        save_weights(
            path,
            self._average.module.state_dict(),
            feature="swirl",
            config=asdict(self._recipe.config),
            card={"data": pattern_sets.LICENCES, "figures": dict(figures)},
        )


def train(data: Path, run: training.Run) -> dict[str, float]:
    """Train on the electronic patterns of a folder and on our composer's.

    Raises:
        UsageError: there is no such preset.
        DrumkitError: as `load_patterns` and `fit`.
    """
    recipe = PRESETS.get(run.preset)
    if recipe is None:
        raise UsageError(f"no preset {run.preset}", f"take one of {', '.join(PRESETS)}")
    fabric = training.start(run)
    task = SwirlTask(fabric, recipe, pattern_sets.load_patterns(data))
    return training.fit(task, run, fabric)


def noise(count: int, generator: np.random.Generator) -> Floats:
    """Places ``[N, 2]``: of the path of Eq. 8 at random times, turned by random angles."""
    places = infer.swirl(generator.uniform(0, 2 * np.pi, count))
    angles = generator.uniform(0, 2 * np.pi, count).astype(np.float32)
    turned = (places[:, 0] + 1j * places[:, 1]) * np.exp(1j * angles)
    made: Floats = np.stack([turned.real, turned.imag], axis=1).astype(np.float32)
    return made


def _disguised(patterns: Tensor) -> Tensor:
    """Patterns turned by whole measures, some voices silent, all velocities a little off.

    Data and generated ones alike, so that the discriminator cannot know the data by heart.
    """
    turn = MEASURE_STEPS * int(torch.randint(PATTERN_MEASURES, ()))
    kept = torch.rand(*patterns.shape[:2], 1) > 0.15
    blurred = patterns + 0.1 * torch.randn(patterns.shape).to(patterns.device)
    return torch.roll(blurred, turn, 2) * kept.to(patterns.device)
