"""The networks of the drum synthesiser's weights file, and what inference calls of them."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from drumkit_cli.learning.configs import restore
from drumkit_cli.learning.torch_network import EntryPoint
from drumkit_cli.sounds.config import SynthConfig
from drumkit_cli.sounds.model import CWAE, Latent
from drumkit_cli.sounds.spectral_inverter import SpectralInverter


class SynthNetworks(nn.Module):
    """The autoencoder, the distributions of its codes, and the default inverter."""

    def __init__(self, config: SynthConfig) -> None:
        super().__init__()
        self.cwae = CWAE(config.model)
        self.latent = Latent(config.model)
        self.inverter = SpectralInverter(config.inverter)


def build(config: Mapping[str, Any]) -> SynthNetworks:
    """Make the networks of a weights file from its config."""
    return SynthNetworks(restore(SynthConfig, config))


def entry_points(networks: SynthNetworks) -> dict[str, EntryPoint]:
    """What inference calls: `encode` and `decode` of the autoencoder, and the inverter's `phases`.

    Batches may have any size, but `phases` takes one image, of any length.
    """
    cwae, config = networks.cwae, networks.cwae.config
    levels = torch.rand(2, config.bins, config.frames)
    classes = torch.eye(config.classes)[:2]
    codes = torch.randn(2, config.latent)
    return {
        "encode": EntryPoint(cwae.encode, (levels, classes), ((0,), (0,))),
        "decode": EntryPoint(cwae.decode, (codes, classes), ((0,), (0,))),
        "phases": EntryPoint(networks.inverter.phases, (levels[:1],), ((2,),)),
    }
