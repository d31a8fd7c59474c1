"""CycleGAN that turns the mel spectrogram of a bass line into one of drums.

Paper: G. Barnabo, G. Trappolini, L. Lastilla, C. Campagnano, A. Fan, F. Petroni, F. Silvestri,
"CycleDRUMS: automatic drum arrangement for bass lines using CycleGAN", III-C and III-D; the
networks are those of J.-Y. Zhu et al., "Unpaired image-to-image translation using cycle-consistent
adversarial networks" (ICCV 2017): a ResNet generator of nine blocks with instance norm and
reflection padding, and a 70 x 70 PatchGAN.

What differs, and why:

* ``fold``: neighbouring mel bins are folded into channels before the first layer and unfolded after
  the last (the paper's generator has ``fold=1``). Drums need less resolution in frequency than in
  time: a fold of four makes a pass four times cheaper, and the nine blocks then span the whole
  frequency axis, so that a hi-hat at 8 kHz can depend on a bass at 60 Hz.
* ``context``: the generator gets the height of each bin as a second input plane, since convolutions
  do not know absolute positions; every third block adds a long convolution over time of the mean
  over frequency, so that the rhythm of the whole window has an effect.
* Upsampling is by nearest neighbour and convolution: checkerboard artefacts would be audible.
* The discriminator can be conditional (``channels=2``: drums and the bass that they belong to).
* The width is set by the config, so that it trains on two CPU cores.

Training data: bands rendered from multi-track MIDI with free soundfonts, an acoustic kit and an
electric bass; sources and licences are in ``weights/MODELS.md``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from drumkit_cli.learning.configs import restore
from drumkit_cli.learning.torch_network import EntryPoint

IMAGE: Final = (256, 256)
"""Bins and frames of the images that inference translates."""


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of the networks; the defaults are the paper's.

    ``width`` is the generator's number of channels at full resolution, ``discriminator_width`` the
    discriminator's, ``blocks`` the number of residual blocks, ``fold`` the number of mel bins
    folded into channels, and ``context`` whether the generator gets heights and long convolutions.
    """

    width: int = 64
    blocks: int = 9
    fold: int = 1
    context: bool = False
    discriminator_width: int = 64


class Generator(nn.Module):
    """ResNet generator from spectrogram image to image, both ``[B, 1, F, T]`` in -1..1.

    F must be a multiple of ``4 * fold`` and T of 4.
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
        """Translate images ``[B, 1, F, T]``."""
        if self.context:
            heights = torch.linspace(-1, 1, image.shape[2], device=image.device, dtype=image.dtype)
            image = torch.cat([image, heights[None, None, :, None].expand_as(image)], 1)
        x = _fold(image, self.fold)  # [B, 2 * fold, F / fold, T]
        x = self.down(self.stem(x))  # [B, 4 * width, F / fold / 4, T / 4]
        x = self.head(self.up(self.blocks(x)))  # [B, fold, F / fold, T]
        return torch.tanh(_unfold(x.float(), self.fold))


class ResidualBlock(nn.Module):
    """Residual block of two 3 x 3 convolutions, with or without a long convolution over time."""

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
    """70 x 70 PatchGAN: images ``[B, channels, F, T]`` to scores of patches ``[B, 1, f, t]``."""

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
        """Score every patch: 1 for real, 0 for generated (least squares)."""
        scores: Tensor = self.layers(image)
        return scores.float()


def build(config: Mapping[str, Any]) -> Generator:
    """Make the network of a weights file from its config."""
    return Generator(restore(ModelConfig, config))


def entry_points(network: Generator) -> dict[str, EntryPoint]:
    """What inference calls: `generator`, an image of bass ``[1, 1, 256, 256]`` to one of drums."""
    return {"generator": EntryPoint(network, (torch.rand(1, 1, *IMAGE) * 2 - 1,), ((),))}


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
