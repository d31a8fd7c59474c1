"""Losses of training, of images ``[B, 1, F, T]`` in -1..1 and of scores of critics."""

import math
from functools import cache
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from drumkit_cli.spectral.mel_spectrogram import LEVELS_PER_DB, TOP_LEVEL
from drumkit_cli.spectral.melscale import band_edges
from drumkit_cli.spectral.onsets import MEL

LOW_HZ, HIGH_HZ = 150.0, 6000.0
LOW_WEIGHT: Final = 4.0
HIGH_WEIGHT: Final = 0.6
POOL_SIZE: Final = 50

_NEPERS: Final = math.log(10) / 10 * TOP_LEVEL / LEVELS_PER_DB / 2
"""Change of the logarithm of the power by a change of 1 of an image."""
_LOUDNESS: Final = 0.3
"""Exponent from power to about loudness (S. S. Stevens, 1957)."""
_BANDS: Final = 32


def paired_loss(made: Tensor, real: Tensor) -> Tensor:
    """Distance of images, weighted by rows: few of them are the kick's, and many are hiss."""
    return (_row_weights(real.shape[2]).to(real) * (made - real).abs()).mean()


def sound_loss(made: Tensor, real: Tensor) -> Tensor:
    """Difference of what is loud: of the loudness in each bin, and of the power of each band.

    Decibels alone count the hiss between hits as much as a kick.
    """
    weights = _row_weights(real.shape[2]).to(real)
    loud, wanted = (torch.exp(_LOUDNESS * _NEPERS * (image - 1)) for image in (made, real))
    bins = (weights * (loud - wanted).abs()).mean() / (weights * wanted).mean()
    levels = [torch.log10(_band_powers(image) + 1e-7) for image in (made, real)]
    return bins + 0.5 * (levels[0] - levels[1]).abs().mean()


def adversarial_loss(scores: Tensor) -> Tensor:
    """What the generator wants: scores of 1."""
    return F.mse_loss(scores, torch.ones_like(scores))


def critic_loss(good: Tensor, bad: Tensor) -> Tensor:
    """What the critic wants: scores of 1 for real images, of 0 for generated ones."""
    return (adversarial_loss(good) + F.mse_loss(bad, torch.zeros_like(bad))) / 2


def initialise(module: nn.Module) -> None:
    """Initialise weights as CycleGAN does: normal, deviation 0.02."""
    if isinstance(module, nn.Conv1d | nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


class ImagePool:
    """A pool of generated images, half of each batch of which the critics see, as in CycleGAN.

    It is not part of a checkpoint: a resumed run fills it anew within 50 images.
    """

    def __init__(self, size: int = POOL_SIZE) -> None:
        self._size = size
        self._items: list[tuple[Tensor, ...]] = []
        self._generator = np.random.default_rng(0)

    def swap(self, *parts: Tensor) -> tuple[Tensor, ...]:
        """Exchange images, and what belongs to them, for as many, half of them older ones."""
        given = []
        for item in zip(*parts, strict=True):
            if len(self._items) < self._size:
                self._items.append(item)
                given.append(item)
            elif self._generator.random() < 0.5:
                place = int(self._generator.integers(self._size))
                given.append(self._items[place])
                self._items[place] = item
            else:
                given.append(item)
        return tuple(torch.stack(part) for part in zip(*given, strict=True))


@cache
def _row_weights(bins: int) -> Tensor:
    """Weights ``[F, 1]`` with a mean of 1."""
    hertz = np.interp(np.linspace(0, 1, bins), np.linspace(0, 1, MEL.mels), band_edges(MEL)[1:-1])
    weights = np.where(hertz < LOW_HZ, LOW_WEIGHT, np.where(hertz > HIGH_HZ, HIGH_WEIGHT, 1.0))
    return torch.from_numpy(weights / weights.mean()).float()[:, None]


def _band_powers(image: Tensor) -> Tensor:
    """Mean power of bands of rows, ``[B, bands]``; 1 at the top of an image."""
    power = torch.exp(_NEPERS * (image - 1)).mean(3)  # [B, 1, F]
    return power.reshape(len(power), _BANDS, -1).mean(2)
