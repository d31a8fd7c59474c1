"""A tiny untrained autoencoder, for tests of everything but its quality."""

from dataclasses import asdict
from pathlib import Path

import torch

from drumkit_cli.interpolate import model
from drumkit_cli.interpolate.model import ModelConfig, PatternVAE
from drumkit_cli.learning.checkpoint import save_weights
from drumkit_cli.learning.export import untrained_graphs
from drumkit_cli.patterns.networks import EncoderKind, NetConfig

TINY = ModelConfig(4, NetConfig(EncoderKind.LSTM, 4, (16, 16, 16), (16, 16, 16, 16)))
TINY_CONV = ModelConfig(4, NetConfig(EncoderKind.CONV, 4, (16, 16, 16), (16, 16, 16, 16)))


def write_tiny_autoencoder(path: Path, config: ModelConfig = TINY) -> Path:
    torch.manual_seed(0)
    state = PatternVAE(config).state_dict()
    save_weights(
        path,
        state,
        feature="interpolate",
        config=asdict(config),
        card={},
        graphs=untrained_graphs(config, model),
        half=False,
    )
    return path
