"""A small classifier of drum sounds, which evaluations measure generated sounds with.

It is trained on real sounds alone whenever an evaluation runs, and is part of no weights file.
"""

from itertools import pairwise
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from drumkit_cli.io.arrays import Floats, Integers
from drumkit_cli.sounds.classes import CLASSES
from drumkit_cli.sounds.mel_image import MEL
from drumkit_cli.synth.data import Sounds, make_pool

BANDS: Final = 64
EMBEDDING: Final = 96
POOL_PER_CLASS: Final = 160
TRAINING_STEPS: Final = 700
BATCH: Final = 64


class ClassifierNet(nn.Module):
    """Levels ``[B, F, T]`` to an embedding ``[B, 96]`` and to class logits ``[B, K]``.

    Mel bins are averaged into 64 bands. A second input plane holds the height of each band:
    convolutions do not know positions, and a hi-hat lies higher than a kick.
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
        """Embeddings ``[B, 96]``, from which the logits are computed."""
        bands = F.avg_pool2d(levels[:, None], (MEL.mels // BANDS, 1))
        heights = torch.linspace(-1, 1, BANDS, device=levels.device)[None, None, :, None]
        x = self.layers(torch.cat([2 * bands - 1, heights.expand_as(bands)], 1))
        pooled = torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1)
        return F.relu(self.last(self.drop(pooled)))

    def forward(self, levels: Tensor) -> Tensor:
        """Logits ``[B, K]``."""
        logits: Tensor = self.logits(self.drop(self.embed(levels)))
        return logits


class SoundClassifier:
    """A trained classifier, from NumPy to NumPy."""

    def __init__(self, network: ClassifierNet) -> None:
        self._network = network.eval()

    @torch.inference_mode()
    def embed(self, levels: Floats) -> Floats:
        """Embeddings ``[n, 96]`` of levels ``[n, F, T]``."""
        parts = [self._network.embed(part) for part in torch.from_numpy(levels).split(64)]
        embeddings: Floats = torch.cat(parts).numpy()
        return embeddings

    @torch.inference_mode()
    def classes(self, levels: Floats, among: int = len(CLASSES)) -> Integers:
        """The most likely of the first `among` classes for levels ``[n, F, T]``: ``[n]``."""
        logits = self._network.logits(torch.from_numpy(self.embed(levels)))
        classes: Integers = logits[:, :among].argmax(1).numpy()
        return classes


def train_classifier(
    sounds: Sounds, *, steps: int = TRAINING_STEPS, per_class: int = POOL_PER_CLASS, seed: int = 1
) -> SoundClassifier:
    """Train on real sounds and augmentations of them; the same seed gives the same classifier.

    Batches are mixed up (H. Zhang et al., "mixup: beyond empirical risk minimization", 2018).
    """
    pool = make_pool(sounds, per_class, seed, images=True, synthetic=0.0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = ClassifierNet()
        optimizer = torch.optim.AdamW(network.parameters(), 3e-3, weight_decay=0.02)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
        generator = np.random.default_rng(seed)
        for _ in range(steps):
            index = generator.integers(len(pool.classes), size=BATCH)
            levels, classes = pool.batch_levels(index), pool.batch_classes(index)
            share = float(generator.beta(0.3, 0.3))
            partners = np.roll(np.arange(BATCH), 1)
            mixed = share * levels + (1 - share) * levels[partners]
            targets = share * classes + (1 - share) * classes[partners]
            optimizer.zero_grad()
            F.cross_entropy(network(mixed), targets, label_smoothing=0.05).backward()
            optimizer.step()
            schedule.step()
    return SoundClassifier(network)
