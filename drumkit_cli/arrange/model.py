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
* ``metre``: beats and bars enter as planes of `metre` before the normalisation at every resolution,
  constant over frequency, of generator and discriminator. In the blocks, features are drawn towards
  their mean over the frames that have the same place in their bars: so the generator holds a
  pattern.
* Upsampling is by nearest neighbour and convolution: checkerboard artefacts would be audible.
* The discriminator can be conditional (``channels=2``: drums and the bass that they belong to).
* The width is set by the config, so that it trains on two CPU cores.

Training data: bands rendered from multi-track MIDI with free soundfonts, an acoustic kit and an
electric bass; sources and licences are in ``weights/MODELS.md``.
"""

from collections.abc import Mapping
from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from drumkit_cli.arrange.config import ModelConfig
from drumkit_cli.arrange.folding import fold_bins, unfold_bins, with_heights
from drumkit_cli.arrange.metre import PLANES
from drumkit_cli.arrange.unet import BINS, UNet
from drumkit_cli.learning.configs import restore
from drumkit_cli.learning.torch_network import EntryPoint

SAME_PLACE: Final = 40.0
"""Sharpness of the places in a bar that count as one: a fortieth of a bar is half as much."""


class Generator(nn.Module):
    """ResNet generator from spectrogram image to image, both ``[B, 1, F, T]`` in -1..1.

    F must be a multiple of ``4 * fold`` and T of 4.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
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
        self.metre = _metre_layers(width) if config.metre else None
        self.hold = nn.ModuleList(Hold(4 * width) for _ in range(2 if config.metre else 0))

    def forward(self, image: Tensor, metre: Tensor | None = None) -> Tensor:
        """Translate images ``[B, 1, F, T]`` to metre ``[B, PLANES, T]``."""
        x = fold_bins(with_heights(image) if self.context else image, self.fold)
        if self.metre is None or metre is None:
            x = self.down(self.stem(x))  # [B, 4 * width, F / fold / 4, T / 4]
            x = self.up(self.blocks(x))
        else:
            x = _add_in(self.stem, x, self.metre[0](metre))
            x = _add_in(self.down[1], self.down[0](x), self.metre[1](metre))
            half = len(self.blocks) * 2 // 3
            x = self.hold[0](self.blocks[:half](x), metre)
            x = self.hold[1](self.blocks[half:](x), metre)
            x = _add_in(self.up[0], x, self.metre[2](metre))
            x = _add_in(self.up[1], x, self.metre[3](metre))
        x = self.head(x)  # [B, fold, F / fold, T]
        return torch.tanh(unfold_bins(x.float(), self.fold))


class Hold(nn.Module):
    """Draw features towards their mean over the frames at the same place in a bar."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gate = nn.Parameter(torch.full((channels, 1, 1), 2.0))

    def forward(self, x: Tensor, metre: Tensor) -> Tensor:
        """``[B, C, F, T / n]`` and metre ``[B, PLANES, T]`` to the former's shape."""
        batch, _, _, frames = x.shape
        places = metre[:, :3].reshape(batch, 3, frames, -1).mean(3)  # [B, 3, T / n]
        known, turn = places[:, :1], places[:, 1:]
        same = torch.exp(SAME_PLACE * (turn.transpose(1, 2) @ turn - 1)) * known  # [B, T/n, T/n]
        same = same / (same.sum(2, keepdim=True) + 1e-4)
        mean = (x.flatten(1, 2) @ same.transpose(1, 2).to(x.dtype)).reshape(x.shape)
        held: Tensor = x + (mean - x) * torch.sigmoid(self.gate) * known[:, :, None]
        return held


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
    """70 x 70 PatchGAN: images ``[B, channels, F, T]`` to scores of patches ``[B, 1, f, t]``.

    With metre ``[B, PLANES, T]``, its planes are as if further channels of the images.
    """

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
        self.metre = nn.Conv1d(PLANES, width, 4, stride=2, padding=1) if config.metre else None

    def forward(self, image: Tensor, metre: Tensor | None = None) -> Tensor:
        """Score every patch: 1 for real, 0 for generated (least squares)."""
        x = self.layers[0](image)
        if self.metre is not None and metre is not None:
            x = x + self.metre(metre)[:, :, None]
        scores: Tensor = self.layers[1:](x)
        return scores.float()


def generator(config: ModelConfig) -> Generator | UNet:
    """Make the generator that a config names."""
    return UNet(config) if config.generator == "unet" else Generator(config)


def build(config: Mapping[str, Any]) -> Generator | UNet:
    """Make the network of a weights file from its config."""
    return generator(restore(ModelConfig, config))


def entry_points(network: Generator | UNet) -> dict[str, EntryPoint]:
    """What inference calls: `generator`, an image of bass to one of drums, ``[1, 1, 256, T]``.

    A network with metre gets that of the window too, ``[1, PLANES, T]``.
    """
    frames = network.config.frames
    image = torch.rand(1, 1, BINS, frames) * 2 - 1
    if not network.config.metre:
        return {"generator": EntryPoint(network, (image,), ((),))}
    turns = torch.arange(frames) * torch.arange(PLANES)[:, None] / 20
    return {"generator": EntryPoint(network, (image, torch.cos(turns)[None]), ((), ()))}


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


def _metre_layers(width: int) -> nn.ModuleList:
    """Convolutions over time of the metre, for stem, bottleneck and both layers of `up`."""
    shapes = ((width, 1), (4 * width, 4), (2 * width, 2), (width, 1))
    return nn.ModuleList(
        nn.Conv1d(PLANES, channels, 4 + stride, stride, padding=2) for channels, stride in shapes
    )


def _add_in(layers: nn.Module, x: Tensor, metre: Tensor) -> Tensor:
    """Run layers, adding metre ``[B, C, T]`` to what they normalise."""
    for layer in layers.children():
        if isinstance(layer, nn.InstanceNorm2d):
            x = x + metre[:, :, None]
        x = layer(x)
    return x
