"""Variational autoencoder of drum patterns.

Paper: "Off the beaten track" (VAE and GAN on EDM drum patterns), sections "Autoencoders and
variational autoencoders" and "Deep and recurrent networks"; Eq. 3 to 5.

What differs, and why:

* ``latent`` is larger than the paper's 4 by default: four numbers cannot distinguish enough
  patterns (``weights/interpolate-z4.safetensors`` has the paper's size).
* A note of velocity v is the target probability (1 + v) / 2; see `networks.to_targets`.
* The dense layers of the encoder read the LSTM's states at all steps, not only the last.

Training data: our own composer's patterns, the Groove MIDI Dataset and free pattern collections;
sources and licences are in ``weights/MODELS.md``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import torch
from torch import Tensor, nn

from drumkit_cli.learning.configs import restore
from drumkit_cli.learning.torch_network import EntryPoint
from drumkit_cli.midi.drum_maps import VOICE_NAMES
from drumkit_cli.patterns.networks import NetConfig, PatternDecoder, PatternEncoder, to_velocities
from drumkit_cli.patterns.pattern_sets import PATTERN_STEPS

FIRST_LOG_VARIANCE: Final = -4.0
"""Initial log variance of codes: small, so that the decoder learns to use them."""


@dataclass(frozen=True)
class ModelConfig:
    """Size of the latent code, and of the networks around it."""

    latent: int = 64
    nets: NetConfig = field(default_factory=NetConfig)


class PatternVAE(nn.Module):
    """Variational autoencoder of patterns ``[B, V, T]`` of velocities 0..1; codes ``[B, Z]``."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.encoder = PatternEncoder(config.nets, 2 * config.latent)
        self.decoder = PatternDecoder(config.nets, config.latent)

    def encode(self, patterns: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance of q(z|x), each ``[B, Z]``."""
        mean, log_variance = self.encoder(patterns).float().chunk(2, dim=1)
        return mean, (log_variance + FIRST_LOG_VARIANCE).clamp(-10, 4)

    def decode(self, codes: Tensor) -> Tensor:
        """Logits ``[B, V, T]`` of codes ``[B, Z]``."""
        logits: Tensor = self.decoder(codes)
        return logits

    def forward(self, patterns: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits of a code sampled by standard normal ``noise`` ``[B, Z]``, mean, log variance."""
        mean, log_variance = self.encode(patterns)
        return self.decode(mean + noise * torch.exp(log_variance / 2)), mean, log_variance


def build(config: Mapping[str, Any]) -> PatternVAE:
    """Make the network of a weights file from its config."""
    return PatternVAE(restore(ModelConfig, config))


def entry_points(network: PatternVAE) -> dict[str, EntryPoint]:
    """What inference calls, between velocities ``[B, V, T]`` and codes ``[B, Z]``."""
    patterns = torch.rand(2, len(VOICE_NAMES), PATTERN_STEPS)
    codes = network.encode(patterns)[0]
    return {
        "encode": EntryPoint(lambda patterns: network.encode(patterns)[0], (patterns,), ((0,),)),
        "decode": EntryPoint(
            lambda codes: to_velocities(network.decode(codes)), (codes.detach(),), ((0,),)
        ),
    }
