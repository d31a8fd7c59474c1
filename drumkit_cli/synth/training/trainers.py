"""How each network learns, step by step: losses and optimisers ("Experimental setup")."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import Optimizer

from drumkit_cli.sounds.classes import CLASSES
from drumkit_cli.sounds.mcnn import MCNN
from drumkit_cli.sounds.mel_image import FLOOR_DB, Analyser, to_levels
from drumkit_cli.sounds.model import CWAE
from drumkit_cli.sounds.spectral_inverter import SpectralInverter
from drumkit_cli.synth.data import Pool, Sounds
from drumkit_cli.synth.training import losses
from drumkit_cli.synth.training.recipe import Recipe

PRIOR_DRAWS = 64
"""Of each class's prior: as many as the latent space has dimensions (S. Reddi et al., 2015)."""
SIZE_WEIGHT = 0.01
"""Of the mean square of a code: the MMD hardly feels codes that are far out."""
FLOOR_WEIGHT = 0.25
"""Of an error where nothing sounds, beside 1 more of one at full scale."""
GRADIENT_LIMIT = 5.0


class Draw(NamedTuple):
    """Places in the pool: of a batch of the autoencoder, and of one of an inverter."""

    by_class: NDArray[np.int64]
    any_class: NDArray[np.int64]


class Part(Protocol):
    """A network and how it learns."""

    @property
    def network(self) -> nn.Module:
        """What a checkpoint holds."""

    @property
    def optimizer(self) -> Optimizer:
        """What changes it."""

    def step(self, draw: Draw, progress: float) -> dict[str, float]:
        """Take a step; `progress` 0..1 is of this part alone."""

    def validate(self) -> dict[str, float]:
        """Measure on held-out sounds; "score" decides, lower is better."""


class InverterPart:
    """Teaches the default inverter what phases real sounds have."""

    def __init__(
        self, fabric: Fabric, network: SpectralInverter, pool: Pool, held_out: Tensor
    ) -> None:
        self._fabric, self._pool, self._bare = fabric, pool, network
        self.network = fabric.setup_module(network)
        self.network.mark_forward_method("slopes")
        self.optimizer = _set_up(fabric, torch.optim.Adam(self.network.parameters(), 3e-3))
        self._analyser = Analyser().to(fabric.device)
        self._held_out = held_out

    def step(self, draw: Draw, progress: float) -> dict[str, float]:
        """One step: no sound is made in it, which keeps it fast and its gradient tame."""
        _set_rate(self.optimizer, 3e-3, progress)
        samples = _louder_and_softer(
            self._fabric.to_device(self._pool.batch_samples(draw.any_class))
        )
        levels = self._analyser(samples)
        spectrum = self._bare.analyse(samples)
        real = spectrum.abs().clamp_min(1e-3).log()  # [B, bins, T]
        weight = (real - real.amin((1, 2), keepdim=True)) / 10
        in_time = (spectrum[:, :, 1:] * spectrum[:, :, :-1].conj()).angle()
        in_bins = (spectrum[:, 1:] * spectrum[:, :-1].conj()).angle()
        with torch.autocast(samples.device.type, dtype=torch.bfloat16):
            made_in_time, made_in_bins = self.network.slopes(self._bare.read(levels))
        parts = {
            "time": losses.phase_distance(in_time, made_in_time, weight[:, :, 1:]),
            "bins": losses.phase_distance(in_bins, made_in_bins, weight[:, 1:]),
        }
        return _descend(self._fabric, self.network, self.optimizer, "inverter", parts)

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Log-mel distance in dB, and spectral convergence."""
        self._bare.eval()
        return _inversion_figures(self._fabric, self._analyser, self._held_out, self._bare)


class MCNNPart:
    """Teaches MCNN, by the paper's losses on the sounds that it makes."""

    def __init__(self, fabric: Fabric, network: MCNN, pool: Pool, held_out: Tensor) -> None:
        self._fabric, self._pool, self._bare = fabric, pool, network
        self.network = fabric.setup_module(network)
        self.optimizer = _set_up(fabric, torch.optim.Adam(self.network.parameters(), 1e-3))
        self._analyser = Analyser().to(fabric.device)
        self._held_out = held_out

    def step(self, draw: Draw, progress: float) -> dict[str, float]:
        """One step (Eq. 9, 11, 12 and 13)."""
        _set_rate(self.optimizer, 1e-3, progress)
        samples = _louder_and_softer(
            self._fabric.to_device(self._pool.batch_samples(draw.any_class))
        )
        power = self._analyser.power(samples)
        with torch.autocast(samples.device.type, dtype=torch.bfloat16):
            wave, mask = self.network(to_levels(power))
        made = self._analyser.power(wave * torch.sigmoid(mask))
        parts = {
            "convergence": 3 * losses.spectral_convergence(power, made),
            "log": 10 * losses.log_distance(power, made),
            "mask": F.binary_cross_entropy_with_logits(mask, _mask_of(samples)),
        }
        return _descend(self._fabric, self.network, self.optimizer, "mcnn", parts)

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Log-mel distance in dB, and spectral convergence."""
        self._bare.eval()

        def sound(levels: Tensor) -> Tensor:
            return MCNN.masked(*self._bare(levels))

        return _inversion_figures(self._fabric, self._analyser, self._held_out, sound)


class AutoencoderPart:
    """Teaches the CWAE."""

    def __init__(
        self, fabric: Fabric, network: CWAE, recipe: Recipe, pool: Pool, held_out: Sounds
    ) -> None:
        self._fabric, self._recipe, self._pool, self._bare = fabric, recipe, pool, network
        self.network = fabric.setup_module(network)
        optimizer = torch.optim.AdamW(self.network.parameters(), 1e-3, weight_decay=0.02)
        self.optimizer = _set_up(fabric, optimizer)
        analyser = Analyser()
        self._levels = torch.cat(
            [analyser(part) for part in torch.from_numpy(held_out.samples).split(32)]
        )
        self._classes = torch.eye(len(CLASSES))[torch.from_numpy(held_out.classes)]

    def step(self, draw: Draw, progress: float) -> dict[str, float]:
        """One step on a balanced batch."""
        _set_rate(self.optimizer, 1e-3, progress)
        recipe = self._recipe
        self.network.train()
        levels = self._fabric.to_device(self._pool.batch_levels(draw.by_class))
        classes = self._fabric.to_device(self._pool.batch_classes(draw.by_class))
        target = (levels - self._bare.mean) / self._bare.deviation
        with torch.autocast(levels.device.type, dtype=torch.bfloat16):
            image, spread, codes = self.network(levels, classes)
        residual, weight = image - target, _weight(levels)
        by_class = codes.unflatten(0, (-1, recipe.per_class))  # [K, n, Z]
        prior = torch.randn(len(by_class), PRIOR_DRAWS, codes.shape[1], device=codes.device)
        parts = {
            "error": (weight * residual.square()).mean(),
            "mmd": recipe.mmd_weight * losses.mmd(by_class, prior),
            "size": SIZE_WEIGHT * codes.square().mean(),
            "spread": recipe.spread_weight * F.l1_loss(spread, residual.detach().abs()),
        }
        return _descend(self._fabric, self.network, self.optimizer, "cwae", parts)

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Weighted squared error of standardised elements, and log-mel distance in dB."""
        self._bare.eval()
        errors, distances = [], []
        for levels, classes in zip(self._levels.split(32), self._classes.split(32), strict=True):
            real, weights = self._fabric.to_device((levels, classes))
            made, _ = self._bare.decode(self._bare.encode(real, weights), weights)
            residual = (made - real) / self._bare.deviation
            errors.append((_weight(real) * residual.square()).mean())
            distances.append((made - real).abs().mean() * -FLOOR_DB)
        error = float(torch.stack(errors).mean())
        return {
            "score": error,
            "cwae_error": error,
            "cwae_db": float(torch.stack(distances).mean()),
        }


