"""Convolutional gated autoencoder of rhythmic relations, and its discriminator.

Paper: S. Lattner and M. Grachten, "High-level control of drum track generation using learned
patterns of rhythmic interaction" (WASPAA 2019), Eq. 1 and 2 and section 3.1: x are curves of snare,
bass, beats and downbeats, y is the kick's, m the codes of how y follows from x.

What the paper leaves open: convolutions keep the length and look as far ahead as back; the first
six layers of U keep the inputs apart, so that only the two top-most combine them. What differs: the
discriminator's layers are spectrally normalised, since its loss (Eq. 3) has no lower bound.

Training data: free multi-track MIDI songs, played by our own renderer; sources and licences are in
``weights/MODELS.md``.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from drumkit_cli.kick.config import ModelConfig
from drumkit_cli.kick.curves import INPUTS
from drumkit_cli.learning.configs import restore
from drumkit_cli.learning.torch_network import EntryPoint


class Layer(nn.Module):
    """A convolution over time that keeps the length, and its transpose with the same kernel."""

    def __init__(self, inputs: int, outputs: int, kernel: int, dilation: int, groups: int) -> None:
        super().__init__()
        bound = (6 * groups / ((inputs + outputs) * kernel)) ** 0.5  # fair to both directions
        weight = torch.empty(outputs, inputs // groups, kernel).uniform_(-bound, bound)
        self.weight = nn.Parameter(weight)
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.bias_back = nn.Parameter(torch.zeros(inputs))
        self._dilation, self._groups = dilation, groups
        reach = dilation * (kernel - 1)
        self._pads = (reach // 2, reach - reach // 2)

    def forward(self, signal: Tensor) -> Tensor:
        """Signals ``[B, inputs, T]`` to ``[B, outputs, T]``."""
        padded = F.pad(signal, self._pads)
        return F.conv1d(
            padded, self.weight, self.bias, dilation=self._dilation, groups=self._groups
        )

    def transposed(self, signal: Tensor) -> Tensor:
        """Signals ``[B, outputs, T]`` to ``[B, inputs, T]``; for layers of one group."""
        left, right = self._pads
        kernel = self.weight.transpose(0, 1).flip(2)
        padded = F.pad(signal, (right, left))
        return F.conv1d(padded, kernel, self.bias_back, dilation=self._dilation)


class Stack(nn.Module):
    """Layers with SELU between them, and none after the last."""

    def __init__(self, inputs: int, outputs: Sequence[int], kernel: int, apart: int = 0) -> None:
        super().__init__()
        sizes = [inputs, *outputs]
        self.layers = nn.ModuleList(
            Layer(before, after, kernel, 1 << depth, inputs if depth < apart else 1)
            for depth, (before, after) in enumerate(zip(sizes, outputs, strict=False))
        )

    def forward(self, signal: Tensor) -> Tensor:
        """Signals ``[B, inputs, T]`` to ``[B, outputs, T]``."""
        for depth, layer in enumerate(self.layers):
            signal = layer(F.selu(signal) if depth else signal)
        return signal

    def transposed(self, signal: Tensor) -> Tensor:
        """Signals ``[B, outputs, T]`` back to ``[B, inputs, T]`` through the same kernels."""
        for depth, layer in enumerate(reversed(self.layers)):
            assert isinstance(layer, Layer)
            signal = layer.transposed(F.selu(signal) if depth else signal)
        return signal


class GatedAutoencoder(nn.Module):
    """The autoencoder: codes m of how a kick y follows from its context x, and kicks from codes."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.context = Stack(len(INPUTS), config.channels, 2, config.apart)
        self.kick = Stack(1, config.channels, 2)
        self.codes = Stack(config.channels[-1], config.codes, 1)
        self.code_size = config.code_size

    def encode(self, context: Tensor, kick: Tensor) -> Tensor:
        """Context ``[B, 4, T]`` and kick ``[B, 1, T]`` to codes ``[B, Q, T]`` (Eq. 1)."""
        codes: Tensor = self.codes(self.context(context) * self.kick(kick))
        return codes

    def decode(self, context: Tensor, codes: Tensor) -> Tensor:
        """Context ``[B, 4, T]`` and codes ``[B, Q, T]`` to the kick ``[B, 1, T]`` (Eq. 2)."""
        return self.kick.transposed(self.context(context) * self.codes.transposed(codes))

    def forward(
        self, context: Tensor, kick: Tensor, other: Tensor, held: int = 0, group: int = 1
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The kick of another context by the codes of a pair (Eq. 5), the codes, and U * x.

        The first ``held`` rows are excerpts of songs, ``group`` of each, which are rebuilt by the
        mean code of their song.
        """
        filtered = self.context(context)
        codes = self.codes(filtered * self.kick(kick))
        means = codes[:held].unflatten(0, (-1, group)).mean((1, 3)).repeat_interleave(group, 0)
        played = torch.cat([means[..., None].expand_as(codes[:held]), codes[held:]])
        return self.decode(other, played), codes, filtered


class Discriminator(nn.Module):
    """Codes ``[B, Q, T]`` and filtered context ``[B, K, T]`` to scores ``[B, 1, T]``."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        sizes = [config.codes[-1] + config.channels[-1], *config.discriminator, 1]
        self.layers = nn.ModuleList(
            spectral_norm(nn.Conv1d(before, after, 1)) for before, after in pairwise(sizes)
        )

    def forward(self, codes: Tensor, context: Tensor) -> Tensor:
        """Score codes: low for those of the autoencoder, high for noise."""
        signal = torch.cat([codes, context], 1)
        for depth, layer in enumerate(self.layers):
            signal = layer(F.selu(signal) if depth else signal)
        return signal


def build(config: Mapping[str, Any]) -> GatedAutoencoder:
    """Make the network of a weights file from its config."""
    return GatedAutoencoder(restore(ModelConfig, config))


def entry_points(network: GatedAutoencoder) -> dict[str, EntryPoint]:
    """What inference calls: `encode` (Eq. 1) and `decode` (Eq. 2), of any length T."""
    sizes = (len(INPUTS), 1, network.code_size)
    context, kick, codes = (torch.randn(1, size, 40) for size in sizes)
    return {
        "encode": EntryPoint(network.encode, (context, kick), ((2,), (2,))),
        "decode": EntryPoint(network.decode, (context, codes), ((2,), (2,))),
    }
