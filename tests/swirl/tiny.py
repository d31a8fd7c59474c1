"""A tiny untrained drummer, and one that needs no network, for tests of everything but quality."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from drumkit_cli.learning.checkpoint import save_weights
from drumkit_cli.learning.export import untrained_graphs
from drumkit_cli.patterns.networks import EncoderKind, NetConfig
from drumkit_cli.swirl import model
from drumkit_cli.swirl.model import Generator, ModelConfig

TINY = ModelConfig(NetConfig(EncoderKind.LSTM, 4, (16, 16, 16), (16, 16, 16, 16)))
TINY_CONV = ModelConfig(NetConfig(EncoderKind.CONV, 4, (16, 16, 16), (16, 16, 16, 16)))


def write_tiny_drummer(path: Path) -> Path:
    torch.manual_seed(0)
    state = Generator(TINY).state_dict()
    graphs = untrained_graphs(TINY, model)
    config = asdict(TINY)
    save_weights(path, state, feature="swirl", config=config, card={}, graphs=graphs, half=False)
    return path


class FakeDrummer:
    """Plays some 64 of 384 hits, by the place's own numbers; remembers the places."""

    def __init__(self):
        self.places = []

    def play(self, noise):
        self.places.append(noise)
        cells = np.arange(6 * 64).reshape(6, 64)
        waves = np.sin(noise[:, :1, None] * (1 + cells) + noise[:, 1:, None] * 7)
        return np.where(waves > 0.87, waves, 0).astype(np.float32)
