"""The paper's inverter: many heads of transposed convolutions, and a mask.

It follows S. Arik, H. Jun, G. Diamos, "Fast spectrogram inversion using multi-head
convolutional neural networks" (2018) as the drum paper changes it: eight heads of eight transposed
convolutions of width 13 and stride 2 with ELU, no biases, so that zeros stay zeros, a mask beside
the wave, a weighted sum of the heads, a scaled softsign. What differs: it reads levels, whose
floor is zero too, in place of magnitudes, has no ELU after the last layer, whose masks and waves
are of either sign, and has narrower first layers by default.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from drumkit_cli.sounds.mel_image import LENGTH, MEL


@dataclass(frozen=True)
class MCNNConfig:
    """Sizes of MCNN: heads, and the channels of one head after each of the eight layers.

    The paper's are 128, 64, 32, 16, 8, 4, 2 and 2.
    """

    heads: int = 8
    channels: tuple[int, ...] = (32, 24, 16, 16, 8, 4, 2, 2)


class MCNN(nn.Module):
    """Levels ``[B, F, T]`` to samples ``[B, N]`` and the logits of the mask ``[B, N]``.

    The heads are the groups of one convolution: the same sums as heads one by one, in fewer calls.
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
        """Make sounds audible; `masked` puts the two together."""
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
        """The sound: the wave where the mask, made 0 or 1, lets it through."""
        return wave * (mask > 0)
