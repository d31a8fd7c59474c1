"""MCNN, the paper's inverter: multi-head transposed convolutions that give a waveform and a mask.

Source: S. Arik, H. Jun, G. Diamos, "Fast spectrogram inversion using multi-head convolutional
neural networks" (2018), as the drum paper changes it: eight heads of eight transposed convolutions
of width 13 and stride 2 with ELU and without biases (zeros stay zeros), a mask next to the
waveform, a weighted sum of the heads, a scaled softsign. What differs: the input are levels, whose
floor is zero as that of magnitudes; the last layer has no ELU, since its outputs have either sign;
the first layers are narrower by default.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from drumkit_cli.learning.configs import restore
from drumkit_cli.learning.torch_network import EntryPoint
from drumkit_cli.sounds.mel_image import FRAMES, LENGTH, MEL


@dataclass(frozen=True)
class MCNNConfig:
    """Sizes of MCNN: the number of heads, and channels of a head after each of eight layers.

    The paper has 128, 64, 32, 16, 8, 4, 2 and 2 channels.
    """

    heads: int = 8
    channels: tuple[int, ...] = (32, 24, 16, 16, 8, 4, 2, 2)


class MCNN(nn.Module):
    """Levels ``[B, F, T]`` to a waveform ``[B, N]`` and the logits of its mask ``[B, N]``.

    The heads are the groups of one convolution.
    """

    def __init__(self, config: MCNNConfig) -> None:
        super().__init__()
        self.heads = heads = config.heads
        widths = [channels * heads for channels in config.channels]
        self.layers = nn.ModuleList(
            nn.ConvTranspose1d(
                before, after, 13, 2, padding=6, output_padding=1, groups=groups, bias=False
            )
            for before, after, groups in zip(
                [MEL.mels, *widths[:-1]], widths, [1, *[heads] * (len(widths) - 1)], strict=True
            )
        )
        self.weights = nn.Parameter(torch.full((heads,), 1 / heads))
        self.scale = nn.Parameter(torch.ones(2))

    def forward(self, levels: Tensor) -> tuple[Tensor, Tensor]:
        """Invert levels; `masked` applies the mask."""
        x = levels
        for index, layer in enumerate(self.layers):
            x = layer(x)  # [B, heads * C, 2 T]
            if index < len(self.layers) - 1:
                x = F.elu(x)
        waves, masks = x.float().unflatten(1, (self.heads, 2))[..., :LENGTH].unbind(2)
        wave = (waves * self.weights[:, None]).sum(1)
        inner, outer = self.scale
        return outer * F.softsign(inner * wave), masks.sum(1)

    @staticmethod
    def masked(wave: Tensor, mask: Tensor) -> Tensor:
        """The waveform where the mask, thresholded at a probability of 0.5, is 1."""
        return wave * (mask > 0)


def build(config: Mapping[str, Any]) -> MCNN:
    """Make the network of a weights file from its config."""
    return MCNN(restore(MCNNConfig, config))


def entry_points(network: MCNN) -> dict[str, EntryPoint]:
    """What inference calls: `invert`, levels to a waveform and the logits of its mask."""
    return {"invert": EntryPoint(network, (torch.rand(2, MEL.mels, FRAMES),), ((0,),))}
