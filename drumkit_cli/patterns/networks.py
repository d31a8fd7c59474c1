"""Encoder and decoder networks of drum patterns, which `interpolate` and `swirl` share.

Paper: "Off the beaten track", section "Deep and recurrent networks": an encoder of three
bidirectional LSTM layers with tanh and four dense ReLU layers, a decoder of five dense layers with
logistic outputs. Here the decoder gives logits, which the losses take.

What differs, and why: the dense layers have layer norm, and a linear map runs in parallel with the
encoder and with the decoder. Without them training on a CPU takes long to find what a principal
component analysis finds at once (the runs are in ``weights/MODELS.md``).
"""

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

import torch
from torch import Tensor, nn

from drumkit_cli.midi.drum_maps import VOICE_NAMES
from drumkit_cli.patterns.pattern_sets import PATTERN_STEPS


class EncoderKind(StrEnum):
    """The layers that read a pattern over time."""

    LSTM = "lstm"
    CONV = "conv"


@dataclass(frozen=True)
class NetConfig:
    """Sizes of the networks.

    Attributes:
        encoder: LSTM or convolutions; the paper compares the two.
        hidden: units of an LSTM in each direction, or half the channels of a convolution.
        encoder_dense: widths of the first three of the encoder's four dense layers.
        decoder_dense: widths of the first four of the decoder's five dense layers.
    """

    encoder: EncoderKind = EncoderKind.LSTM
    hidden: int = 32
    encoder_dense: tuple[int, int, int] = (512, 512, 512)
    decoder_dense: tuple[int, int, int, int] = (512, 768, 768, 768)


class PatternEncoder(nn.Module):
    """Patterns ``[B, V, T]`` to vectors ``[B, outputs]``."""

    def __init__(self, config: NetConfig, outputs: int) -> None:
        super().__init__()
        self.kind = EncoderKind(config.encoder)
        voices, hidden = len(VOICE_NAMES), config.hidden
        if self.kind is EncoderKind.LSTM:
            self.time: nn.Module = nn.LSTM(
                voices, hidden, num_layers=3, bidirectional=True, batch_first=True
            )
        else:
            widths = (voices, 2 * hidden, 2 * hidden, 2 * hidden)
            layers = [_conv(before, after) for before, after in pairwise(widths)]
            self.time = nn.Sequential(*layers)
        self.dense = dense((2 * hidden * PATTERN_STEPS, *config.encoder_dense, outputs))
        self.linear = nn.Linear(voices * PATTERN_STEPS, outputs)

    def forward(self, patterns: Tensor) -> Tensor:
        """Encode patterns ``[B, V, T]``."""
        if self.kind is EncoderKind.LSTM:
            states: Tensor = self.time(patterns.mT)[0]  # [B, T, 2 * hidden]
        else:
            states = self.time(patterns)  # [B, 2 * hidden, T]
        vectors: Tensor = self.dense(states.flatten(1)) + self.linear(patterns.flatten(1))
        return vectors


class PatternDecoder(nn.Module):
    """Vectors ``[B, Z]`` to logits of patterns ``[B, V, T]``."""

    def __init__(self, config: NetConfig, inputs: int) -> None:
        super().__init__()
        cells = len(VOICE_NAMES) * PATTERN_STEPS
        self.dense = dense((inputs, *config.decoder_dense, cells))
        self.linear = nn.Linear(inputs, cells)

    def forward(self, vectors: Tensor) -> Tensor:
        """Decode vectors ``[B, Z]``."""
        cells = self.dense(vectors) + self.linear(vectors)
        logits: Tensor = cells.unflatten(1, (len(VOICE_NAMES), PATTERN_STEPS))
        return logits


def dense(widths: tuple[int, ...]) -> nn.Sequential:
    """Dense layers with layer norm and ReLU between them."""
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layers += [nn.Linear(before, after), nn.LayerNorm(after), nn.ReLU()]
    return nn.Sequential(*layers[:-2])


def to_targets(velocities: Tensor) -> Tensor:
    """Map velocities 0..1 to target probabilities: 0 for a rest, 0.5..1 for a note.

    The paper takes velocities as probabilities directly, which confuses a soft note with an
    unlikely one.
    """
    return torch.where(velocities > 0, 0.5 + 0.5 * velocities, 0.0)


def to_velocities(logits: Tensor) -> Tensor:
    """Map logits to velocities 0..1: the inverse of `to_targets` for their probabilities."""
    return (2 * torch.sigmoid(logits.float()) - 1).clamp_min(0)


def _conv(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv1d(before, after, 5, padding=2), nn.ReLU())
