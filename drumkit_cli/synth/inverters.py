"""Networks that make levels audible: one of magnitudes and phases, and the paper's MCNN.

`SpectralInverter`, the default, follows H. Siuzdak, "Vocos: closing the gap between time-domain and
Fourier-based neural vocoders" (arXiv 2306.00814): ConvNeXt blocks at frame rate, a head of log
magnitude and phase, an inverse Fourier transform with overlap-add. What differs: the magnitude
starts from the levels read between the centres of the bands, so that the network learns a
correction; frames at the floor are silent by construction; and no adversary, since the losses
of the drum paper on a fine spectrogram leave little to guess.

`MCNN` follows S. Arik, H. Jun, G. Diamos, "Fast spectrogram inversion using multi-head
convolutional neural networks" (2018) as the drum paper changes it: eight heads of eight transposed
convolutions of width 13 and stride 2 with ELU, no biases, so that zeros stay zeros, a mask beside
the wave, a weighted sum of the heads, a scaled softsign. What differs: it reads levels, whose
floor is zero too, in place of magnitudes, and has narrower first layers by default.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from drumkit_cli.melscale import band_edges, filter_bank, hann
from drumkit_cli.synth.sound import FLOOR_DB, FRAMES, LENGTH, MEL

__all__ = ["MCNN", "InverterConfig", "MCNNConfig", "SpectralInverter"]

OVERLAP = MEL.window // MEL.hop
SILENT_LEVEL = 0.01
"""A frame with no level above this is silent."""


@dataclass(frozen=True)
class InverterConfig:
    """Sizes of the inverter: channels C, those in a block, blocks, Griffin-Lim iterations."""

    width: int = 192
    hidden: int = 512
    blocks: int = 6
    refinements: int = 3


@dataclass(frozen=True)
class MCNNConfig:
    """Sizes of MCNN: heads, and the channels of one head after each of the eight layers.

    The paper's are 128, 64, 32, 16, 8, 4, 2 and 2.
    """

    heads: int = 8
    channels: tuple[int, ...] = (32, 24, 16, 16, 8, 4, 2, 2)


class SpectralInverter(nn.Module):
    """Levels ``[B, F, T]`` to samples ``[B, N]``."""

    window: Tensor
    reading: Tensor
    width_db: Tensor
    advance: Tensor
    gain: Tensor

    def __init__(self, config: InverterConfig) -> None:
        super().__init__()
        width, bins = config.width, MEL.window // 2 + 1
        self.stem = nn.Conv1d(MEL.mels, width, 3, padding=1)
        self.norm = nn.LayerNorm(width)
        self.blocks = nn.ModuleList(
            Block(width, config.hidden, 1 / config.blocks) for _ in range(config.blocks)
        )
        self.last_norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, 3 * bins)
        nn.init.trunc_normal_(self.head.weight, std=0.02)
        self.register_buffer("window", torch.hann_window(MEL.window), persistent=False)
        self.register_buffer("gain", _gain(), persistent=False)
        self.momenta = nn.Parameter(torch.linspace(0, 0.4, config.refinements))
        reading, width_db = _reading()
        self.register_buffer("reading", reading, persistent=False)
        self.register_buffer("width_db", width_db, persistent=False)
        advance = torch.arange(bins)[:, None] * (2 * np.pi * MEL.hop / MEL.window)
        self.register_buffer("advance", advance % (2 * np.pi), persistent=False)

    def forward(self, levels: Tensor) -> Tensor:
        """Make sounds audible."""
        x = self.norm(self.stem(levels).mT)  # [B, T, C]
        for block in self.blocks:
            x = block(x)
        outputs = self.head(self.last_norm(x)).float().mT  # [B, 3 * bins, T]
        correction, offset, advance = outputs.chunk(3, 1)
        decibels = FLOOR_DB * (1 - self.reading @ levels.float()) - self.width_db
        log_magnitude = (decibels * (np.log(10) / 20) + correction).clamp_max(2.0)
        sounding = levels.amax(1, keepdim=True) > SILENT_LEVEL
        magnitude = torch.exp(log_magnitude) * sounding * (MEL.window / 4)
        phase = offset + (advance + self.advance).cumsum(2)
        return self._refine(magnitude, torch.polar(magnitude, phase))

    def _refine(self, magnitude: Tensor, spectrum: Tensor) -> Tensor:
        """Griffin-Lim from where the network left it, with a learned momentum an iteration."""
        samples = self._synthesise(spectrum)
        before = torch.zeros_like(spectrum)
        for momentum in self.momenta:
            found = self._analyse(samples)
            moved = found - momentum * before
            before = found
            size = (moved.real.square() + moved.imag.square() + 1e-9).rsqrt()
            samples = self._synthesise(moved * (magnitude * size))
        return samples

    def _analyse(self, samples: Tensor) -> Tensor:
        """Samples ``[B, N]`` to a spectrum ``[B, bins, T]``, reflected as `Analyser` does."""
        half = MEL.window // 2
        end = (FRAMES - 1) * MEL.hop + half - LENGTH
        padded = F.pad(samples[:, None], (half, end), "reflect")[:, 0]
        frames = padded.unfold(1, MEL.window, MEL.hop) * self.window  # [B, T, window]
        spectrum: Tensor = torch.fft.rfft(frames).mT
        return spectrum

    def _synthesise(self, spectrum: Tensor) -> Tensor:
        """The samples ``[B, N]`` whose spectrum is nearest; faster than `torch.istft`."""
        frames = torch.fft.irfft(spectrum.mT, MEL.window) * self.window  # [B, T, window]
        parts = frames.unflatten(2, (OVERLAP, MEL.hop)).unbind(2)
        rows = torch.stack(
            [F.pad(part, (0, 0, place, OVERLAP - 1 - place)) for place, part in enumerate(parts)]
        ).sum(0)
        half = MEL.window // 2
        return rows.flatten(1)[:, half : half + LENGTH] * self.gain


class Block(nn.Module):
    """ConvNeXt over time: a convolution a channel, then two layers a frame, beside an identity."""

    def __init__(self, width: int, hidden: int, scale: float) -> None:
        super().__init__()
        self.time = nn.Conv1d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, hidden)
        self.down = nn.Linear(hidden, width)
        self.scale = nn.Parameter(torch.full((width,), scale))

    def forward(self, x: Tensor) -> Tensor:
        """``[B, T, C]`` to the same."""
        y = self.norm(self.time(x.mT).mT)
        changed: Tensor = x + self.scale * self.down(F.gelu(self.up(y)))
        return changed


class MCNN(nn.Module):
    """Levels ``[B, F, T]`` to samples ``[B, N]`` and the logits of the mask ``[B, N]``.

    The heads are the groups of one convolution: the same sums as heads one by one, in fewer calls.
    """

    def __init__(self, config: MCNNConfig) -> None:
        super().__init__()
        self.heads = heads = config.heads
        widths = [channels * heads for channels in config.channels]
        self.layers = nn.ModuleList(
            nn.ConvTranspose1d(
                before, after, 13, 2, padding=6, output_padding=1, groups=groups, bias=False
            )
            for before, after, groups in zip(
                [MEL.mels, *widths[:-1]], widths, [1, *[heads] * (len(widths) - 1)], strict=True
            )
        )
        self.weights = nn.Parameter(torch.full((heads,), 1 / heads))
        self.scale = nn.Parameter(torch.ones(2))

    def forward(self, levels: Tensor) -> tuple[Tensor, Tensor]:
        """Make sounds audible; `masked` puts the two together."""
        x = levels
        for index, layer in enumerate(self.layers):
            x = layer(x)  # [B, heads * C, 2 T]
            if index < len(self.layers) - 1:
                x = F.elu(x)
        waves, masks = x.float().unflatten(1, (self.heads, 2))[..., :LENGTH].unbind(2)
        wave = (waves * self.weights[:, None]).sum(1)
        inner, outer = self.scale
        return outer * F.softsign(inner * wave), masks.sum(1)

    @staticmethod
    def masked(wave: Tensor, mask: Tensor) -> Tensor:
        """The sound: the wave where the mask, made 0 or 1, lets it through."""
        return wave * (mask > 0)


def _reading() -> tuple[Tensor, Tensor]:
    """Weights ``[bins, F]`` that read levels at the bins of the inverse transform, and widths.

    Between the centres of those bands that hold a bin of the analysis: the others are silent. The
    widths ``[bins, 1]``, in dB, are what a band's power is above that of one bin.
    """
    areas = filter_bank(MEL).sum(0)
    centres = band_edges(MEL)[1:-1]
    heard = np.flatnonzero(areas > 0)
    hertz = np.arange(MEL.window // 2 + 1) * MEL.rate / MEL.window
    places = np.interp(hertz, centres[heard], np.arange(len(heard)))
    below = np.minimum(places.astype(int), len(heard) - 2)
    weights = np.zeros((len(hertz), MEL.mels), np.float32)
    rows = np.arange(len(hertz))
    weights[rows, heard[below]] = 1 - (places - below)
    weights[rows, heard[below + 1]] += places - below
    widths = weights @ (10 * np.log10(np.maximum(areas, 1e-3)))
    return torch.from_numpy(weights), torch.from_numpy(widths.astype(np.float32)[:, None])


def _gain() -> Tensor:
    """What the sum of overlapping squared windows is multiplied by, ``[N]``."""
    rows = np.zeros((FRAMES + OVERLAP - 1, MEL.hop))
    for place, part in enumerate((hann(MEL.window) ** 2).reshape(OVERLAP, MEL.hop)):
        rows[place : place + FRAMES] += part
    half = MEL.window // 2
    gain = 1 / rows.ravel()[half : half + LENGTH]
    return torch.from_numpy(gain.astype(np.float32))
