"""Building blocks of PocketVAE's networks: sequence encoders, quantiser, Gaussians.

Paper: 3.4, and A. van den Oord et al., "Neural discrete representation learning" (2017), for the
codebook; residual stages as in N. Zeghidour et al., "SoundStream" (2021).
"""

from typing import Final, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from drumkit_cli.groove.network.config import GrooveConfig
from drumkit_cli.groove.network.windowing import WINDOW_STEPS

KERNEL: Final = 5
DILATIONS: Final = (1, 2, 4)


class Gaussian(NamedTuple):
    """Diagonal Gaussians, mean and log variance ``[B, Z]``."""

    mean: Tensor
    log_variance: Tensor

    def sample(self, noise: Tensor) -> Tensor:
        """A sample, by reparametrisation of standard normal ``noise`` ``[B, Z]``."""
        return self.mean + noise * (0.5 * self.log_variance).exp()


class Quantised(NamedTuple):
    """Quantised vectors.

    Attributes:
        vectors: quantised vectors, ``[B, S, D]``, with a straight-through gradient.
        codes: indices into the codebooks, ``[B, S, R]``.
        codebook_loss, commitment_loss: mean terms of equation 3.
    """

    vectors: Tensor
    codes: Tensor
    codebook_loss: Tensor
    commitment_loss: Tensor


class Block(nn.Module):
    """Residual block: layer norm, dilated convolution over time, GELU, pointwise convolution."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.time = nn.Conv1d(
            width, width, KERNEL, padding=dilation * (KERNEL // 2), dilation=dilation
        )
        self.mix = nn.Conv1d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """``[B, T, C]`` to the same."""
        y = self.time(self.norm(x).transpose(1, 2))
        y = self.mix(F.gelu(y)).transpose(1, 2)
        z: Tensor = x + y
        return z


class Trunk(nn.Module):
    """Conditional sequence encoder: ``[B, T, C]`` and a hint ``[B, H]`` to ``[B, T, width]``.

    The hint is the initial hidden state of the GRU (3.4), or is added to every step.
    """

    def __init__(self, config: GrooveConfig, inputs: int, width: int, hint: int = 0) -> None:
        super().__init__()
        self.enter = nn.Linear(inputs, width)
        self.hint = nn.Linear(hint, width) if hint else None
        self.gru: nn.GRU | None = None
        self.blocks: nn.Sequential | None = None
        if config.trunk == "gru":
            self.gru = nn.GRU(width, width, batch_first=True, bidirectional=True)
            self.leave = nn.Linear(2 * width, width)
        else:
            self.place = nn.Parameter(torch.zeros(WINDOW_STEPS, width))
            self.blocks = nn.Sequential(
                *(Block(width, DILATIONS[i % len(DILATIONS)]) for i in range(config.blocks))
            )
            self.leave = nn.Linear(width, width)

    def forward(self, x: Tensor, hint: Tensor | None = None) -> Tensor:
        """Encode ``x`` ``[B, T, C]``."""
        x = self.enter(x)
        start = self.hint(hint) if self.hint is not None and hint is not None else None
        if self.gru is not None:
            x, _ = self.gru(x, None if start is None else start.expand(2, -1, -1).contiguous())
        else:
            assert self.blocks is not None
            x = x + self.place[: x.shape[1]]
            x = self.blocks(x if start is None else x + start[:, None])
        y: Tensor = F.gelu(self.leave(x))
        return y


class Quantiser(nn.Module):
    """Residual vector quantiser; with one codebook it is the paper's."""

    def __init__(self, config: GrooveConfig) -> None:
        super().__init__()
        size = (config.stages, config.codebook, config.code_width)
        scale = torch.tensor([0.5**stage for stage in range(config.stages)])
        self.codebooks = nn.Parameter(torch.randn(size) * scale[:, None, None])

    def forward(self, z: Tensor) -> Quantised:
        """Quantise ``[B, S, D]``."""
        left, total = z, torch.zeros_like(z)
        codes, codebook_loss, commitment_loss = [], z.new_zeros(()), z.new_zeros(())
        for book in self.codebooks:
            code = nearest(left, book)
            found = F.embedding(code, book)
            codebook_loss = codebook_loss + F.mse_loss(found, left.detach())
            commitment_loss = commitment_loss + F.mse_loss(left, found.detach())
            left, total = left - found.detach(), total + found
            codes.append(code)
        vectors = z + (total - z).detach()
        return Quantised(vectors, torch.stack(codes, -1), codebook_loss, commitment_loss)

    def look_up(self, codes: Tensor) -> Tensor:
        """Vectors ``[B, S, D]`` of codes ``[B, S, R]``."""
        found = [F.embedding(codes[..., r], book) for r, book in enumerate(self.codebooks)]
        return torch.stack(found).sum(0)


def nearest(z: Tensor, codebook: Tensor) -> Tensor:
    """Indices ``[B, S]`` of the codebook entries nearest to vectors ``[B, S, D]``."""
    distances = codebook.square().sum(-1) - 2 * z @ codebook.T
    code: Tensor = distances.argmin(-1)
    return code


def gaussian(moments: Tensor) -> Gaussian:
    """A Gaussian of means and log variances ``[B, 2 Z]``."""
    mean, log_variance = moments.float().chunk(2, -1)
    return Gaussian(mean, log_variance.clamp(-12, 6))
