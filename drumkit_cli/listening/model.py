"""The ear: a convolutional network from log-mel levels to activations of drums, beats and bars.

Papers: R. Vogl et al., "Drum transcription via joint beat and drum modeling using convolutional
recurrent neural networks" (ISMIR 2017), for one network of drums and beats; M. Davies, S. Böck,
"Temporal convolutional networks for musical audio beat tracking" (EUSIPCO 2019), for dilated
convolutions in place of recurrence. What differs: a second, slow stack sees five seconds to either
side at a quarter of the frame rate, so that bars are found without recurrence. Training data:
rendered takes, see ``transcribe/training/takes.py`` and ``weights/MODELS.md``.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from drumkit_cli.learning.configs import restore
from drumkit_cli.learning.torch_network import EntryPoint
from drumkit_cli.listening.bar_features import FEATURES
from drumkit_cli.listening.bar_network import BarNetwork
from drumkit_cli.listening.config import OUTPUTS, SLOW, EarConfig
from drumkit_cli.listening.voices import VOICES


class Ear(nn.Module):
    """Levels `[B, T, F]` to logits `[B, T, 14]`: `OUTPUTS`, then a velocity for each voice."""

    def __init__(self, config: EarConfig) -> None:
        super().__init__()
        self.mels = config.mels
        before = (1, *config.channels)
        self.bands = nn.Sequential(
            *(
                nn.Sequential(
                    nn.Conv2d(a, b, 3, stride=(1, 2), padding=1, bias=False),
                    nn.BatchNorm2d(b),
                    nn.ReLU(),
                )
                for a, b in zip(before, config.channels, strict=False)
            )
        )
        bands = config.mels
        for _ in config.channels:
            bands = (bands + 1) // 2
        self.join = nn.Conv1d(bands * config.channels[-1], config.width, 1)
        self.fast = nn.Sequential(*(Residual(config.width, 2**n) for n in range(config.layers)))
        self.slow = nn.Sequential(
            nn.Conv1d(config.width, config.slow_width, 1),
            *(Residual(config.slow_width, 2**n) for n in range(config.slow_layers)),
        )
        self.head = nn.Sequential(
            nn.Conv1d(config.width + config.slow_width, config.width, 3, padding=1),
            nn.ReLU(),
            nn.Conv1d(config.width, len(OUTPUTS) + len(VOICES), 1),
        )
        self.bars = BarNetwork(config.bars) if config.bars else None

    def forward(self, levels: Tensor) -> Tensor:
        """Logits of every frame."""
        bands = self.bands(levels[:, None])  # [B, C, T, F/8]
        x = self.fast(self.join(bands.transpose(2, 3).flatten(1, 2)))  # [B, width, T]
        slow = self.slow(_means(x))  # [B, slow_width, T/4]
        context = slow[..., None].expand(-1, -1, -1, SLOW).flatten(2)[:, :, : x.shape[2]]
        logits: Tensor = self.head(torch.cat([x, context], 1))
        return logits.transpose(1, 2)


class Residual(nn.Module):
    """A dilated convolution with a residual connection: `[B, C, T]` to the same."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.BatchNorm1d(width),
            nn.ReLU(),
            nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation, bias=False),
            nn.BatchNorm1d(width),
            nn.ReLU(),
            nn.Conv1d(width, width, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """The input and what the layers make of it."""
        out: Tensor = x + self.layers(x)
        return out


def _means(x: Tensor) -> Tensor:
    """Means over the steps of the slow stack: `[B, C, T]` to `[B, C, T/4]`, rounded up.

    A convolution, since a graph has no operator for the mean of a last step that is not full.
    """
    rows = nn.functional.pad(x.flatten(0, 1)[:, None], (0, SLOW - 1))  # [B C, 1, T + 3]
    means = nn.functional.conv1d(rows, rows.new_full((1, 1, SLOW), 1 / SLOW), stride=SLOW)
    return means.view(x.shape[0], x.shape[1], -1)


def entry_points(network: Ear) -> dict[str, EntryPoint]:
    """What inference calls; all that they give is 0..1.

    `hear` makes activations ``[1, T, 14]`` of levels ``[1, T, F]``, and `bars`, which not every ear
    has, downbeats ``[1, n]`` of features of beats ``[1, n, FEATURES]``.
    """
    levels = torch.rand(1, 40, network.mels)
    points = {"hear": EntryPoint(lambda levels: network(levels).sigmoid(), (levels,), ((1,),))}
    bars = network.bars
    if bars is not None:
        features = torch.rand(1, 12, FEATURES)
        points["bars"] = EntryPoint(lambda given: bars(given).sigmoid(), (features,), ((1,),))
    return points


def build(config: Mapping[str, Any]) -> Ear:
    """Make the network of a weights file from its config."""
    return Ear(restore(EarConfig, config))
