"""The ear: a convolutional network from log-mel levels to activations of drums, beats and bars.

Papers: R. Vogl et al., "Drum transcription via joint beat and drum modeling using convolutional
recurrent neural networks" (ISMIR 2017), for one network of drums and beats; M. Davies, S. Böck,
"Temporal convolutional networks for musical audio beat tracking" (EUSIPCO 2019), for dilated
convolutions in place of recurrence. What differs: a second, slow stack sees five seconds to either
side at a quarter of the frame rate, so that bars are found without recurrence. Training data:
rendered takes, see ``transcribe/training/takes.py`` and ``weights/MODELS.md``.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from drumkit_cli.listening.voices import VOICES

OUTPUTS = (*VOICES, "beat", "downbeat")
SLOW = 4
"""Frames in a step of the slow stack."""


@dataclass(frozen=True)
class EarConfig:
    """Sizes of the network.

    Attributes:
        mels: mel bands F of the input.
        channels: of the layers over frequency, each of which halves it.
        width: channels of the fast stack.
        layers: of the fast stack; the dilation doubles from layer to layer.
        slow_width: channels of the slow stack.
        slow_layers: of the slow stack.
        thresholds: activation from which on a peak is a hit, of each voice.
    """

    mels: int = 80
    channels: tuple[int, ...] = (24, 32, 48)
    width: int = 152
    layers: int = 6
    slow_width: int = 96
    slow_layers: int = 7
    thresholds: tuple[float, ...] = (0.5,) * len(VOICES)

    def __post_init__(self) -> None:
        """Check what the arrays depend on."""
        if len(self.thresholds) != len(VOICES) or not 0 < self.slow_layers < 12:
            raise ValueError("thresholds of other voices, or more layers than any ear has")

    @property
    def reach_frames(self) -> int:
        """How many frames before and after a frame bear on it, rounded up to steps of `SLOW`."""
        reach = len(self.channels) + (1 << self.layers) + (SLOW << self.slow_layers)
        return -(-reach // SLOW) * SLOW


class Ear(nn.Module):
    """Levels `[B, T, F]` to logits `[B, T, 14]`: `OUTPUTS`, then a velocity for each voice."""

    def __init__(self, config: EarConfig) -> None:
        super().__init__()
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

    def forward(self, levels: Tensor) -> Tensor:
        """Logits of every frame."""
        bands = self.bands(levels[:, None])  # [B, C, T, F/8]
        x = self.fast(self.join(bands.transpose(2, 3).flatten(1, 2)))  # [B, width, T]
        slow = self.slow(nn.functional.avg_pool1d(x, SLOW, ceil_mode=True))  # [B, slow, T/4]
        context = slow.repeat_interleave(SLOW, 2)[:, :, : x.shape[2]]
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


def build(config: EarConfig) -> Ear:
    """An untrained network."""
    return Ear(config)
