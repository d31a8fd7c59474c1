"""A small classifier of drum sounds: it judges what was generated, and never makes any of it."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from drumkit_cli.synth.sound import CLASSES, MEL

__all__ = ["Classifier"]

BANDS = 64
EMBEDDING = 96


class Classifier(nn.Module):
    """Levels ``[B, F, T]`` to an embedding ``[B, 96]`` and to logits ``[B, K]``.

    Mel bins are averaged into 64 bands; the height of a band is a second plane, since a
    convolution does not know where it is and a hat lives higher than a kick.
    """

    def __init__(self, width: int = 16, classes: int = len(CLASSES)) -> None:
        super().__init__()
        widths = (2, width, 2 * width, 4 * width, EMBEDDING)
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [
                nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(after),
                nn.ReLU(),
            ]
        self.layers = nn.Sequential(*layers)
        self.drop = nn.Dropout(0.3)
        self.last = nn.Linear(2 * EMBEDDING, EMBEDDING)
        self.logits = nn.Linear(EMBEDDING, classes)

    def embed(self, levels: Tensor) -> Tensor:
        """What the logits are made from, ``[B, 96]``."""
        bands = F.avg_pool2d(levels[:, None], (MEL.mels // BANDS, 1))
        heights = torch.linspace(-1, 1, BANDS, device=levels.device)[None, None, :, None]
        x = self.layers(torch.cat([2 * bands - 1, heights.expand_as(bands)], 1))
        pooled = torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1)
        return F.relu(self.last(self.drop(pooled)))

    def forward(self, levels: Tensor) -> Tensor:
        """Logits ``[B, K]``."""
        logits: Tensor = self.logits(self.drop(self.embed(levels)))
        return logits
