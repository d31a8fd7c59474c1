"""A recurrent network from features of beats to how likely each is the first of a bar.

Paper: F. Krebs et al., "Downbeat tracking using beat-synchronous features and recurrent networks"
(ISMIR 2016). What differs: features (see ``bar_features.py``), and one small layer. Training data:
rendered takes, some with drums that tell nothing of bars; see ``transcribe/training/bars.py``.
"""

import torch
from torch import Tensor, nn

from drumkit_cli.listening.bar_features import FEATURES

JOINED = 48
DROPOUT = 0.3


class BarNetwork(nn.Module):
    """Features `[B, n, FEATURES]` of consecutive beats to logits `[B, n]`."""

    mean: Tensor
    scale: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(FEATURES))
        self.register_buffer("scale", torch.ones(FEATURES))
        self.join = nn.Sequential(nn.Linear(FEATURES, JOINED), nn.ReLU(), nn.Dropout(DROPOUT))
        self.gru = nn.GRU(JOINED, width, batch_first=True, bidirectional=True)
        self.head = nn.Sequential(nn.Dropout(DROPOUT), nn.Linear(2 * width, 1))

    def forward(self, features: Tensor) -> Tensor:
        """Logits of every beat."""
        x, _ = self.gru(self.join((features - self.mean) / self.scale))  # [B, n, 2 width]
        logits: Tensor = self.head(x)[..., 0]
        return logits
