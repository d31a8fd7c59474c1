"""CWAE: a conditional Wasserstein autoencoder of the log-mel images of drum sounds.

Paper: C. Aouameur, P. Esling, G. Hadjeres, "Neural Drum Machine: an interactive system for
real-time synthesis of drum sounds" (ICCC 2019), "The Conditional WAE": three convolutions of kernel
(11, 5), stride (3, 2) and padding (5, 2) with conditional batch norm and ReLU, dense layers of
1024, 512 and 64, and a mirrored decoder; images are standardised per element.

What differs, and why:

* The widths are set by the config: the paper's dense layers alone would make the weights file five
  times as large.
* The last layer is a sub-pixel convolution of the same stride, because a transposed convolution to
  so few channels would take half of the time.
* Dense layers have layer norm, which lets an hour on two CPU cores suffice, and dropout, since
  there are fewer sounds than the paper's 33,000.
* The class is a vector of weights, so that a morph from a kick to a snare has sounds in between.
* The three controls are principal components of the codes of a class, not of all codes.
* The decoder also gives the expected absolute error of each element: the mean of many noises is
  smooth, and `drum_synth` adds noise of that deviation to it again.

Training data: one-shot samples of free licences and our own drum synthesiser; sources and licences
are in ``weights/MODELS.md``.
"""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from drumkit_cli.sounds.config import KERNEL, PADDING, STRIDE, ModelConfig


class CWAE(nn.Module):
    """Conditional autoencoder: levels ``[B, F, T]`` to latent codes ``[B, Z]`` and back.

    Classes are given as weights ``[B, K]`` that sum to 1: one-hot for a single class.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        shape = (config.bins, config.frames)
        self.register_buffer("mean", torch.zeros(shape))
        self.register_buffer("deviation", torch.ones(shape))

    def encode(self, levels: Tensor, classes: Tensor) -> Tensor:
        """Codes ``[B, Z]``."""
        codes: Tensor = self.encoder((levels - self.mean) / self.deviation, classes)
        return codes

    def decode(self, codes: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
        """Levels ``[B, F, T]``, 0 or more, and their expected absolute error ``[B, F, T]``."""
        image, spread = self.decoder(codes, classes)
        levels = (image * self.deviation + self.mean).clamp_min(0)
        return levels, spread * self.deviation

    def forward(self, levels: Tensor, classes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Standardised image, its expected absolute error, and codes."""
        codes = self.encode(levels, classes)
        image, spread = self.decoder(codes, classes)
        return image, spread, codes


class Latent(nn.Module):
    """The distribution of the codes of each class: a Gaussian, by its principal components.

    Buffers: ``mean`` ``[K, Z]``; ``components`` ``[K, Z, Z]``, unit rows by variance, signed
    towards brighter sounds; ``scale`` ``[K, Z]``, standard deviations along the components;
    ``brighter`` ``[K, Z]``, mean change of the code for one deviation of brightness.
    """

    mean: Tensor
    components: Tensor
    scale: Tensor
    brighter: Tensor

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        classes, latent = config.classes, config.latent
        self.register_buffer("mean", torch.zeros(classes, latent))
        self.register_buffer("components", torch.eye(latent).repeat(classes, 1, 1))
        self.register_buffer("scale", torch.ones(classes, latent))
        self.register_buffer("brighter", torch.zeros(classes, latent))


