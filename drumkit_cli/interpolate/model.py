"""Variational autoencoder of drum patterns.

Paper: "Off the beaten track" (VAE and GAN on EDM drum patterns), sections "Autoencoders and
variational autoencoders" and "Deep and recurrent networks"; Eq. 3 to 5.

What differs, and why:

* ``latent`` is larger than the paper's 4 by default: four numbers cannot tell enough of the
  patterns apart (``weights/interpolate-z4.safetensors`` has the paper's size).
* A velocity v of a note is told as the probability (1 + v) / 2, see `pattern_nets.to_targets`.
* The dense layers of the encoder see the LSTM's states at all steps, not only the last.

Training data: our own composer's patterns, the Groove MIDI Dataset and free pattern collections;
sources and licences are in ``weights/MODELS.md``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import torch
from torch import Tensor, nn

from drumkit_cli.patterns.networks import NetConfig, PatternDecoder, PatternEncoder, nets_of

FIRST_LOG_VARIANCE: Final = -4.0
"""Where the log variance of a code begins: with little noise the decoder learns to use codes."""


@dataclass(frozen=True)
class ModelConfig:
    """Size of the latent code, and of the networks around it."""

    latent: int = 64
    nets: NetConfig = field(default_factory=NetConfig)

    @staticmethod
    def of(config: dict[str, Any]) -> ModelConfig:
        """The config that ``dataclasses.asdict`` made these plain values from."""
        return ModelConfig(config["latent"], nets_of(config["nets"]))


class PatternVAE(nn.Module):
    """Encoder and decoder; codes are ``[B, Z]``, patterns ``[B, V, T]`` of velocities 0..1."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.encoder = PatternEncoder(config.nets, 2 * config.latent)
        self.decoder = PatternDecoder(config.nets, config.latent)

    def encode(self, patterns: Tensor) -> tuple[Tensor, Tensor]:
        """The mean and the log variance of q(z|x), each ``[B, Z]``."""
        mean, log_variance = self.encoder(patterns).float().chunk(2, dim=1)
        return mean, (log_variance + FIRST_LOG_VARIANCE).clamp(-10, 4)

    def decode(self, codes: Tensor) -> Tensor:
        """The logits ``[B, V, T]`` of codes."""
        logits: Tensor = self.decoder(codes)
        return logits

    def forward(self, patterns: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits, mean and log variance, with ``noise`` ``[B, Z]`` of unit variance in the code."""
        mean, log_variance = self.encode(patterns)
        return self.decode(mean + noise * torch.exp(log_variance / 2)), mean, log_variance
