"""A small classifier of drum sounds: it judges what was generated, and never makes any of it.

It learns from real sounds alone, whenever something is measured, and is part of no weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from drumkit_cli.sounds.mel_image import CLASSES, MEL
from drumkit_cli.synth.data import Sounds, make_pool

__all__ = ["JUDGE_POOL", "JUDGE_STEPS", "Classifier", "Judge", "train_judge"]

BANDS = 64
EMBEDDING = 96
JUDGE_POOL: Final = 160
JUDGE_STEPS: Final = 700
JUDGE_BATCH: Final = 64

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


class Classifier(nn.Module):
    """Levels ``[B, F, T]`` to an embedding ``[B, 96]`` and to logits ``[B, K]``.

    Mel bins are averaged into 64 bands; the height of a band is a second plane, since a
    convolution does not know where it is and a hat lives higher than a kick.
    """

    def __init__(self, width: int = 16, classes: int = len(CLASSES)) -> None:
        super().__init__()
        widths = (2, width, 2 * width, 4 * width, EMBEDDING)
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [
                nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(after),
                nn.ReLU(),
            ]
        self.layers = nn.Sequential(*layers)
        self.drop = nn.Dropout(0.3)
        self.last = nn.Linear(2 * EMBEDDING, EMBEDDING)
        self.logits = nn.Linear(EMBEDDING, classes)

    def embed(self, levels: Tensor) -> Tensor:
        """What the logits are made from, ``[B, 96]``."""
        bands = F.avg_pool2d(levels[:, None], (MEL.mels // BANDS, 1))
        heights = torch.linspace(-1, 1, BANDS, device=levels.device)[None, None, :, None]
        x = self.layers(torch.cat([2 * bands - 1, heights.expand_as(bands)], 1))
        pooled = torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1)
        return F.relu(self.last(self.drop(pooled)))

    def forward(self, levels: Tensor) -> Tensor:
        """Logits ``[B, K]``."""
        logits: Tensor = self.logits(self.drop(self.embed(levels)))
        return logits


@dataclass(frozen=True)
class Judge:
    """A trained classifier: what class a sound is, and an embedding to compare sounds in."""

    network: Classifier

    @torch.inference_mode()
    def embed(self, levels: Floats) -> Floats:
        """Embeddings ``[n, 96]`` of levels ``[n, F, T]``."""
        parts = [self.network.embed(part) for part in torch.from_numpy(levels).split(64)]
        embeddings: Floats = torch.cat(parts).numpy()
        return embeddings

    @torch.inference_mode()
    def classes(self, levels: Floats, among: int = len(CLASSES)) -> Ints:
        """The most likely of the first `among` classes, ``[n]``."""
        logits = self.network.logits(torch.from_numpy(self.embed(levels)))
        classes: Ints = logits[:, :among].argmax(1).numpy()
        return classes


def train_judge(
    sounds: Sounds,
    *,
    steps: int = JUDGE_STEPS,
    per_class: int = JUDGE_POOL,
    seed: int = 1,
) -> Judge:
    """Train a classifier on real sounds and variations of them; the same seed, the same judge."""
    pool = make_pool(sounds, per_class, seed, images=True, synthetic=0.0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Classifier()
        optimizer = torch.optim.AdamW(network.parameters(), 3e-3, weight_decay=0.02)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
        generator = np.random.default_rng(seed)
        for _ in range(steps):
            index = generator.integers(len(pool.classes), size=JUDGE_BATCH)
            levels, classes = pool.batch_levels(index), pool.batch_classes(index)
            share = float(generator.beta(0.3, 0.3))
            turned = np.roll(np.arange(JUDGE_BATCH), 1)
            mixed = share * levels + (1 - share) * levels[turned]
            wanted = share * classes + (1 - share) * classes[turned]
            optimizer.zero_grad()
            F.cross_entropy(network(mixed), wanted, label_smoothing=0.05).backward()
            optimizer.step()
            schedule.step()
    return Judge(network.eval())
