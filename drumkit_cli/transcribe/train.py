"""Training of the ear: cross-entropy of drums and beats, squared error of velocities.

The preset `bars` trains the network of bars for the ear of an existing file; see `training.bars`.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim import Optimizer

from drumkit_cli.io.extras import require_extra
from drumkit_cli.learning import training
from drumkit_cli.learning.checkpoint import save_weights
from drumkit_cli.learning.export import untrained_graphs
from drumkit_cli.learning.optimisation import MovingAverage, autocast, descend
from drumkit_cli.learning.starting import starting_network
from drumkit_cli.learning.torch_network import arrays
from drumkit_cli.listening import model
from drumkit_cli.listening.config import OUTPUTS, EarConfig
from drumkit_cli.listening.levels import FRAME_RATE
from drumkit_cli.listening.model import Ear
from drumkit_cli.listening.voices import VOICES
from drumkit_cli.transcribe.training.bars import BarRecipe, BarTask, ear_to_extend
from drumkit_cli.transcribe.training.calibration import best_thresholds
from drumkit_cli.transcribe.training.examples import CONTEXTS, Example, batches, draw_example, stack
from drumkit_cli.transcribe.training.takes import LICENCES, Take, load_takes, render_takes

POSITIVE_WEIGHTS = (2.0,) * len(VOICES) + (4.0, 4.0)
VELOCITY_WEIGHT = 2.0


@dataclass(frozen=True)
class Recipe:
    """Hyperparameters of a run.

    Attributes:
        config: sizes of the network.
        takes: number of rendered takes.
        take_seconds: length of a take.
        batch: excerpts in a batch.
        excerpt_seconds: length of an excerpt.
        learning_rate: highest learning rate.
        average: decay of the moving average of the weights.
        validation_examples: of each context.
    """

    config: EarConfig = EarConfig()
    takes: int = 1400
    take_seconds: float = 16.0
    batch: int = 8
    excerpt_seconds: float = 12.0
    learning_rate: float = 2e-3
    average: float = 0.998
    validation_examples: int = 32


PRESETS = {
    "cpu": Recipe(),
    "gpu": Recipe(EarConfig(width=256, slow_width=160), takes=4000, batch=64),
    "tiny": Recipe(
        EarConfig(channels=(4, 4), width=8, layers=2, slow_width=8, slow_layers=2),
        takes=10,
        take_seconds=4.0,
        batch=2,
        excerpt_seconds=2.0,
        validation_examples=2,
    ),
}


BAR_PRESETS = {
    "bars": BarRecipe(),
    "tiny-bars": BarRecipe(width=4, takes=10, take_seconds=12.0, batch=4, beats=16),
}


class EarTask:
    """Trains an ear; validates and ships the moving average of its weights."""

    def __init__(self, fabric: Fabric, recipe: Recipe, takes: list[Take]) -> None:
        self._fabric = fabric
        self._recipe = recipe
        self._frames = int(recipe.excerpt_seconds * FRAME_RATE)
        self._train = [take for take in takes if take.split == "train"] or takes
        held_out = [take for take in takes if take.split == "validation"] or takes
        self._validation = _fixed_examples(held_out, recipe, self._frames)
        network = Ear(recipe.config)
        optimizer = torch.optim.AdamW(network.parameters(), recipe.learning_rate, weight_decay=0.01)
        self._network, adam = fabric.setup(network, optimizer)
        self._average = MovingAverage(network, recipe.average, warm_up=True)
        self._graphs = untrained_graphs(recipe.config, model)
        self.models: dict[str, nn.Module] = {"network": network, "average": self._average}
        self.parts = {"": [network, self._average.module]}
        self.optimizers: dict[str, Optimizer] = {"adam": adam}
        self._thresholds = recipe.config.thresholds

    def batches(self, seed: int) -> Iterator[Example]:
        """Endless excerpts of the training takes."""
        return batches(self._train, self._recipe.batch, self._frames, seed)

    def step(self, batch: Example, progress: float) -> dict[str, float]:
        """A step of AdamW; the learning rate warms up, then falls as a cosine."""
        self._network.train()
        warm = min(1.0, progress / 0.02 + 0.02)
        rate = (
            self._recipe.learning_rate * warm * (0.01 + 0.495 * (1 + math.cos(math.pi * progress)))
        )
        with autocast(self._fabric):
            logits = self._network(self._fabric.to_device(torch.from_numpy(batch.levels)))
        losses = self._losses(logits.float(), batch)
        loss = torch.stack(list(losses.values())).sum()
        norm = descend(self._fabric, self.optimizers["adam"], loss, rate=rate, clip=1.0)
        self._average.update_parameters(self.models["network"])
        return {name: float(value.detach()) for name, value in losses.items()} | {
            "gradient": norm,
            "rate": rate,
        }

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Loss, and the F-measure of each voice in each context at its best common threshold."""
        average = self._average.eval()
        totals: dict[str, list[float]] = {}
        activations = []
        for batch in self._validation:
            with autocast(self._fabric):
                logits = average(self._fabric.to_device(torch.from_numpy(batch.levels))).float()
            for name, value in self._losses(logits, batch).items():
                totals.setdefault(name, []).append(float(value))
            activations.append(torch.sigmoid(logits).cpu().numpy())
        heard = [one for group in activations for one in group]
        targets = [one for batch in self._validation for one in batch.targets]
        weights = [one for batch in self._validation for one in batch.weights]
        thresholds, scores = best_thresholds(heard, targets, weights)
        self._thresholds = tuple(thresholds)
        losses = {name: float(np.mean(values)) for name, values in totals.items()}
        return {
            "score": sum(losses.values()),
            **losses,
            **{f"F {name}": score for name, score in zip(VOICES, scores, strict=True)},
        }

    def export(self, path: Path, figures: Mapping[str, float]) -> None:
        """Write the averaged ear with the thresholds of the last validation."""
        config = replace(self._recipe.config, thresholds=self._thresholds)
        save_weights(
            path,
            arrays(self._average.module.state_dict()),
            feature="transcribe",
            config=asdict(config),
            card={"data": LICENCES, "validation": dict(figures)},
            graphs=self._graphs,
        )

    def _losses(self, logits: Tensor, batch: Example) -> dict[str, Tensor]:
        targets, weights, velocities, velocity_weights = (
            self._fabric.to_device(torch.from_numpy(array))
            for array in (batch.targets, batch.weights, batch.velocities, batch.velocity_weights)
        )
        outputs = len(OUTPUTS)
        positive = targets.new_tensor(POSITIVE_WEIGHTS)
        entropy = nn.functional.binary_cross_entropy_with_logits(
            logits[..., :outputs], targets, weights, reduction="none", pos_weight=positive
        ).mean((0, 1))
        error = (torch.sigmoid(logits[..., outputs:]) - velocities).square() * velocity_weights
        return {
            "drums": entropy[: len(VOICES)].sum(),
            "beats": entropy[len(VOICES)],
            "downbeats": entropy[len(VOICES) + 1],
            "velocity": VELOCITY_WEIGHT * error.sum() / velocity_weights.sum().clamp_min(1),
        }


