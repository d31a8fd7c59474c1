"""A tiny untrained ear, and sounds with known answers."""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch

from drumkit_cli.learning.checkpoint import save_weights
from drumkit_cli.learning.export import untrained_graphs
from drumkit_cli.listening import model
from drumkit_cli.listening.config import EarConfig
from drumkit_cli.listening.levels import FRAME_RATE
from drumkit_cli.listening.model import Ear

TINY = EarConfig(channels=(4, 4), width=8, layers=2, slow_width=8, slow_layers=2, bars=4)
DEAF_TO_BARS = replace(TINY, bars=0)


def write_tiny_ear(path: Path, config: EarConfig = TINY) -> Path:
    torch.manual_seed(0)
    state = Ear(config).state_dict()
    graphs, config = untrained_graphs(config, model), asdict(config)
    save_weights(
        path, state, feature="transcribe", config=config, card={}, graphs=graphs, half=False
    )
    return path


def pulses(seconds, length, height=0.9):
    """A curve of so many seconds with a peak at each time, and a little noise."""
    curve = np.random.default_rng(0).uniform(0, 0.02, int(length * FRAME_RATE)).astype(np.float32)
    for at in seconds:
        frame = round(at * FRAME_RATE)
        curve[frame - 1 : frame + 2] = height / 2
        curve[frame] = height
    return curve


def activations(hits, length):
    """Activations `[T, 14]` with a peak at each (seconds, voice, velocity)."""
    made = np.zeros((int(length * FRAME_RATE), 14), np.float32)
    for at, voice, velocity in hits:
        frame = round(at * FRAME_RATE)
        made[frame - 1 : frame + 2, voice] = 0.4, 0.9, 0.4
        made[frame, 8 + voice] = velocity
    return made
