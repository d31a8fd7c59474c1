"""The generator of Pix2Pix, the baseline that CycleDRUMS stands beside.

Paper: P. Isola, J.-Y. Zhu, T. Zhou, A. A. Efros, "Image-to-image translation with conditional
adversarial networks" (CVPR 2017), 6.1.1: a U-Net whose layers halve the image until a single row is
left, with skip connections, and dropout in the innermost layers.

What differs, and why: mel bins are folded into channels, heights and metre are planes of the input,
as in `model.Generator`; with the metre constant over frequency. Without dropout at inference: the
same bass gets the same drums.
"""

import torch
from torch import Tensor, nn

from drumkit_cli.arrange.config import ModelConfig
from drumkit_cli.arrange.folding import fold_bins, unfold_bins, with_heights
from drumkit_cli.arrange.metre import PLANES

BINS = 256
"""Mel bins of the images that inference translates."""
DROPOUT = 0.5
DROPOUT_LAYERS = 3
WIDEST = 8
"""Most channels of a layer, in widths."""


class UNet(nn.Module):
    """U-Net from spectrogram image to image, both ``[B, 1, F, T]`` in -1..1.

    F must be 256 and T a multiple of ``256 / fold``.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        depth = (BINS // config.fold).bit_length() - 1
        planes = config.fold * (2 if config.context else 1) + (PLANES if config.metre else 0)
        widths = [config.width * min(2**level, WIDEST) for level in range(depth)]
        self.down = nn.ModuleList(
            _down(before, after, norm=0 < level < depth - 1)
            for level, (before, after) in enumerate(zip([planes, *widths], widths, strict=False))
        )
        self.up = nn.ModuleList(
            _up(2 * after if level else after, before, dropout=level < DROPOUT_LAYERS)
            for level, (after, before) in enumerate(zip(widths[::-1], widths[-2::-1], strict=False))
        )
        self.head = nn.ConvTranspose2d(2 * widths[0], config.fold, 4, stride=2, padding=1)

    def forward(self, image: Tensor, metre: Tensor | None = None) -> Tensor:
        """Translate images ``[B, 1, F, T]`` to metre ``[B, PLANES, T]``."""
        fold = self.config.fold
        x = fold_bins(with_heights(image) if self.config.context else image, fold)
        if self.config.metre:
            known = x.new_zeros(len(x), PLANES, x.shape[3]) if metre is None else metre
            x = torch.cat([x, known[:, :, None].expand(-1, -1, x.shape[2], -1)], 1)
        skips = []
        for layer in self.down:
            x = layer(x)  # [B, C, F / fold / 2^level, T / 2^level]
            skips.append(x)
        x = skips.pop()
        for layer in self.up:
            x = torch.cat([layer(x), skips.pop()], 1)
        return torch.tanh(unfold_bins(self.head(x.relu()).float(), fold))


def _down(inputs: int, outputs: int, *, norm: bool) -> nn.Module:
    """Halve; the outermost layer has no norm, nor has the innermost, whose images are of a row."""
    conv = nn.Conv2d(inputs, outputs, 4, stride=2, padding=1, bias=not norm)
    return nn.Sequential(
        *([conv, nn.InstanceNorm2d(outputs, affine=True)] if norm else [conv]), nn.LeakyReLU(0.2)
    )


def _up(inputs: int, outputs: int, *, dropout: bool) -> nn.Module:
    return nn.Sequential(
        nn.ReLU(),
        nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1, bias=False),
        nn.InstanceNorm2d(outputs, affine=True),
        nn.Dropout(DROPOUT if dropout else 0.0),
    )
