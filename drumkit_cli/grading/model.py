"""The grader: a small network whose activations tell real drums from others, and its regressions.

Paper: G. Barnabo et al., "CycleDRUMS: automatic drum arrangement for bass lines using CycleGAN",
IV-D: the density of a clip's activations, in several layers, under a Gaussian of those of real
drums, and the correlations of its mel bins with those of the real drums throughout time, are the
features of a multinomial logistic regression over four buckets of grades.

What differs, and why:

* The network is not Inception, whose weights know photographs, but one of four layers that was
  trained to tell kinds of damage to drums. Activations are averaged over frequency and time.
* Beside the densities stand the activations themselves, their distances from those of the real
  drums of the clip, and the parts of ``grading/features.py``.
* There are four regressions: with and without a reference and a bass.

Training data: damaged drums of bands rendered from MIDI; see ``score/ladder.py`` and
``weights/MODELS.md``.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from drumkit_cli.grading.buckets import BUCKETS
from drumkit_cli.grading.config import CONTEXTS, VALUES, GraderConfig
from drumkit_cli.grading.features import WINDOW_FRAMES
from drumkit_cli.learning.configs import restore
from drumkit_cli.learning.torch_network import EntryPoint
from drumkit_cli.spectral.onsets import MEL


class GraderNetwork(nn.Module):
    """Images `[B, 1, F, T]` to activations, and features `[B, D]` to probabilities.

    What is fitted in closed form after training lies in buffers: the Gaussian of each layer, the
    scale of each feature, and the regressions.
    """

    feature_mean: Tensor
    feature_scale: Tensor
    coefficients: Tensor
    intercepts: Tensor
    values: Tensor

    def __init__(self, config: GraderConfig) -> None:
        super().__init__()
        before = (1, *config.channels)
        self.layers = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(a, b, 3, stride=(2, 2) if n else (4, 2), padding=1, bias=False),
                nn.BatchNorm2d(b),
                nn.ReLU(),
            )
            for n, (a, b) in enumerate(zip(before, config.channels, strict=False))
        )
        for number, width in enumerate(config.channels):
            self.register_buffer(f"mean{number}", torch.zeros(width))
            self.register_buffer(f"whitening{number}", torch.eye(width))
        shape = len(CONTEXTS), config.features, len(BUCKETS)
        self.register_buffer("feature_mean", torch.zeros(config.features))
        self.register_buffer("feature_scale", torch.ones(config.features))
        self.register_buffer("coefficients", torch.zeros(shape))
        self.register_buffer("intercepts", torch.zeros(shape[0], 1, shape[2]))
        self.register_buffer("values", torch.tensor(VALUES))

    def activations(self, image: Tensor) -> list[Tensor]:
        """The mean activations `[B, C]` of each layer."""
        found = []
        for layer in self.layers:
            image = layer(image)  # [B, C, F / 4, T / 2], then halved
            found.append(image.mean((2, 3)))
        return found

    def embed(self, image: Tensor) -> Tensor:
        """Activations of all layers `[B, sum of C]` in which real drums have unit covariance."""
        made = [
            (one - getattr(self, f"mean{n}")) @ getattr(self, f"whitening{n}")
            for n, one in enumerate(self.activations(image))
        ]
        return torch.cat(made, 1)

    def judge(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Probabilities `[contexts, B, buckets]` of features, and grades `[contexts, B]`."""
        scaled = (features - self.feature_mean) / self.feature_scale
        logits = scaled[None].clamp(-CLIP, CLIP) @ self.coefficients + self.intercepts
        probabilities = logits.softmax(2)
        return probabilities, (probabilities * self.values).sum(2)


CLIP = 4.0
"""Deviations beyond which a feature counts no more."""


def build(config: Mapping[str, Any]) -> GraderNetwork:
    """Make the network of a weights file from its config."""
    return GraderNetwork(restore(GraderConfig, config))


def entry_points(network: GraderNetwork) -> dict[str, EntryPoint]:
    """What inference calls: `embed`, of images, and `judge`, of features."""
    images = torch.rand(2, 1, MEL.mels, WINDOW_FRAMES) * 2 - 1
    features = torch.rand(2, network.feature_mean.shape[0])
    return {
        "embed": EntryPoint(network.embed, (images,), ((0,),)),
        "judge": EntryPoint(network.judge, (features,), ((0,),)),
    }