def _weight(levels: Tensor) -> Tensor:
    """What an error of each element ``[B, F, T]`` counts, 1 on average: what sounds counts more."""
    weight = levels + FLOOR_WEIGHT
    return weight / weight.mean()


def _mask_of(samples: Tensor) -> Tensor:
    """1 up to the last sample that is not 0: what padding is not."""
    after = samples.abs().flip(1).cumsum(1).flip(1)
    return (after > 0).float()


def _set_up(fabric: Fabric, optimizer: Optimizer) -> Optimizer:
    wrapped = fabric.setup_optimizers(optimizer)
    assert isinstance(wrapped, Optimizer)
    return wrapped


def _set_rate(optimizer: Optimizer, peak: float, progress: float) -> None:
    """A short rise, then a half cosine down to a hundredth."""
    rate = peak * min(1.0, 0.1 + 45 * progress) * (0.505 + 0.495 * math.cos(math.pi * progress))
    for group in optimizer.param_groups:
        group["lr"] = rate


def _descend(
    fabric: Fabric, network: nn.Module, optimizer: Optimizer, name: str, parts: dict[str, Tensor]
) -> dict[str, float]:
    """One step against the clipped gradient of the sum of the losses; the losses, for the log."""
    optimizer.zero_grad()
    fabric.backward(torch.stack(list(parts.values())).sum())
    norm = nn.utils.clip_grad_norm_(network.parameters(), GRADIENT_LIMIT)
    optimizer.step()
    figures = {f"{name}/{key}": float(value.detach()) for key, value in parts.items()}
    return figures | {f"{name}/gradient": float(norm)}


def _louder_and_softer(samples: Tensor) -> Tensor:
    """Sounds ``[B, N]`` at levels that differ by up to 10 dB."""
    return samples * torch.empty(len(samples), 1, device=samples.device).uniform_(0.3, 1)


def _inversion_figures(
    fabric: Fabric, analyser: Analyser, samples: Tensor, invert: Callable[[Tensor], Tensor]
) -> dict[str, float]:
    """How far the spectrograms of sounds ``[n, N]`` are from those of what is made of them."""
    distances, convergences = [], []
    for part in samples.split(32):
        power = analyser.power(fabric.to_device(part))
        made = analyser.power(invert(to_levels(power)))
        distances.append((to_levels(made) - to_levels(power)).abs().mean() * -FLOOR_DB)
        convergences.append(losses.spectral_convergence(power, made))
    decibels = float(torch.stack(distances).mean())
    convergence = float(torch.stack(convergences).mean())
    return {"score": decibels, "inverter_db": decibels, "inverter_sc": convergence}
