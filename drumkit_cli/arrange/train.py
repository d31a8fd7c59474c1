"""Training of CycleGAN and Pix2Pix: the paper's losses (III-C, IV-B), and a paired loss.

Least-squares adversarial losses, cycle weights 10, Adam (0.5, 0.999) at 2e-4 with a linear decay
over the second half, a pool of 50 generated images. What differs from the paper, and why:

* ``paired_weight`` weighs an L1 distance to the drums that the band really played; the critic of
  drums is then conditioned on the bass. The paper has 300 times our windows and days of two V100:
  in an hour on two cores the unpaired losses alone learn the sound of drums, but not their timing.
  The weight falls, because an L1 loss alone gives the blurred mean of all drums that fit;
  the critic sharpens it into hits. A weight of 0 is the paper's unpaired training.
* ``sound_weight`` weighs a loss of what is loud (`losses.sound_loss`): on decibels alone, hiss
  between hits counts as much as a kick.
* With ``metre`` in the config, generators and critics get the beats, with the errors of an ear.
* ``cycle_every`` leaves out the cycles in some steps, for speed.
* The generator that ships is a moving average of the trained weights, and shelves that give
  its drums of held-out takes the balance of the real ones: what an L1 loss blurs is too soft.
* The generator from drums to bass, which does not ship, may be narrower.

The preset ``pix2pix`` is the paper's baseline (IV-B): a U-Net, no cycles, an L1 weight of 100 all
along, the same data, rows and critic.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim import Optimizer

from drumkit_cli.arrange import data as windows
from drumkit_cli.arrange import model
from drumkit_cli.arrange.config import WEIGHTS, ModelConfig
from drumkit_cli.arrange.infer import from_image
from drumkit_cli.arrange.losses import (
    ImagePool,
    adversarial_loss,
    critic_loss,
    initialise,
    paired_loss,
    sound_loss,
)
from drumkit_cli.arrange.metrics import place_likeness
from drumkit_cli.arrange.model import Discriminator, Generator
from drumkit_cli.arrange.tone import balance_db
from drumkit_cli.bands import takes
from drumkit_cli.learning import training
from drumkit_cli.learning.checkpoint import save_weights
from drumkit_cli.learning.export import untrained_graphs
from drumkit_cli.learning.optimisation import MovingAverage, as_floats, autocast, descend, total
from drumkit_cli.learning.starting import starting_network
from drumkit_cli.learning.torch_network import arrays
from drumkit_cli.spectral.onsets import onset_f_measure, onset_frames, rise_strength

VALIDATION_WINDOWS = 48

Batch = tuple[Tensor, ...]
"""Images of bass and drums, ``[B, 1, F, T]``, and metre ``[B, PLANES, T]``."""
Fakes = dict[str, Tensor]
"""Generated images of "drums" and "bass"."""


@dataclass(frozen=True)
class Recipe:
    """Hyperparameters of a run.

    Attributes:
        config: sizes of the networks.
        back_width: width of the generator from drums to bass.
        batch: windows in a batch.
        takes: number of rendered takes.
        take_seconds: length of a take.
        learning_rate: initial learning rate of all networks.
        cycle_weight: weight of the cycle consistency losses.
        identity_weight: weight of the identity losses.
        paired_weight: initial weight of the paired loss.
        paired_weight_end: its weight in the second half of the run.
        average: decay of the moving average of the weights.
        frames: frames of a training window; inference may take longer ones.
        cycle_every: the losses of the bass and of the cycles are computed every so many steps.
        sound_weight: weight of the losses of `sound_losses`, relative to the paired loss.
    """

    config: ModelConfig
    back_width: int
    batch: int
    takes: int
    take_seconds: float = 40.0
    learning_rate: float = 2e-4
    cycle_weight: float = 10.0
    identity_weight: float = 0.0
    paired_weight: float = 10.0
    paired_weight_end: float = 1.0
    average: float = 0.998
    frames: int = 256
    cycle_every: int = 1
    sound_weight: float = 0.0


PRESETS = {
    "cpu": Recipe(
        ModelConfig(width=32, fold=4, context=True, discriminator_width=32, metre=True, frames=512),
        back_width=16,
        batch=1,
        takes=400,
        paired_weight_end=3.0,
        frames=384,
        cycle_every=4,
        sound_weight=0.2,
    ),
    "gpu": Recipe(
        ModelConfig(width=64, fold=2, context=True, discriminator_width=64, metre=True, frames=512),
        back_width=64,
        batch=8,
        takes=4000,
        average=0.999,
        frames=512,
        sound_weight=0.2,
    ),
    "pix2pix": Recipe(
        ModelConfig(
            width=24,
            fold=4,
            context=True,
            discriminator_width=32,
            metre=True,
            frames=512,
            generator="unet",
        ),
        back_width=0,
        batch=1,
        takes=400,
        cycle_weight=0.0,
        paired_weight=100.0,
        paired_weight_end=100.0,
        frames=384,
    ),
    "paper": Recipe(
        ModelConfig(), back_width=64, batch=1, takes=4000, paired_weight=0.0, average=0.999
    ),
    "tiny": Recipe(
        ModelConfig(width=4, blocks=3, fold=4, context=True, discriminator_width=4, metre=True),
        back_width=4,
        batch=2,
        takes=3,
        take_seconds=8.0,
        sound_weight=0.2,
    ),
}


class ArrangeTask:
    """Trains generators and critics; ships the averaged bass-to-drums generator."""

    def __init__(self, fabric: Fabric, recipe: Recipe, pool: Sequence[takes.Take]) -> None:
        self._fabric = fabric
        self._recipe = recipe
        self._windows = windows.Windows(pool, "train", recipe.frames)
        held_out = self._windows
        if any(take.split == "validation" for take in pool):
            held_out = windows.Windows(pool, "validation", recipe.frames)
        self._validation = next(windows.batches(held_out, VALIDATION_WINDOWS, 1, augment=False))
        config, paired = recipe.config, recipe.paired_weight > 0
        networks: dict[str, nn.Module] = {
            "to_drums": model.generator(config),
            "drums_critic": Discriminator(config, channels=2 if paired else 1),
        }
        if recipe.cycle_weight:
            networks["to_bass"] = Generator(replace(config, width=recipe.back_width))
            networks["bass_critic"] = Discriminator(config)
        for network in networks.values():
            network.apply(initialise)
        self.models: dict[str, nn.Module] = {
            name: fabric.setup_module(net) for name, net in networks.items()
        }
        self._average = MovingAverage(networks["to_drums"], recipe.average).to(fabric.device)
        self.models["average"] = self._average
        self._critics = [name for name in networks if name.endswith("critic")]
        self.parts = {"": [networks["to_drums"], self._average.module]}
        self.optimizers: dict[str, Optimizer] = {
            "generators": self._optimizer(*networks.keys() - self._critics),
            "critics": self._optimizer(*self._critics),
        }
        self._graphs = untrained_graphs(config, model)
        self._pools = {"drums": ImagePool(), "bass": ImagePool()}
        self._steps = 0
        self._shelves_db = config.shelves_db

    def batches(self, seed: int) -> Iterator[Batch]:
        """Endless batches of windows of the training takes."""
        return windows.batches(self._windows, self._recipe.batch, seed)

    def step(self, batch: Batch, progress: float) -> dict[str, float]:
        """A step of the generators, then one of the critics."""
        batch = tuple(self._fabric.to_device(part) for part in batch)
        rate = self._recipe.learning_rate * min(1.0, 2 * (1 - progress))
        cycles = self._recipe.cycle_weight > 0 and self._steps % self._recipe.cycle_every == 0
        self._steps += 1
        self._require_critics_gradient(required=False)
        with autocast(self._fabric):
            fakes, losses = self._drums_losses(batch, self._paired_weight(progress))
            if cycles:
                losses |= self._cycle_losses(batch, fakes)
        descend(self._fabric, self.optimizers["generators"], total(losses), rate=rate)
        self._require_critics_gradient(required=True)
        with autocast(self._fabric):
            critic_losses = self._critic_losses(batch, fakes)
        descend(self._fabric, self.optimizers["critics"], total(critic_losses), rate=rate)
        self._average.update_parameters(_bare(self.models["to_drums"]))
        return as_floats(losses | critic_losses)

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Onset F-measure against the drums of held-out takes, likeness of bars, and spectra."""
        average = self._average.eval()
        bass, drums, metre = self._validation
        made = torch.cat(
            [
                average(self._fabric.to_device(b), self._fabric.to_device(m)).cpu()
                for b, m in zip(bass.split(4), metre.split(4), strict=True)
            ]
        )
        images = list(zip(made[:, 0].numpy(), drums[:, 0].numpy(), strict=True))
        onset_f = float(
            np.mean(
                [onset_f_measure(onset_frames(real), onset_frames(fake)) for fake, real in images]
            )
        )
        alike = [
            place_likeness(rise_strength(fake), planes)
            for (fake, _), planes in zip(images, metre.numpy(), strict=True)
            if planes[0, 0]
        ]
        bars = float(np.mean(alike)) if alike else 0.0
        wanted, found = (
            np.mean([balance_db(from_image(pair[which])) for pair in images], 0) for which in (1, 0)
        )
        self._shelves_db = tuple((wanted - found).tolist())
        spectrum = float(np.abs(made.numpy().mean((0, 3)) - drums.numpy().mean((0, 3))).mean())
        spread = float(np.abs(made.numpy().std((0, 3)) - drums.numpy().std((0, 3))).mean())
        return {
            "score": 1 - onset_f + (1 - bars) / 2 + spectrum + spread,
            "onset_f": onset_f,
            "bars": bars,
            "spectrum": spectrum,
            "spread": spread,
            "distance": float(F.l1_loss(made, drums)),
        }

    def export(self, path: Path, figures: Mapping[str, float]) -> None:
        """Write the averaged bass-to-drums generator."""
        save_weights(
            path,
            arrays(self._average.module.state_dict()),
            feature=WEIGHTS[self._recipe.config.model],
            config=asdict(replace(self._recipe.config, shelves_db=self._shelves_db)),
            card={"data": takes.LICENCES, "validation": dict(figures)},
            graphs=self._graphs,
        )

    def _optimizer(self, *names: str) -> Optimizer:
        parameters = [p for name in sorted(names) for p in self.models[name].parameters()]
        optimizer = torch.optim.Adam(parameters, self._recipe.learning_rate, (0.5, 0.999))
        wrapped = self._fabric.setup_optimizers(optimizer)
        assert isinstance(wrapped, Optimizer)
        return wrapped

    def _paired_weight(self, progress: float) -> float:
        """Full for a fifth of the run, then falling linearly until its half."""
        fallen = min(max((progress - 0.2) / 0.3, 0.0), 1.0)
        first, last = self._recipe.paired_weight, self._recipe.paired_weight_end
        return first + (last - first) * fallen

    def _drums_losses(self, batch: Batch, paired_weight: float) -> tuple[Fakes, dict[str, Tensor]]:
        """Losses of the drums that are made for the bass."""
        bass, drums, metre = batch
        fake = self.models["to_drums"](bass, metre)
        scores = self.models["drums_critic"](self._shown(fake, bass), metre)
        losses = {"drums/adversarial": adversarial_loss(scores)}
        if self._recipe.paired_weight:
            losses["drums/paired"] = paired_weight * paired_loss(fake, drums)
        if self._recipe.sound_weight:
            weight = self._recipe.paired_weight * self._recipe.sound_weight
            losses["drums/sound"] = weight * sound_loss(fake, drums)
        return {"drums": fake}, losses

    def _cycle_losses(self, batch: Batch, fakes: Fakes) -> dict[str, Tensor]:
        """Losses of the bass that is made for the drums, and of both cycles; adds that bass."""
        bass, drums, metre = batch
        recipe, models = self._recipe, self.models
        fakes["bass"] = fake = models["to_bass"](drums, metre)
        weight = recipe.cycle_weight
        losses = {
            "bass/adversarial": adversarial_loss(models["bass_critic"](fake, metre)),
            "bass/cycle": weight * F.l1_loss(models["to_bass"](fakes["drums"], metre), bass),
            "drums/cycle": weight * F.l1_loss(models["to_drums"](fake, metre), drums),
        }
        if recipe.identity_weight:
            same = F.l1_loss(models["to_drums"](drums, metre), drums)
            same = same + F.l1_loss(models["to_bass"](bass, metre), bass)
            losses["identity"] = recipe.identity_weight * same
        return losses

    def _critic_losses(self, batch: Batch, fakes: Fakes) -> dict[str, Tensor]:
        bass, drums, metre = batch
        critic = self.models["drums_critic"]
        old = self._pools["drums"].swap(self._shown(fakes["drums"].detach(), bass), metre)
        real = critic(self._shown(drums, bass), metre)
        losses = {"drums/critic": critic_loss(real, critic(*old))}
        if "bass" in fakes:
            critic = self.models["bass_critic"]
            old = self._pools["bass"].swap(fakes["bass"].detach(), metre)
            losses["bass/critic"] = critic_loss(critic(bass, metre), critic(*old))
        return losses

    def _shown(self, drums: Tensor, bass: Tensor) -> Tensor:
        """Input of the critic of drums: with paired training the bass as a second channel."""
        return torch.cat([drums, bass], 1) if self._recipe.paired_weight else drums

    def _require_critics_gradient(self, *, required: bool) -> None:
        for name in self._critics:
            self.models[name].requires_grad_(required)


def train(data: Path, run: training.Run) -> None:
    """Train on bands rendered from a data folder, or on the rendered takes that it holds."""
    recipe = training.choose(PRESETS, run.preset)
    given = starting_network(run, WEIGHTS[recipe.config.model], recipe.config, model)
    fabric = training.start(run)
    pool = takes.takes_of_run(data, run, fabric, recipe.takes, recipe.take_seconds)
    training.fit(ArrangeTask(fabric, recipe, pool), run, fabric, given)


def _bare(module: nn.Module) -> nn.Module:
    """The module inside Fabric's wrapper."""
    inner = getattr(module, "module", module)
    assert isinstance(inner, nn.Module)
    return inner
