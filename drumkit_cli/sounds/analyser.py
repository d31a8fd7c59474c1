"""Log-mel images in PyTorch, for training: differentiable, in batches, on any device."""

import numpy as np
import torch
from torch import Tensor, nn

from drumkit_cli.sounds.mel_image import FLOOR_DB, MEL
from drumkit_cli.spectral.melscale import filter_bank


class Analyser(nn.Module):
    """Samples ``[B, N]`` to levels ``[B, F, T]``: `mel_image.levels_of` in PyTorch."""

    bank: Tensor
    window: Tensor

    def __init__(self) -> None:
        super().__init__()
        bank = torch.from_numpy(np.array(filter_bank(MEL)))
        self.register_buffer("bank", bank, persistent=False)
        self.register_buffer("window", torch.hann_window(MEL.window), persistent=False)

    def power(self, samples: Tensor) -> Tensor:
        """Mel power ``[B, F, T]``."""
        spectrum = torch.stft(
            samples,
            MEL.fft,
            MEL.hop,
            MEL.window,
            self.window,
            center=True,
            pad_mode="reflect",
            return_complex=True,
        )
        squared = spectrum.real.square() + spectrum.imag.square()  # [B, bins, T]
        return self.bank.T @ squared

    def forward(self, samples: Tensor) -> Tensor:
        """Levels from 0 to a little above 1."""
        return to_levels(self.power(samples))


def to_levels(power: Tensor) -> Tensor:
    """Power of any shape to levels, as `mel_image.to_levels`."""
    floor = 10 ** (FLOOR_DB / 10)
    return (power / MEL.full_scale).clamp_min(floor).log10() * (-10 / FLOOR_DB) + 1
