"""Networks of the evaluation: the one-step VAE (3.3.2) and the genre classifier (4.2)."""

from typing import Final

import torch
from torch import Tensor, nn

from drumkit_cli.groove.model import Skeleton
from drumkit_cli.groove.network.config import GrooveConfig
from drumkit_cli.groove.network.layers import Gaussian, Trunk, gaussian
from drumkit_cli.groove.network.windowing import GENRES, VOICES, WINDOW_STEPS

V: Final = len(VOICES)


class OneStep(nn.Module):
    """The baseline of 3.3.2: a single VAE of notes, velocities and timings, given the template."""

    def __init__(self, config: GrooveConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.skeleton = Skeleton(config)
        self.encoder = Trunk(config, 4 * V, width, config.skeleton)
        self.narrow = nn.Linear(width, width // 8)
        self.moments = nn.Linear(WINDOW_STEPS * (width // 8), 2 * config.latent)
        self.decoder = Trunk(config, config.latent + V, width, config.skeleton)
        self.leave = nn.Linear(width, 3 * V)

    def encode(
        self, notes: Tensor, velocities: Tensor, timings: Tensor, template: Tensor
    ) -> Gaussian:
        """Encode a performance, each array ``[B, T, V]``, as a Gaussian."""
        x = torch.cat([notes, velocities, timings, template], -1)
        x = self.narrow(self.encoder(x, self.skeleton(template)))
        return gaussian(self.moments(x.flatten(1)))

    def decode(self, z: Tensor, template: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Decode a latent ``[B, Z]``: logits of notes, velocities and timings, ``[B, T, V]``."""
        x = torch.cat([z[:, None].expand(-1, template.shape[1], -1), template], -1)
        x = self.leave(self.decoder(x, self.skeleton(template))).float()
        notes, velocities, timings = x.split(V, -1)
        return notes, torch.sigmoid(velocities), torch.tanh(timings)


class GenreClassifier(nn.Module):
    """Classifies the genre of a performance: a bidirectional GRU of two layers (4.2)."""

    def __init__(self, width: int = 64, dropout: float = 0.3) -> None:
        super().__init__()
        self.gru = nn.GRU(
            3 * V, width, num_layers=2, batch_first=True, bidirectional=True, dropout=dropout
        )
        self.genre = nn.Sequential(nn.Dropout(dropout), nn.Linear(2 * width, len(GENRES)))

    def forward(self, notes: Tensor, velocities: Tensor, timings: Tensor) -> Tensor:
        """Genre logits ``[B, 6]`` of performances, each array ``[B, T, V]``."""
        x, _ = self.gru(torch.cat([notes, velocities, timings], -1))
        logits: Tensor = self.genre(x.mean(1))
        return logits.float()
