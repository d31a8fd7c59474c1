"""CycleGAN that turns the mel spectrogram of a bass line into one of drums.

Paper: G. Barnabo, G. Trappolini, L. Lastilla, C. Campagnano, A. Fan, F. Petroni, F. Silvestri,
"CycleDRUMS: automatic drum arrangement for bass lines using CycleGAN", III-C and III-D; the
networks are those of J.-Y. Zhu et al., "Unpaired image-to-image translation using cycle-consistent
adversarial networks" (ICCV 2017): a ResNet generator of nine blocks with instance norm and
reflection padding, and a 70 x 70 PatchGAN.

What differs, and why:

* ``fold``: neighbouring mel bins are folded into channels before the first layer and unfolded after
  the last. The paper's generator is ``fold=1``. Drums need far less resolution in frequency than in
  time, and a fold of four makes a pass four times cheaper, while the nine blocks then see the
  whole frequency axis: a hi-hat at 8 kHz can follow a bass at 60 Hz.
* ``context``: the generator gets the height of each bin as a second input plane (a convolution does
  not know where it is, and a spectrogram's axis is absolute), and every third block adds a
  convolution over time alone, of the mean over frequency, so that a beat reaches across the window.
* Upsampling is by nearest neighbour and convolution, which leaves no checkerboard: in sound a
  checkerboard is a buzz.
* The discriminator can be conditional (``channels=2``: drums above the bass that they belong to).
* The width is set by the config, so that it trains on two CPU cores.

Training data: bands rendered from multi-track MIDI with free soundfonts, an acoustic kit and an
electric bass; sources and licences are in ``weights/MODELS.md``.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of the networks.

    ``width`` is the generator's number of channels at full resolution (64 in the paper),
    ``discriminator_width`` the discriminator's (64), ``blocks`` the number of residual blocks (9),
    ``fold`` the number of mel bins folded into channels (1) and ``context`` whether the generator
    knows heights and long times (False).
    """

    width: int = 64
    blocks: int = 9
    fold: int = 1
    context: bool = False
    discriminator_width: int = 64


class Generator(nn.Module):
    """ResNet generator: one spectrogram image in, one out, both ``[B, 1, F, T]`` in -1..1.

    ``F`` must be a multiple of ``4 * fold`` and ``T`` of 4.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.fold = config.fold
        self.context = config.context
        width = config.width
        planes = config.fold * (2 if config.context else 1)
        self.stem = nn.Sequential(
            nn.ReflectionPad2d(3),
            nn.Conv2d(planes, width, 7, bias=False),
            nn.InstanceNorm2d(width, affine=True),
            nn.ReLU(),
        )
        self.down = nn.Sequential(_down(width, 2 * width), _down(2 * width, 4 * width))
        self.blocks = nn.Sequential(
            *(
                ResidualBlock(4 * width, context=config.context and index % 3 == 0)
                for index in range(config.blocks)
            )
        )
        self.up = nn.Sequential(_up(4 * width, 2 * width), _up(2 * width, width))
        self.head = nn.Sequential(nn.ReflectionPad2d(3), nn.Conv2d(width, config.fold, 7))

    def forward(self, image: Tensor) -> Tensor:
        """Translate ``image`` ``[B, 1, F, T]``."""
        if self.context:
            heights = torch.linspace(-1, 1, image.shape[2], device=image.device, dtype=image.dtype)
            image = torch.cat([image, heights[None, None, :, None].expand_as(image)], 1)
        x = _fold(image, self.fold)  # [B, 2 * fold, F / fold, T]
        x = self.down(self.stem(x))  # [B, 4 * width, F / fold / 4, T / 4]
        x = self.head(self.up(self.blocks(x)))  # [B, fold, F / fold, T]
        return torch.tanh(_unfold(x.float(), self.fold))


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions beside an identity, with or without a long convolution over time."""

    def __init__(self, channels: int, *, context: bool) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3, bias=False),
            nn.InstanceNorm2d(channels, affine=True),
            nn.ReLU(),
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3, bias=False),
            nn.InstanceNorm2d(channels, affine=True),
        )
        self.time = nn.Conv1d(channels, channels, 17, padding=8) if context else None

    def forward(self, x: Tensor) -> Tensor:
        """``[B, C, F, T]`` to the same."""
        if self.time is not None:
            # The ramp keeps low bins apart from high ones in the mean over frequency.
            x = x + F.relu(self.time(x.mean(2)))[:, :, None]
        y: Tensor = x + self.body(x)
        return y


class Discriminator(nn.Module):
    """70 x 70 PatchGAN: an image ``[B, channels, F, T]`` to a map of scores ``[B, 1, f, t]``."""

    def __init__(self, config: ModelConfig, channels: int = 1) -> None:
        super().__init__()
        width = config.discriminator_width
        self.layers = nn.Sequential(
            nn.Conv2d(channels, width, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1, bias=False),
            nn.InstanceNorm2d(2 * width, affine=True),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * width, 4 * width, 4, stride=2, padding=1, bias=False),
            nn.InstanceNorm2d(4 * width, affine=True),
            nn.LeakyReLU(0.2),
            nn.Conv2d(4 * width, 8 * width, 4, padding=1, bias=False),
            nn.InstanceNorm2d(8 * width, affine=True),
            nn.LeakyReLU(0.2),
            nn.Conv2d(8 * width, 1, 4, padding=1),
        )

    def forward(self, image: Tensor) -> Tensor:
        """Score every patch of ``image``: 1 for real, 0 for generated (least squares)."""
        scores: Tensor = self.layers(image)
        return scores.float()


def _down(inputs: int, outputs: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False),
        nn.InstanceNorm2d(outputs, affine=True),
        nn.ReLU(),
    )


def _up(inputs: int, outputs: int) -> nn.Module:
    return nn.Sequential(
        nn.Upsample(scale_factor=2),
        nn.ReflectionPad2d(1),
        nn.Conv2d(inputs, outputs, 3, bias=False),
        nn.InstanceNorm2d(outputs, affine=True),
        nn.ReLU(),
    )


def _fold(image: Tensor, fold: int) -> Tensor:
    """``[B, C, F, T]`` to ``[B, C * fold, F / fold, T]``."""
    batch, channels, bins, frames = image.shape
    folded = image.reshape(batch, channels, bins // fold, fold, frames)
    return folded.transpose(2, 3).reshape(batch, channels * fold, bins // fold, frames)


def _unfold(image: Tensor, fold: int) -> Tensor:
    """``[B, fold, F / fold, T]`` to ``[B, 1, F, T]``."""
    batch, _, bins, frames = image.shape
    return image.transpose(1, 2).reshape(batch, 1, bins * fold, frames)
