"""The default inverter of log-mel levels: phases from gradients that a small network corrects.

As in H. Siuzdak, "Vocos: closing the gap between time-domain and Fourier-based neural vocoders"
(arXiv 2306.00814), magnitudes and phases end in an inverse Fourier transform with overlap-add. The
phase gradients are estimated from those of the log magnitude (Z. Prusa, P. Balazs, P. Soendergaard,
"A noniterative method for reconstruction of phase from STFT magnitude", 2017) and corrected by a
small network. They are integrated frame by frame, each bin from itself and its neighbours in the
frame before, weighted by power, in place of that paper's heap. A few iterations of Griffin-Lim make
the frames consistent. Levels determine the power of bands, not of bins: last rounds scale the bins
so that the bands of the result have the given levels.
"""

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from drumkit_cli.io.arrays import Floats
from drumkit_cli.sounds.config import InverterConfig
from drumkit_cli.sounds.mel_image import FLOOR_DB, MEL
from drumkit_cli.sounds.phase_reconstruction import invert
from drumkit_cli.spectral.melscale import band_edges, filter_bank

NEPERS_PER_DECIBEL = float(np.log(10) / 20)
SLOPE_RATIO = 0.25645 * MEL.window / MEL.hop
"""Ratio of the gradients of phase and log magnitude for a Gaussian as wide as the Hann window."""
LEAST_SHARE = 0.03
"""Lower bound of the power read by fitted weights, as a share of that read by interpolation."""
FOLD = 2
"""Bins in a pixel of the network."""


