"""A tiny untrained arranger, for tests of everything but its quality."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from drumkit_cli.arrange import model
from drumkit_cli.arrange.config import WEIGHTS, ModelConfig
from drumkit_cli.learning.checkpoint import save_weights
from drumkit_cli.learning.export import untrained_graphs

TINY = ModelConfig(width=4, blocks=2, fold=4, context=True, discriminator_width=4, metre=True)
TINY_UNET = ModelConfig(width=2, fold=16, context=True, metre=True, generator="unet")
RATE = 22050


def write_tiny_arranger(path: Path, config: ModelConfig = TINY) -> Path:
    torch.manual_seed(0)
    save_weights(
        path,
        model.generator(config).state_dict(),
        feature=WEIGHTS[config.model],
        config=asdict(config),
        card={},
        graphs=untrained_graphs(config, model),
        half=False,
    )
    return path


def write_tiny_pix2pix(path: Path) -> Path:
    return write_tiny_arranger(path, TINY_UNET)


def bass_line(seconds: float, rate: int = RATE, level: float = 0.3):
    """Plucked notes, four a second, of a seeded choice of pitches: [n]."""
    time = np.arange(round(rate * seconds)) / rate
    generator = np.random.default_rng(0)
    pitches = generator.choice([41.2, 55.0, 61.7, 82.4], int(np.ceil(seconds * 4)) or 1)
    phase = 2 * np.pi * pitches[(time * 4).astype(int).clip(0, len(pitches) - 1)] * time
    notes = sum(np.sin(k * phase) / k for k in (1, 2, 3)) * np.exp(-6 * (time % 0.25))
    return (level * notes).astype(np.float32)
