"""Training of the CycleGAN: the paper's losses (III-C, IV-B), and a paired loss.

Least-squares adversarial losses, cycle weights 10, Adam (0.5, 0.999) at 2e-4 with a linear decay
over the second half, a pool of 50 generated images. What differs from the paper, and why:

* ``paired_weight`` weighs an L1 distance to the drums that the band really played; the critic of
  drums is then conditioned on the bass. The paper has 300 times our windows and days of two V100:
  in an hour on two cores the unpaired losses alone learn the sound of drums, but not their timing.
  The weight falls to a tenth, because an L1 loss alone gives the blurred mean of all drums that
  fit; the critic sharpens it into hits. A weight of 0 is the paper's unpaired training.
* The generator that ships is a moving average of the trained weights.
* The generator from drums to bass, which does not ship, may be narrower.
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
from drumkit_cli.arrange.model import Discriminator, Generator, ModelConfig
from drumkit_cli.bands import takes
from drumkit_cli.learning import training
from drumkit_cli.learning.checkpoint import save_weights
from drumkit_cli.learning.export import untrained_graphs
from drumkit_cli.learning.optimisation import MovingAverage, as_floats, autocast, descend, total
from drumkit_cli.learning.torch_network import arrays
from drumkit_cli.spectral.onsets import onset_f_measure, onset_frames

POOL_SIZE = 50
VALIDATION_WINDOWS = 48


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


PRESETS = {
    "cpu": Recipe(
        ModelConfig(width=32, fold=4, context=True, discriminator_width=32),
        back_width=16,
        batch=1,
        takes=700,
    ),
    "gpu": Recipe(
        ModelConfig(width=64, fold=2, context=True, discriminator_width=64),
        back_width=64,
        batch=8,
        takes=4000,
        average=0.999,
    ),
    "paper": Recipe(
        ModelConfig(), back_width=64, batch=1, takes=4000, paired_weight=0.0, average=0.999
    ),
    "tiny": Recipe(
        ModelConfig(width=4, blocks=3, fold=4, context=True, discriminator_width=4),
        back_width=4,
        batch=2,
        takes=3,
        take_seconds=8.0,
    ),
}


class ArrangeTask:
    """Trains both generators and both critics; ships the averaged bass-to-drums generator."""

    def __init__(self, fabric: Fabric, recipe: Recipe, pool: Sequence[takes.Take]) -> None:
        self._fabric = fabric
        self._recipe = recipe
        self._windows = windows.Windows(pool, "train")
        held_out = self._windows
        if any(take.split == "validation" for take in pool):
            held_out = windows.Windows(pool, "validation")
        self._validation = next(windows.batches(held_out, VALIDATION_WINDOWS, 1, augment=False))
        config, paired = recipe.config, recipe.paired_weight > 0
        networks: dict[str, nn.Module] = {
            "to_drums": Generator(config),
            "to_bass": Generator(replace(config, width=recipe.back_width)),
            "drums_critic": Discriminator(config, channels=2 if paired else 1),
            "bass_critic": Discriminator(config),
        }
        for network in networks.values():
            network.apply(_initialise)
        self.models: dict[str, nn.Module] = {
            name: fabric.setup_module(net) for name, net in networks.items()
        }
        self._average = MovingAverage(networks["to_drums"], recipe.average).to(fabric.device)
        self.models["average"] = self._average
        self.optimizers: dict[str, Optimizer] = {
            "generators": self._optimizer("to_drums", "to_bass"),
            "critics": self._optimizer("drums_critic", "bass_critic"),
        }
        self._graphs = untrained_graphs(config, model)
        self._pools = {"drums": ImagePool(), "bass": ImagePool()}

    def batches(self, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Endless batches of windows of the training takes."""
        return windows.batches(self._windows, self._recipe.batch, seed)

    def step(self, batch: tuple[Tensor, Tensor], progress: float) -> dict[str, float]:
        """A step of the generators, then one of the critics."""
        bass, drums = (self._fabric.to_device(part) for part in batch)
        rate = self._recipe.learning_rate * min(1.0, 2 * (1 - progress))
        self._require_critics_gradient(required=False)
        with autocast(self._fabric):
            fakes, losses = self._generator_losses(bass, drums, self._paired_weight(progress))
        descend(self._fabric, self.optimizers["generators"], total(losses), rate=rate)
        self._require_critics_gradient(required=True)
        with autocast(self._fabric):
            critic_losses = self._critic_losses(bass, drums, *fakes)
        descend(self._fabric, self.optimizers["critics"], total(critic_losses), rate=rate)
        self._average.update_parameters(_bare(self.models["to_drums"]))
        return as_floats(losses | critic_losses)

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Onset F-measure against the drums of held-out takes, and differences of the spectra."""
        average = self._average.eval()
        bass, drums = self._validation
        made = torch.cat([average(self._fabric.to_device(b)).cpu() for b in bass.split(4)])
        images = list(zip(made[:, 0].numpy(), drums[:, 0].numpy(), strict=True))
        onset_f = float(
            np.mean(
                [onset_f_measure(onset_frames(real), onset_frames(fake)) for fake, real in images]
            )
        )
        spectrum = float(np.abs(made.numpy().mean((0, 3)) - drums.numpy().mean((0, 3))).mean())
        spread = float(np.abs(made.numpy().std((0, 3)) - drums.numpy().std((0, 3))).mean())
        return {
            "score": 1 - onset_f + spectrum + spread,
            "onset_f": onset_f,
            "spectrum": spectrum,
            "spread": spread,
            "distance": float(F.l1_loss(made, drums)),
        }

    def export(self, path: Path, figures: Mapping[str, float]) -> None:
        """Write the averaged bass-to-drums generator."""
        save_weights(
            path,
            arrays(self._average.module.state_dict()),
            feature="arrange",
            config=asdict(self._recipe.config),
            card={"data": takes.LICENCES, "validation": dict(figures)},
            graphs=self._graphs,
        )

    def _optimizer(self, *names: str) -> Optimizer:
        parameters = [p for name in names for p in self.models[name].parameters()]
        optimizer = torch.optim.Adam(parameters, self._recipe.learning_rate, (0.5, 0.999))
        wrapped = self._fabric.setup_optimizers(optimizer)
        assert isinstance(wrapped, Optimizer)
        return wrapped

    def _paired_weight(self, progress: float) -> float:
        """Full for a fifth of the run, then falling linearly until its half."""
        fallen = min(max((progress - 0.2) / 0.3, 0.0), 1.0)
        first, last = self._recipe.paired_weight, self._recipe.paired_weight_end
        return first + (last - first) * fallen

    def _generator_losses(
        self, bass: Tensor, drums: Tensor, paired_weight: float
    ) -> tuple[tuple[Tensor, Tensor], dict[str, Tensor]]:
        recipe, models = self._recipe, self.models
        fake_drums, fake_bass = models["to_drums"](bass), models["to_bass"](drums)
        losses = {
            "drums/adversarial": _adversarial_loss(
                models["drums_critic"](self._shown(fake_drums, bass))
            ),
            "bass/adversarial": _adversarial_loss(models["bass_critic"](fake_bass)),
            "bass/cycle": recipe.cycle_weight * F.l1_loss(models["to_bass"](fake_drums), bass),
            "drums/cycle": recipe.cycle_weight * F.l1_loss(models["to_drums"](fake_bass), drums),
        }
        if recipe.paired_weight:
            losses["drums/paired"] = paired_weight * F.l1_loss(fake_drums, drums)
        if recipe.identity_weight:
            same = F.l1_loss(models["to_drums"](drums), drums)
            same = same + F.l1_loss(models["to_bass"](bass), bass)
            losses["identity"] = recipe.identity_weight * same
        return (fake_drums.detach(), fake_bass.detach()), losses

    def _critic_losses(
        self, bass: Tensor, drums: Tensor, fake_drums: Tensor, fake_bass: Tensor
    ) -> dict[str, Tensor]:
        shown = self._pools["drums"].swap(self._shown(fake_drums, bass))
        old_bass = self._pools["bass"].swap(fake_bass)
        return {
            "drums/critic": _critic_loss(
                self.models["drums_critic"], self._shown(drums, bass), shown
            ),
            "bass/critic": _critic_loss(self.models["bass_critic"], bass, old_bass),
        }

    def _shown(self, drums: Tensor, bass: Tensor) -> Tensor:
        """Input of the critic of drums: with paired training the bass as a second channel."""
        return torch.cat([drums, bass], 1) if self._recipe.paired_weight else drums

    def _require_critics_gradient(self, *, required: bool) -> None:
        for name in ("drums_critic", "bass_critic"):
            self.models[name].requires_grad_(required)


class ImagePool:
    """A pool of generated images, half of each batch of which the critics see, as in CycleGAN.

    It is not part of a checkpoint: a resumed run fills it anew within 50 images.
    """

    def __init__(self, size: int = POOL_SIZE) -> None:
        self._size = size
        self._images: list[Tensor] = []
        self._generator = np.random.default_rng(0)

    def swap(self, images: Tensor) -> Tensor:
        """Exchange images ``[B, C, F, T]`` for as many, half of them older ones."""
        given = []
        for image in images:
            if len(self._images) < self._size:
                self._images.append(image)
                given.append(image)
            elif self._generator.random() < 0.5:
                place = int(self._generator.integers(self._size))
                given.append(self._images[place])
                self._images[place] = image
            else:
                given.append(image)
        return torch.stack(given)


def train(data: Path, run: training.Run) -> None:
    """Train on bands rendered from a data folder, or on the rendered takes that it holds."""
    recipe = training.choose(PRESETS, run.preset)
    fabric = training.start(run)
    pool = takes.takes_of_run(data, run, fabric, recipe.takes, recipe.take_seconds)
    training.fit(ArrangeTask(fabric, recipe, pool), run, fabric)


def _initialise(module: nn.Module) -> None:
    """Initialise weights as CycleGAN does: normal, deviation 0.02."""
    if isinstance(module, nn.Conv1d | nn.Conv2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def _bare(module: nn.Module) -> nn.Module:
    """The module inside Fabric's wrapper."""
    inner = getattr(module, "module", module)
    assert isinstance(inner, nn.Module)
    return inner


def _adversarial_loss(scores: Tensor) -> Tensor:
    return F.mse_loss(scores, torch.ones_like(scores))


def _critic_loss(critic: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    good, bad = critic(real), critic(fake)
    loss: Tensor = (
        F.mse_loss(good, torch.ones_like(good)) + F.mse_loss(bad, torch.zeros_like(bad))
    ) / 2
    return loss