class SpectralInverter(nn.Module):
    """Levels ``[B, F, T]`` to samples ``[B, N]``.

    Silent frames stay silent; those after the last sounding one cost no time.
    """

    reading: Tensor
    plain_places: Tensor
    plain_weights: Tensor
    advance: Tensor

    def __init__(self, config: InverterConfig) -> None:
        super().__init__()
        channels, bins = config.channels, MEL.window // 2 + 1
        self.register_buffer("reading", _reading())
        weights, places = self.reading.topk(2, 1)
        self.register_buffer("plain_places", places, persistent=False)
        self.register_buffer("plain_weights", weights, persistent=False)
        self.network = nn.Sequential(
            nn.Conv2d(4, channels, (5, 3), (FOLD, 1), padding=(2, 1)),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(channels, 2 * FOLD, 3, padding=1),
        ).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        last = self.network[-1]
        assert isinstance(last, nn.Conv2d)
        nn.init.normal_(last.weight, std=1e-3)
        assert last.bias is not None
        nn.init.zeros_(last.bias)
        self.config = config
        advance = torch.arange(bins)[:, None] * (2 * np.pi * MEL.hop / MEL.window)
        self.register_buffer("advance", advance % (2 * np.pi), persistent=False)

    @torch.no_grad()
    def forward(self, levels: Tensor) -> Tensor:
        """Invert levels, one sound after the other."""

        def phases(image: Floats) -> tuple[Floats, Floats, Floats]:
            found = self.phases(torch.from_numpy(image)[None].to(levels.device))
            log, in_time, in_bins = (part[0].cpu().numpy() for part in found)
            return log, in_time, in_bins

        images = levels.float().cpu().numpy()
        sounds = np.stack([invert(image, phases, self.config) for image in images])
        return torch.from_numpy(sounds).to(levels.device)

    def phases(self, levels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What `phase_reconstruction.invert` takes of levels ``[B, F, T]``.

        Log magnitude ``[B, T, bins]``, 0 for a full-scale sine, and phase steps in time
        ``[B, T - 1, bins]`` and in bins ``[B, T, bins - 1]``.
        """
        log = self.read(levels)
        in_time, in_bins = self.slopes(log)
        return log.mT.contiguous(), in_time.mT.contiguous(), in_bins.mT.contiguous()

    def slopes(self, log: Tensor) -> tuple[Tensor, Tensor]:
        """Phase steps of log magnitudes ``[B, bins, T]``, corrected by the network.

        From one frame to the next ``[B, bins, T - 1]``, from one bin to the next
        ``[B, bins - 1, T]``.
        """
        over_bins, over_time = _slopes(log, 1), _slopes(log, 2)  # [B, bins, T]
        heights = torch.linspace(-1, 1, log.shape[1], device=log.device)[:, None].expand_as(log)
        features = torch.stack([log / 4 + 1, over_bins, over_time, heights], 1)
        features = features.contiguous(memory_format=torch.channels_last)
        found = self.network(features).float().unflatten(1, (2, FOLD))  # [B, 2, FOLD, pixels, T]
        in_time, in_bins = found.transpose(2, 3).flatten(2, 3)[:, :, : log.shape[1]].unbind(1)
        steps_in_time = _between(over_bins, 2) / SLOPE_RATIO + self.advance + in_time[:, :, 1:]
        steps_in_bins = -SLOPE_RATIO * _between(over_time, 1) - np.pi + in_bins[:, 1:]
        return steps_in_time, steps_in_bins

    def read(self, levels: Tensor) -> Tensor:
        """Log magnitude ``[B, bins, T]`` of levels ``[B, F, T]``, 0 for a full-scale sine.

        Bands overlap, so some of the fitted weights are negative; the power is bounded below by a
        share of the interpolation between two bands.
        """
        floor = 10 ** (FLOOR_DB / 10)
        power = _power(levels) * (levels > 0)
        (low, high), (low_weight, high_weight) = (
            part.unbind(1) for part in (self.plain_places, self.plain_weights * LEAST_SHARE)
        )
        least = (
            power.index_select(1, low) * low_weight[:, None]
            + power.index_select(1, high) * high_weight[:, None]
            + floor / 100
        )
        return torch.maximum(self.reading @ power, least).log() / 2

    def analyse(self, samples: Tensor) -> Tensor:
        """Spectrum ``[B, bins, T]`` of samples ``[B, N]``, framed as by `Analyser`."""
        window = torch.hann_window(MEL.window, device=samples.device)
        return torch.stft(samples, MEL.window, MEL.hop, window=window, return_complex=True)


def _slopes(image: Tensor, axis: int) -> Tensor:
    """Central differences along an axis of ``[B, bins, T]``, 0 at the ends."""
    inner = (
        image.narrow(axis, 2, image.shape[axis] - 2) - image.narrow(axis, 0, image.shape[axis] - 2)
    ) / 2
    return F.pad(inner, (0, 0, 1, 1) if axis == 1 else (1, 1))


def _between(image: Tensor, axis: int) -> Tensor:
    """Means of neighbours along an axis, which becomes shorter by one."""
    count = image.shape[axis] - 1
    return (image.narrow(axis, 1, count) + image.narrow(axis, 0, count)) / 2


def _reading() -> Tensor:
    """Initial weights ``[bins, F]`` from power in bands to power at bins: linear interpolation.

    Interpolation is between the centres of occupied bands; power is divided by a band's width.
    """
    areas, occupied, centres = occupied_bands()
    hertz = np.arange(MEL.window // 2 + 1) * MEL.rate / MEL.window
    places = np.interp(hertz, centres, np.arange(len(occupied)))
    below = np.minimum(places.astype(int), len(occupied) - 2)
    weights = np.zeros((len(hertz), MEL.mels), np.float32)
    rows = np.arange(len(hertz))
    weights[rows, occupied[below]] = (1 - (places - below)) / areas[occupied[below]]
    weights[rows, occupied[below + 1]] += (places - below) / areas[occupied[below + 1]]
    return torch.from_numpy(weights)


def occupied_bands() -> tuple[Floats, NDArray[np.int64], NDArray[np.float64]]:
    """Widths ``[F]`` of the bands; indices, and centres in Hz, of those that hold a bin."""
    areas = filter_bank(MEL).sum(0)
    occupied = np.flatnonzero(areas > 0)
    return areas, occupied, band_edges(MEL)[1:-1][occupied]


def _power(levels: Tensor) -> Tensor:
    """Power of levels of any shape, relative to a full-scale sine."""
    return torch.exp((levels - 1) * (-2 * FLOOR_DB * NEPERS_PER_DECIBEL))
