"""Generative adversarial network of drum patterns.

Paper: "Off the beaten track" (VAE and GAN on EDM drum patterns), sections "Generative adversarial
networks" (Eq. 1 and 2) and "Deep and recurrent networks": the shapes are the autoencoder's, the
noise has two dimensions, and the discriminator ends in one logistic unit.

What differs, and why: see `patterns.networks`. Moreover the discriminator gets velocities with
exact zeros for rests, as in the data; from probabilities it could recognise any generated pattern.

Training data: our own composer's patterns and free electronic pattern collections; sources and
licences are in ``weights/MODELS.md``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from drumkit_cli.learning.configs import restore
from drumkit_cli.learning.torch_network import EntryPoint
from drumkit_cli.patterns.networks import NetConfig, PatternDecoder, PatternEncoder, to_velocities

NOISE = 2


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of the networks."""

    nets: NetConfig = field(default_factory=NetConfig)


class Generator(PatternDecoder):
    """Noise ``[B, 2]`` to logits of patterns ``[B, V, T]``."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config.nets, NOISE)


class Discriminator(PatternEncoder):
    """Patterns ``[B, V, T]`` of velocities to logits ``[B, 1]`` of being real."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config.nets, 1)


def build(config: Mapping[str, Any]) -> Generator:
    """Make the network of a weights file from its config."""
    return Generator(restore(ModelConfig, config))


def entry_points(network: Generator) -> dict[str, EntryPoint]:
    """What inference calls: `play`, noise ``[B, 2]`` to velocities ``[B, V, T]``."""
    return {
        "play": EntryPoint(
            lambda noise: to_velocities(network(noise)), (torch.randn(2, NOISE),), ((0,),)
        )
    }


def played(logits: Tensor) -> Tensor:
    """Velocities of logits, with a straight-through gradient for rests.

    The values are those of `to_velocities`; the gradient is as if they were not clipped at 0.
    """
    raw = 2 * torch.sigmoid(logits.float()) - 1
    return raw + (raw.clamp_min(0) - raw).detach()
