"""Generative adversarial network of drum patterns.

Paper: "Off the beaten track" (VAE and GAN on EDM drum patterns), sections "Generative adversarial
networks" (Eq. 1 and 2) and "Deep and recurrent networks": the shapes are the autoencoder's, the
noise has two dimensions, and the discriminator ends in one logistic unit.

What differs, and why: see `pattern_nets`; and the discriminator sees what is played, rests as exact
zeros, not probabilities, by which it could tell a generator from data at once.

Training data: our own composer's patterns and free electronic pattern collections; sources and
licences are in ``weights/MODELS.md``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from drumkit_cli.patterns.networks import NetConfig, PatternDecoder, PatternEncoder, nets_of

NOISE = 2


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of the networks."""

    nets: NetConfig = field(default_factory=NetConfig)

    @staticmethod
    def of(config: dict[str, Any]) -> ModelConfig:
        """The config that ``dataclasses.asdict`` made these plain values from."""
        return ModelConfig(nets_of(config["nets"]))


class Generator(PatternDecoder):
    """Noise ``[B, 2]`` to logits of patterns ``[B, V, T]``."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config.nets, NOISE)


class Discriminator(PatternEncoder):
    """Patterns ``[B, V, T]`` of velocities to logits ``[B, 1]``: whether they are data."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config.nets, 1)


def played(logits: Tensor) -> Tensor:
    """The velocities of logits, whose gradient also reaches notes that are silent.

    Forward it is `to_velocities`; backward, as if a silent note were as far below 0 as its logit
    says (a straight-through estimate).
    """
    raw = 2 * torch.sigmoid(logits.float()) - 1
    return raw + (raw.clamp_min(0) - raw).detach()
