"""Trainers of the networks: the losses, optimisers and validation of each."""

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

from drumkit_cli.learning.optimisation import as_floats, autocast, descend, total
from drumkit_cli.sounds.analyser import Analyser, to_levels
from drumkit_cli.sounds.classes import CLASSES
from drumkit_cli.sounds.mcnn import MCNN
from drumkit_cli.sounds.mel_image import FLOOR_DB
from drumkit_cli.sounds.model import CWAE
from drumkit_cli.sounds.spectral_inverter import SpectralInverter
from drumkit_cli.synth.data import Pool, Sounds
from drumkit_cli.synth.training import losses
from drumkit_cli.synth.training.recipe import Recipe

PRIOR_DRAWS = 64
"""Prior samples of each class, as many as latent dimensions (S. Reddi et al., 2015)."""
SIZE_WEIGHT = 0.01
"""Weight of the mean square of codes: the MMD has hardly a gradient for codes that are far out."""
FLOOR_WEIGHT = 0.25
"""Weight of an error at level 0; at level 1 it is larger by 1."""
GRADIENT_LIMIT = 5.0


class BatchIndices(NamedTuple):
    """Indices into the pool: a class-balanced batch for the autoencoder, any for an inverter."""

    by_class: NDArray[np.int64]
    any_class: NDArray[np.int64]


class Trainer(Protocol):
    """A network with its optimiser and losses."""

    @property
    def network(self) -> nn.Module:
        """The network, wrapped by Fabric."""

    @property
    def optimizer(self) -> Optimizer:
        """Its optimiser."""

    def step(self, indices: BatchIndices, progress: float) -> dict[str, float]:
        """Take a step at `progress` 0..1 of this network's training; return its losses."""

    def validate(self) -> dict[str, float]:
        """Figures on held-out sounds; a lower "score" is better."""


class InverterTrainer:
    """Trains the default inverter on the phases of real sounds."""

    def __init__(
        self, fabric: Fabric, network: SpectralInverter, pool: Pool, held_out: Tensor
    ) -> None:
        self._fabric, self._pool, self._bare = fabric, pool, network
        self.network = fabric.setup_module(network)
        self.network.mark_forward_method("slopes")
        self.optimizer = _set_up(fabric, torch.optim.Adam(self.network.parameters(), 3e-3))
        self._analyser = Analyser().to(fabric.device)
        self._held_out = held_out

    def step(self, indices: BatchIndices, progress: float) -> dict[str, float]:
        """A step on the phase gradients; no sound is synthesised in it, which keeps it fast."""
        samples = _attenuated(self._fabric.to_device(self._pool.batch_samples(indices.any_class)))
        levels = self._analyser(samples)
        spectrum = self._bare.analyse(samples)
        real = spectrum.abs().clamp_min(1e-3).log()  # [B, bins, T]
        weight = (real - real.amin((1, 2), keepdim=True)) / 10
        in_time = (spectrum[:, :, 1:] * spectrum[:, :, :-1].conj()).angle()
        in_bins = (spectrum[:, 1:] * spectrum[:, :-1].conj()).angle()
        with autocast(self._fabric):
            made_in_time, made_in_bins = self.network.slopes(self._bare.read(levels))
        parts = {
            "time": losses.phase_distance(in_time, made_in_time, weight[:, :, 1:]),
            "bins": losses.phase_distance(in_bins, made_in_bins, weight[:, 1:]),
        }
        rate = _rate(3e-3, progress)
        return _descend(self._fabric, self.optimizer, "inverter", parts, rate)

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Log-mel distance in dB, and spectral convergence, of inverted held-out sounds."""
        self._bare.eval()
        return _inversion_figures(self._fabric, self._analyser, self._held_out, self._bare)


class MCNNTrainer:
    """Trains MCNN with the paper's losses on the spectra of its output."""

    def __init__(self, fabric: Fabric, network: MCNN, pool: Pool, held_out: Tensor) -> None:
        self._fabric, self._pool, self._bare = fabric, pool, network
        self.network = fabric.setup_module(network)
        self.optimizer = _set_up(fabric, torch.optim.Adam(self.network.parameters(), 1e-3))
        self._analyser = Analyser().to(fabric.device)
        self._held_out = held_out

    def step(self, indices: BatchIndices, progress: float) -> dict[str, float]:
        """A step on the losses of Eq. 9, 11, 12 and 13."""
        samples = _attenuated(self._fabric.to_device(self._pool.batch_samples(indices.any_class)))
        power = self._analyser.power(samples)
        with autocast(self._fabric):
            wave, mask = self.network(to_levels(power))
        made = self._analyser.power(wave * torch.sigmoid(mask))
        parts = {
            "convergence": 3 * losses.spectral_convergence(power, made),
            "log": 10 * losses.log_distance(power, made),
            "mask": F.binary_cross_entropy_with_logits(mask, _mask_of(samples)),
        }
        return _descend(self._fabric, self.optimizer, "mcnn", parts, _rate(1e-3, progress))

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Log-mel distance in dB, and spectral convergence, of inverted held-out sounds."""
        self._bare.eval()

        def sound(levels: Tensor) -> Tensor:
            return MCNN.masked(*self._bare(levels))

        return _inversion_figures(self._fabric, self._analyser, self._held_out, sound)


class AutoencoderTrainer:
    """Trains the CWAE."""

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

    def step(self, indices: BatchIndices, progress: float) -> dict[str, float]:
        """A step on a class-balanced batch: weighted reconstruction error, MMD, error estimate."""
        recipe = self._recipe
        self.network.train()
        levels = self._fabric.to_device(self._pool.batch_levels(indices.by_class))
        classes = self._fabric.to_device(self._pool.batch_classes(indices.by_class))
        target = (levels - self._bare.mean) / self._bare.deviation
        with autocast(self._fabric):
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
        return _descend(self._fabric, self.optimizer, "cwae", parts, _rate(1e-3, progress))

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Weighted squared error of standardised images, and log-mel distance in dB."""
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
    """Weights ``[B, F, T]`` of the errors of levels, 1 on average, larger at higher levels."""
    weight = levels + FLOOR_WEIGHT
    return weight / weight.mean()