class ConditionalBatchNorm(nn.Module):
    """Batch norm whose gain and shift depend on the class (E. Perez et al., 2017)."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.gain = nn.Parameter(torch.ones(classes, channels))
        self.shift = nn.Parameter(torch.zeros(classes, channels))

    def forward(self, x: Tensor, classes: Tensor) -> Tensor:
        """``[B, C, F, T]`` to the same."""
        gain, shift = classes @ self.gain, classes @ self.shift  # [B, C]
        y: Tensor = self.norm(x) * gain[:, :, None, None] + shift[:, :, None, None]
        return y


class Encoder(nn.Module):
    """Standardised images ``[B, F, T]`` to codes ``[B, Z]``."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        widths = (1, *config.channels)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(before, after, KERNEL, STRIDE, PADDING, bias=False)
            for before, after in pairwise(widths)
        )
        self.norms = nn.ModuleList(
            ConditionalBatchNorm(channels, config.classes) for channels in config.channels
        )
        self.dense = _dense((config.flat, *config.dense, config.latent), config.dropout)

    def forward(self, image: Tensor, classes: Tensor) -> Tensor:
        """Encode images."""
        x = image[:, None]
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            x = F.relu(norm(convolution(x), classes))  # [B, C, F / 3, T / 2]
        codes: Tensor = self.dense(x.flatten(1))
        return codes.float()


class Decoder(nn.Module):
    """Codes ``[B, Z]`` to standardised images ``[B, F, T]`` and their expected absolute errors."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.shape = (config.channels[-1], *config.sizes[-1])
        inputs = config.latent + config.classes
        self.dense = _dense((inputs, *reversed(config.dense), config.flat), config.dropout)
        widths = tuple(reversed(config.channels))
        sizes = tuple(reversed(config.sizes))
        self.norms = nn.ModuleList(
            ConditionalBatchNorm(channels, config.classes) for channels in widths
        )
        self.convolutions = nn.ModuleList(
            nn.ConvTranspose2d(
                before, after, KERNEL, STRIDE, PADDING, _missing(small, large), bias=False
            )
            for (before, after), (small, large) in zip(
                pairwise(widths), pairwise(sizes[:-1]), strict=True
            )
        )
        self.last = SubPixel(widths[-1], 2, (config.bins, config.frames))

    def forward(self, codes: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
        """Decode codes."""
        x = self.dense(torch.cat([codes, classes], 1)).unflatten(1, self.shape)
        for norm, convolution in zip(self.norms, [*self.convolutions, self.last], strict=True):
            x = convolution(F.relu(norm(x, classes)))  # [B, C, 3 F, 2 T]
        image, spread = x.float().unbind(1)
        # softplus, in operators that ONNX Runtime vectorises
        return image, spread.clamp_min(0) + torch.log(1 + torch.exp(-spread.abs()))


class SubPixel(nn.Module):
    """Upsampling by (3, 2): a convolution to six times the channels, which become pixels."""

    def __init__(self, inputs: int, outputs: int, size: tuple[int, int]) -> None:
        super().__init__()
        self.outputs, self.size = outputs, size
        self.convolution = nn.Conv2d(
            inputs, outputs * STRIDE[0] * STRIDE[1], (5, 3), padding=(2, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """``[B, C, F, T]`` to ``[B, outputs, *size]``."""
        x = self.convolution(x).unflatten(1, (self.outputs, *STRIDE))  # [B, C, 3, 2, F, T]
        # Rows first, then pairs: two plain transpositions are faster than one of all axes.
        x = x.permute(0, 1, 4, 2, 3, 5).flatten(2, 3)  # [B, C, 3 F, 2, T]
        x = x.transpose(3, 4).flatten(3)  # [B, C, 3 F, 2 T]
        return x[:, :, : self.size[0], : self.size[1]]


def _dense(widths: tuple[int, ...], dropout: float) -> nn.Sequential:
    """Dense layers with layer norm, ReLU and dropout between them."""
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layers += [nn.Linear(before, after), nn.LayerNorm(after), nn.ReLU(), nn.Dropout(dropout)]
    return nn.Sequential(*layers[:-3])


def _missing(small: tuple[int, int], large: tuple[int, int]) -> tuple[int, int]:
    """Output padding of a transposed convolution from a small size to a large one, by axis."""
    first, second = (
        big - ((size - 1) * stride - 2 * padding + kernel)
        for size, big, stride, padding, kernel in zip(
            small, large, STRIDE, PADDING, KERNEL, strict=True
        )
    )
    return first, second
