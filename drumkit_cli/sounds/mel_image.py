"""Log-mel images of drum sounds: one second of samples as levels ``[F, T]`` of 80 dB."""

from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from drumkit_cli.io.arrays import Floats
from drumkit_cli.spectral.mel_config import PRESETS
from drumkit_cli.spectral.melscale import filter_bank

MEL: Final = PRESETS["synth"]
LENGTH: Final = 22_050
"""Samples of a sound: one second."""
FRAMES: Final = MEL.frames(LENGTH)
FLOOR_DB: Final = -80.0
"""Power of level 0, in dB relative to a full-scale sine, which has level 1."""


class Analyser(nn.Module):
    """Samples ``[B, N]`` to levels ``[B, F, T]``: `mel_spectrogram.mel_power` in torch.

    It is differentiable, works in batches and runs on any device.
    """

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
    """Power of any shape to levels, decibels scaled so that 0 is `FLOOR_DB` or less."""
    floor = 10 ** (FLOOR_DB / 10)
    return (power / MEL.full_scale).clamp_min(floor).log10() * (-10 / FLOOR_DB) + 1


def to_power(levels: Floats) -> Floats:
    """Levels of any shape to power; 0 becomes silence."""
    power = 10 ** ((levels - 1) * (-FLOOR_DB / 10)) * MEL.full_scale
    return np.where(levels <= 0, 0, power).astype(np.float32)
