"""A tiny grader with random regressions, and sounds with known answers."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from drumkit_cli.grading import model
from drumkit_cli.grading.config import GraderConfig
from drumkit_cli.grading.features import WINDOW_SAMPLES
from drumkit_cli.learning.checkpoint import save_weights
from drumkit_cli.learning.export import untrained_graphs
from drumkit_cli.learning.torch_network import arrays
from drumkit_cli.score.ladder import Scene
from drumkit_cli.spectral.onsets import MEL
from tests.arrange.tiny import bass_line
from tests.grading.test_songs import clicks

TINY = GraderConfig(channels=(4, 8))
RATE = MEL.rate


def tiny_network() -> model.GraderNetwork:
    torch.manual_seed(0)
    network = model.GraderNetwork(TINY)
    torch.nn.init.normal_(network.coefficients, 0, 0.1)
    return network.eval()


def write_tiny_grader(path: Path) -> Path:
    state, graphs = arrays(tiny_network().state_dict()), untrained_graphs(TINY, model)
    config = asdict(TINY)
    save_weights(path, state, feature="score", config=config, card={}, graphs=graphs, half=False)
    return path


def scene() -> Scene:
    """A window of clicks four times a second, plucked notes, and some noise."""
    seconds = WINDOW_SAMPLES / RATE
    rest = np.random.default_rng(1).normal(0, 0.02, WINDOW_SAMPLES).astype(np.float32)
    drums, bass = (part[:WINDOW_SAMPLES] for part in (clicks(seconds), bass_line(seconds)))
    return Scene("song", drums, bass, rest, drums[:0])
