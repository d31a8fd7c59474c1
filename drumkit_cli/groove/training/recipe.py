"""Hyperparameters and presets, and what all training tasks of `groove` share.

That is moving averages of the weights, and the optimiser's step.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim import Optimizer

from drumkit_cli.groove import data as corpora
from drumkit_cli.groove import model
from drumkit_cli.groove.network.config import GrooveConfig
from drumkit_cli.groove.training.reconstruction import Batch, make_batch
from drumkit_cli.learning.checkpoint import save_weights
from drumkit_cli.learning.export import untrained_graphs
from drumkit_cli.learning.optimisation import MovingAverage, as_floats, descend, total
from drumkit_cli.learning.torch_network import arrays

WARM_UP_STEPS = 200


@dataclass(frozen=True)
class Recipe:
    """Hyperparameters of a run.

    Attributes:
        config: kind and sizes of the networks.
        batch: windows in a batch.
        learning_rate: highest learning rate.
        note_weight: weight of the cross-entropy of notes.
        codebook_weight, commitment_weight: weights of the quantiser's losses.
        velocity_beta, timing_beta: KL weights, for each latent dimension.
        forcing_end: share of teacher forcing at the end of the run.
        genre_share, pattern_share: probabilities that genre and patterns are given.
        prior_share: share of the run in which the prior is trained.
        varied: share of augmented windows.
        average: decay of the moving average of the weights.
    """

    config: GrooveConfig
    batch: int = 128
    learning_rate: float = 1e-3
    note_weight: float = 1.0
    codebook_weight: float = 0.2
    commitment_weight: float = 0.2
    velocity_beta: float = 0.2 / 64
    timing_beta: float = 0.2 / 64
    forcing_end: float = 0.5
    genre_share: float = 1.0
    pattern_share: float = 1.0
    prior_share: float = 0.25
    varied: float = 0.5
    average: float = 0.999


CONV = GrooveConfig(
    trunk="conv",
    width=128,
    skeleton_width=96,
    stages=3,
    learned_prior=True,
    prior_width=192,
    prior_template=True,
    prior_dropout=0.2,
)
CPU = Recipe(
    CONV,
    batch=64,
    note_weight=7.0,
    velocity_beta=0.03,
    timing_beta=0.025,
    genre_share=0.7,
    pattern_share=0.4,
    average=0.998,
)
PAPER = Recipe(GrooveConfig(conditions=False))
BASELINE = replace(
    PAPER,
    config=replace(PAPER.config, width=128, skeleton_width=64),
    batch=64,
    prior_share=0.0,
    average=0.998,
)
"""The paper's networks at half their width, so that the baselines' file stays small."""
PRESETS = {
    "cpu": CPU,
    "gpu": replace(CPU, config=replace(CONV, width=192, blocks=4), batch=256, average=0.999),
    "paper": PAPER,
    "paper-genres": replace(
        PAPER, config=replace(PAPER.config, conditions=True), pattern_share=0.0
    ),
    "paper-patterns": replace(PAPER, config=replace(PAPER.config, conditions=True)),
    "baseline-vq": BASELINE,
    "baseline-vae": replace(BASELINE, config=replace(BASELINE.config, note_code="vae")),
    "baseline-one-step": replace(BASELINE, config=replace(BASELINE.config, kind="one-step")),
    "classifier": replace(PAPER, config=GrooveConfig(kind="classifier")),
    "tiny": replace(
        CPU,
        config=replace(
            CONV,
            width=16,
            blocks=1,
            skeleton_width=8,
            codebook=8,
            stages=2,
            latent=8,
            prior_width=8,
        ),
        batch=8,
        average=0.9,
    ),
}
BASELINE_PRESETS = {
    "classifier": "classifier",
    "one-step": "baseline-one-step",
    "vae": "baseline-vae",
    "vq": "baseline-vq",
}
"""Models of the baselines' file, with the presets that train them."""


class AveragedTask:
    """Networks with an optimiser and a moving average each; the averages are exported."""

    def __init__(
        self,
        fabric: Fabric,
        recipe: Recipe,
        corpus: Mapping[str, corpora.Corpus],
        networks: Mapping[str, nn.Module],
    ) -> None:
        self.fabric, self.recipe, self.corpus = fabric, recipe, corpus
        self.held_out = corpus.get("validation", corpus["train"])
        self.models: dict[str, nn.Module] = {}
        self.parts: dict[str, list[nn.Module]] = {}
        self.optimizers: dict[str, Optimizer] = {}
        steerable = recipe.config.steerable
        self._graphs = untrained_graphs(recipe.config, model) if steerable else {}
        for name, network in networks.items():
            self.models[name] = fabric.to_device(network)
            average = MovingAverage(network, recipe.average, warm_up=True)
            self.models[_averaged(name)] = fabric.to_device(average)
            self.parts[name] = [network, average.module]
            self.optimizers[name] = torch.optim.AdamW(
                network.parameters(), recipe.learning_rate, (0.9, 0.99), weight_decay=0.01
            )

    def batches(self, seed: int) -> Iterator[Batch]:
        """Endless batches of training windows."""
        recipe = self.recipe
        drawn = corpora.batches(self.corpus["train"], recipe.batch, seed, varied=recipe.varied)
        for windows, reduced, genres in drawn:
            yield make_batch(windows, reduced, genres)

    def export(self, path: Path, figures: Mapping[str, float]) -> None:
        """Write the averaged networks, with their names as prefixes."""
        state = {
            f"{name}.{key}": value
            for name in self.optimizers
            for key, value in self.average(name).state_dict().items()
        }
        save_weights(
            path,
            arrays(state),
            feature="groove",
            config=asdict(self.recipe.config),
            card={"data": corpora.LICENCES, "validation": dict(figures)},
            graphs=self._graphs,
        )

    def average(self, name: str) -> nn.Module:
        """The moving average of a network, in eval mode."""
        average = self.models[_averaged(name)].eval()
        assert isinstance(average, MovingAverage)
        module: nn.Module = average.module
        return module

    def optimise(
        self, name: str, losses: Mapping[str, Tensor], progress: float
    ) -> dict[str, float]:
        """A step of a network at ``progress`` 0..1 of its training; returns the losses.

        The learning rate rises for `WARM_UP_STEPS`, then falls as a cosine to 0.
        """
        average = self.models[_averaged(name)]
        assert isinstance(average, MovingAverage)
        warm = min(1.0, (int(average.n_averaged) + 1) / WARM_UP_STEPS)
        fall = (1 + np.cos(np.pi * min(progress, 1.0))) / 2
        rate = self.recipe.learning_rate * float(warm * fall)
        descend(self.fabric, self.optimizers[name], total(losses), rate=rate, clip=1.0)
        average.update_parameters(self.models[name])
        return as_floats(losses)


def _averaged(name: str) -> str:
    return f"{name} average"
