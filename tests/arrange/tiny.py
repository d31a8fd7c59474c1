"""A tiny untrained arranger, for tests of everything but its quality."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from drumkit_cli.arrange import model
from drumkit_cli.arrange.config import WEIGHTS, ModelConfig
from drumkit_cli.bands.rendering import STEMS
from drumkit_cli.bands.takes import INDEX_NAME
from drumkit_cli.learning.checkpoint import save_weights
from drumkit_cli.learning.export import untrained_graphs
from drumkit_cli.listening.beats import steady_beats
from tests.bands.test_takes import write_takes

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


def write_bands(folder: Path) -> Path:
    """Two takes: plucked bass, and clicks for drums, on the eighths of 120 bpm."""
    write_takes(folder, seconds=8.0)
    index = json.loads((folder / INDEX_NAME).read_text())
    for take in index["takes"]:
        take["beats"] = steady_beats(120, 0.0, 8.0).tolist()
    (folder / INDEX_NAME).write_text(json.dumps(index))
    noise = np.random.default_rng(0).normal(0, 0.3, 8 * RATE)
    time = np.arange(len(noise)) / RATE
    clicks = noise * np.exp(-30 * (time % 0.25))
    for path in folder.glob("*.npy"):
        block = np.load(path) // 100
        block[STEMS.index("bass")] = bass_line(8) * 20_000
        block[STEMS.index("drums")] = clicks * 20_000
        np.save(path, block)
    return folder