def train(data: Path, run: training.Run) -> None:
    """Train on takes rendered from a data folder, or on the rendered takes that it holds."""
    presets: dict[str, Recipe | BarRecipe] = {**PRESETS, **BAR_PRESETS}
    recipe = training.choose(presets, run.preset)
    if isinstance(recipe, BarRecipe):
        ear = ear_to_extend(run.output)
        config = replace(ear.restore(EarConfig), bars=recipe.width)
        given = starting_network(run, "transcribe", config, model)
        run = replace(run, validate_every_seconds=run.time_limit_seconds / 10)
        fabric = training.start(run)
        takes = _takes(data, run, fabric, recipe, recipe.two_beat_share)
        training.fit(BarTask(fabric, recipe, ear, takes, run.seed), run, fabric, given)
    else:
        given = starting_network(run, "transcribe", recipe.config, model, without="bars")
        fabric = training.start(run)
        takes = _takes(data, run, fabric, recipe)
        training.fit(EarTask(fabric, recipe, takes), run, fabric, given)


def _takes(
    data: Path,
    run: training.Run,
    fabric: Fabric,
    recipe: Recipe | BarRecipe,
    two_beat_share: float = 0.0,
) -> list[Take]:
    """The takes of a run, rendered first unless the data is takes itself."""
    if list(data.glob("take*.npz")):
        return load_takes(data)
    require_extra("render", "rendering takes")
    folder = run.folder / "takes"
    if fabric.is_global_zero:
        render_takes(
            data,
            folder,
            takes=recipe.takes,
            seconds=recipe.take_seconds,
            seed=run.seed,
            two_beat_share=two_beat_share,
        )
    fabric.barrier()
    return load_takes(folder)


def _fixed_examples(takes: list[Take], recipe: Recipe, frames: int) -> list[Example]:
    """Batches of validation examples, one of each context after the other."""
    generator = np.random.default_rng(1)
    found = []
    for context in CONTEXTS:
        for start in range(0, recipe.validation_examples, recipe.batch):
            count = min(recipe.batch, recipe.validation_examples - start)
            chosen = [takes[(start + n) % len(takes)] for n in range(count)]
            found.append(stack([draw_example(t, context, frames, generator) for t in chosen]))
    return found