def _mask_of(samples: Tensor) -> Tensor:
    """Target masks ``[B, N]``: 1 up to the last sample that is not 0, then 0 for the padding."""
    after = samples.abs().flip(1).cumsum(1).flip(1)
    return (after > 0).float()


def _set_up(fabric: Fabric, optimizer: Optimizer) -> Optimizer:
    wrapped = fabric.setup_optimizers(optimizer)
    assert isinstance(wrapped, Optimizer)
    return wrapped


def _rate(peak: float, progress: float) -> float:
    """The learning rate: a short warm-up, then a half cosine down to a hundredth."""
    return peak * min(1.0, 0.1 + 45 * progress) * (0.505 + 0.495 * math.cos(math.pi * progress))


def _descend(
    fabric: Fabric, optimizer: Optimizer, name: str, parts: dict[str, Tensor], rate: float
) -> dict[str, float]:
    """A step on the sum of the losses with a clipped gradient; returns the losses by name."""
    norm = descend(fabric, optimizer, total(parts), rate=rate, clip=GRADIENT_LIMIT)
    return {f"{name}/{key}": value for key, value in as_floats(parts).items()} | {
        f"{name}/gradient": norm
    }


def _attenuated(samples: Tensor) -> Tensor:
    """Attenuate sounds ``[B, N]`` at random by up to 10 dB."""
    return samples * torch.empty(len(samples), 1, device=samples.device).uniform_(0.3, 1)


def _inversion_figures(
    fabric: Fabric, analyser: Analyser, samples: Tensor, invert: Callable[[Tensor], Tensor]
) -> dict[str, float]:
    """Distances of the spectrograms of sounds ``[n, N]`` and of their inversions."""
    distances, convergences = [], []
    for part in samples.split(32):
        power = analyser.power(fabric.to_device(part))
        made = analyser.power(invert(to_levels(power)))
        distances.append((to_levels(made) - to_levels(power)).abs().mean() * -FLOOR_DB)
        convergences.append(losses.spectral_convergence(power, made))
    decibels = float(torch.stack(distances).mean())
    convergence = float(torch.stack(convergences).mean())
    return {"score": decibels, "inverter_db": decibels, "inverter_sc": convergence}
