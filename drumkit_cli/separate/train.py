"""The recipe of the built-in separator: L1 on waveforms of remixed rendered bands."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel

from drumkit_cli.bands import takes
from drumkit_cli.errors import UsageError
from drumkit_cli.learning import training
from drumkit_cli.learning.checkpoint import save_weights
from drumkit_cli.separate.data import mixes
from drumkit_cli.separate.model import SeparatorConfig, build


@dataclass(frozen=True)
class Recipe:
    """Everything of a run that is not where and how long."""

    config: SeparatorConfig = SeparatorConfig()
    takes: int = 700
    take_seconds: float = 40.0
    batch: int = 6
    crop_seconds: float = 3.0
    learning_rate: float = 2e-3
    average: float = 0.999
    validation_batches: int = 8


PRESETS = {
    "cpu": Recipe(),
    "gpu": Recipe(
        SeparatorConfig(channels=48, growth=2.0),
        takes=4000,
        batch=64,
        crop_seconds=6.0,
        learning_rate=1e-3,
    ),
    "tiny": Recipe(
        SeparatorConfig(channels=4, growth=1.0),
        takes=3,
        take_seconds=8.0,
        batch=2,
        validation_batches=1,
    ),
}


class SeparateTask:
    """Optimises a separator; the average of its weights is what is validated and shipped."""

    def __init__(self, fabric: Fabric, recipe: Recipe, pool: list[takes.Take]) -> None:
        self._fabric = fabric
        self._recipe = recipe
        self._train = [band for band in pool if band.split == "train"] or pool
        held_out = [band for band in pool if band.split == "validation"] or pool
        self._validation = list(islice(mixes(held_out, 4, 8.0, seed=1), recipe.validation_batches))
        network = build(recipe.config)
        optimizer = torch.optim.Adam(network.parameters(), recipe.learning_rate)
        self._network, adam = fabric.setup(network, optimizer)
        self._average = AveragedModel(network, avg_fn=partial(_moving_average, recipe.average))
        self.models: dict[str, nn.Module] = {"network": network, "average": self._average}
        self.optimizers: dict[str, Optimizer] = {"adam": adam}

    def batches(self, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Endless remixes of the training songs."""
        return mixes(self._train, self._recipe.batch, self._recipe.crop_seconds, seed)

    def step(self, batch: tuple[Tensor, Tensor], progress: float) -> dict[str, float]:
        """One step of Adam on the L1 distance; the rate rises briefly, then falls as a cosine."""
        mix, sources = (self._fabric.to_device(part) for part in batch)
        network, optimizer = self._network, self.optimizers["adam"]
        network.train()
        warm = min(1.0, progress / 0.02 + 0.02)
        rate = (
            self._recipe.learning_rate * warm * (0.02 + 0.49 * (1 + math.cos(math.pi * progress)))
        )
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad()
        with torch.autocast(mix.device.type, dtype=torch.bfloat16):
            estimates = network(mix)
        loss = nn.functional.l1_loss(estimates.float(), sources)
        self._fabric.backward(loss)
        norm = nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        self._average.update_parameters(self.models["network"])
        return {"loss": float(loss.detach()), "gradient": float(norm), "rate": rate}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """SDR in dB of each source over fixed remixes of the validation songs."""
        average = self._average.eval()
        ratios = []
        for mix, sources in self._validation:
            with torch.autocast(mix.device.type, dtype=torch.bfloat16):
                estimates = average(self._fabric.to_device(mix)).float().cpu()
            power = sources.square().sum((2, 3)).clamp_min(1e-2)
            error = (estimates - sources).square().sum((2, 3)).clamp_min(1e-6)
            ratios.append(10 * torch.log10(power / error))
        medians = torch.cat(ratios).median(0).values
        figures = {
            name: float(sdr) for name, sdr in zip(self._recipe.config.sources, medians, strict=True)
        }
        return {"score": -float(medians.mean()), **figures}

    def export(self, path: Path, figures: Mapping[str, float]) -> None:
        """Write the averaged weights."""
        save_weights(
            path,
            self._average.module.state_dict(),
            feature="separate",
            config=self._recipe.config.as_dict(),
            card={"data": takes.LICENCES, "validation": dict(figures)},
        )


def train(data: Path, run: training.Run) -> None:
    """Render the bands of `data` once into the run's folder, then train until the limit.

    Raises:
        UsageError: there is no such preset.
        DrumkitError: as `training.start`, `takes.takes_of_run` and `training.fit`.
    """
    if run.preset not in PRESETS:
        raise UsageError(f"no preset {run.preset}", f"one of {', '.join(PRESETS)}")
    recipe = PRESETS[run.preset]
    fabric = training.start(run)
    pool = takes.takes_of_run(data, run, fabric, recipe.takes, recipe.take_seconds)
    training.fit(SeparateTask(fabric, recipe, pool), run, fabric)


def _moving_average(decay: float, average: Tensor, value: Tensor, count: Tensor | int) -> Tensor:
    """Exponential moving average that forgets its beginning: the decay grows to its final value."""
    warm = (1 + int(count)) / (10 + int(count))
    return torch.lerp(average, value, 1 - min(decay, warm))
