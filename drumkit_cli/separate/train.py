"""Training of the built-in separator: L1 loss on waveforms of remixed bands and recordings."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim import Optimizer

from drumkit_cli.bands import takes
from drumkit_cli.learning import training
from drumkit_cli.learning.checkpoint import save_weights
from drumkit_cli.learning.export import untrained_graphs
from drumkit_cli.learning.optimisation import MovingAverage, autocast, descend
from drumkit_cli.learning.starting import starting_network
from drumkit_cli.learning.torch_network import arrays
from drumkit_cli.separate import model, recordings
from drumkit_cli.separate.config import SeparatorConfig
from drumkit_cli.separate.data import mixes
from drumkit_cli.separate.model import separator_network
from drumkit_cli.separate.recordings import Recording

GRADIENT_MAX: Final = 0.3
"""Norm that gradients are cut to: twice that of most, so that no batch throws the weights off."""


@dataclass(frozen=True)
class Recipe:
    """Hyperparameters of a run.

    Attributes:
        config: sizes of the network.
        takes: number of rendered takes.
        take_seconds: length of a take.
        batch: mixes in a batch.
        crop_seconds: length of a mix.
        learning_rate: highest learning rate.
        average: decay of the moving average of the weights.
        validation_batches: batches of four mixes of 8 s to validate on.
    """

    config: SeparatorConfig = field(default_factory=SeparatorConfig)
    takes: int = 700
    take_seconds: float = 40.0
    batch: int = 6
    crop_seconds: float = 3.0
    learning_rate: float = 2e-3
    average: float = 0.998
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
    """Trains a separator; validates and ships the moving average of its weights."""

    def __init__(
        self, fabric: Fabric, recipe: Recipe, pool: list[takes.Take], recorded: list[Recording]
    ) -> None:
        self._fabric = fabric
        self._recipe = recipe
        self._train = [take for take in pool if take.split == "train"] or pool
        self._recorded = recordings.part(recorded, validation=False)
        held_out = [take for take in pool if take.split == "validation"] or pool
        endings = recordings.part(recorded, validation=True)
        validation = mixes(held_out, endings, 4, 8.0, seed=1)
        self._validation = list(islice(validation, recipe.validation_batches))
        network = separator_network(recipe.config)
        optimizer = torch.optim.Adam(network.parameters(), recipe.learning_rate, betas=(0.9, 0.99))
        self._network, adam = fabric.setup(network, optimizer)
        self._average = MovingAverage(network, recipe.average, warm_up=True)
        self._graphs = untrained_graphs(recipe.config, model)
        self.models: dict[str, nn.Module] = {"network": network, "average": self._average}
        self.parts = {"": [network, self._average.module]}
        self.optimizers: dict[str, Optimizer] = {"adam": adam}

    def batches(self, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Endless remixes of the training takes and recordings."""
        recipe = self._recipe
        return mixes(self._train, self._recorded, recipe.batch, recipe.crop_seconds, seed)

    def step(self, batch: tuple[Tensor, Tensor], progress: float) -> dict[str, float]:
        """A step of Adam on the L1 loss; the learning rate warms up, then falls as a cosine."""
        mix, sources = (self._fabric.to_device(part) for part in batch)
        self._network.train()
        warm = min(1.0, progress / 0.02 + 0.02)
        rate = (
            self._recipe.learning_rate * warm * (0.02 + 0.49 * (1 + math.cos(math.pi * progress)))
        )
        with autocast(self._fabric):
            estimates = self._network(mix)
        loss = nn.functional.l1_loss(estimates.float(), sources)
        norm = descend(self._fabric, self.optimizers["adam"], loss, rate=rate, clip=GRADIENT_MAX)
        self._average.update_parameters(self.models["network"])
        return {"loss": float(loss.detach()), "gradient": norm, "rate": rate}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Median SDR, dB, of each source over those fixed mixes of held-out sounds that have it."""
        average = self._average.eval()
        ratios = []
        for mix, sources in self._validation:
            with autocast(self._fabric):
                estimates = average(self._fabric.to_device(mix)).float().cpu()
            power = sources.square().sum((2, 3))
            power[power < 1e-2] = math.nan  # the source is silent
            error = (estimates - sources).square().sum((2, 3)).clamp_min(1e-6)
            ratios.append(10 * torch.log10(power / error))
        medians = torch.cat(ratios).nanmedian(0).values
        figures = {
            name: float(sdr) for name, sdr in zip(self._recipe.config.sources, medians, strict=True)
        }
        return {"score": -float(medians.mean()), **figures}

    def export(self, path: Path, figures: Mapping[str, float]) -> None:
        """Write the averaged separator."""
        save_weights(
            path,
            arrays(self._average.module.state_dict()),
            feature="separate",
            config=asdict(self._recipe.config),
            card={"data": f"{takes.LICENCES}; {recordings.LICENCES}", "validation": dict(figures)},
            graphs=self._graphs,
        )


def train(data: Path, run: training.Run) -> None:
    """Train on the recordings of a data folder and on bands: rendered from it, or that it holds."""
    recipe = training.choose(PRESETS, run.preset)
    given = starting_network(run, "separate", recipe.config, model)
    fabric = training.start(run)
    pool = takes.takes_of_run(data, run, fabric, recipe.takes, recipe.take_seconds)
    recorded = recordings.recordings_of_run(data, run.folder / "recordings", fabric)
    training.fit(SeparateTask(fabric, recipe, pool, recorded), run, fabric, given)
