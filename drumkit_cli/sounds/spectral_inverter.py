"""The default inverter: a network that makes levels audible by the phases of their spectrum.

It finds a magnitude and a phase and ends in an inverse Fourier transform with overlap-add, as
H. Siuzdak, "Vocos: closing the gap between time-domain and Fourier-based neural vocoders" (arXiv
2306.00814) does. What differs: it starts from what is known of phases and learns the rest. The
slopes of a phase follow from those of the log magnitude (Z. Prusa, P. Balazs, P. Soendergaard, "A
noniterative method for reconstruction of phase from STFT magnitude", 2017). A small network
corrects them; a sweep over the frames adds them up, from the frame before and from neighbours, the
louder the more, in place of the paper's heap; a few iterations of Griffin-Lim reconcile the frames.
Levels are of bands, which leave open how a band's power is spread over its bins: in the last rounds
the bands of what sounds are held to the levels, and the bins are free.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from drumkit_cli.sounds.mel_image import FLOOR_DB, FRAMES, LENGTH, MEL
from drumkit_cli.spectral.melscale import Floats, band_edges, filter_bank, hann

OVERLAP = MEL.window // MEL.hop
SILENT_LEVEL = 0.01
"""A frame with no level above this is silent."""
NEPERS_PER_DECIBEL = float(np.log(10) / 20)
SLOPE_RATIO = 0.25645 * MEL.window / MEL.hop
"""Between the slopes of phase and log magnitude, of a Gaussian as wide as the Hann window."""
FULL_SCALE = float(np.log(MEL.window / 4))
"""Log magnitude of a full-scale sine."""
FLOOR_POWER = 10 ** (FLOOR_DB / 10) * MEL.full_scale
"""Mel power of level 0."""
LEAST_SHARE = 0.03
"""Of the plain reading, what the fitted one gives at least."""
FRAMES_ROUND = 4
"""Frames are rounded up to these: for every new number of them convolutions have to prepare."""
MARGIN = 3
"""Silent frames after the last that sounds: as far as a window reaches."""
MOMENTUM = 0.99 / 1.99
IMPULSE_SHARE = 0.05
"""Of a bin's own weight, that of the phase it would have as part of a single impulse."""
FOLD = 2
"""Bins in a pixel of the network."""
CORRECTION = 1.5
"""How far a round goes, of what a band is short of; the last goes exactly so far."""
CORRECTION_LIMIT = 3.0
"""Nepers, in one round."""


@dataclass(frozen=True)
class InverterConfig:
    """Sizes of the inverter.

    Attributes:
        channels: of its network.
        refinements: Griffin-Lim iterations at first.
        corrections: rounds on bands after them, with one iteration between two.
    """

    channels: int = 16
    refinements: int = 3
    corrections: int = 2


class SpectralInverter(nn.Module):
    """Levels ``[B, F, T]`` to samples ``[B, N]``.

    Frames at the floor are silent; those after the last one that is not cost nothing.
    """

    reading: Tensor
    plain_places: Tensor
    plain_weights: Tensor
    window: Tensor
    advance: Tensor
    gain: Tensor
    bands: Tensor
    band_weights: Tensor
    band_shares: Tensor

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
        self.register_buffer("window", torch.hann_window(MEL.window), persistent=False)
        self.register_buffer("gain", _gain(), persistent=False)
        bands, weights = _bands_of_bins()
        self.register_buffer("bands", bands, persistent=False)
        self.register_buffer("band_weights", weights, persistent=False)
        shares = weights / weights.sum(1, keepdim=True).clamp_min(1e-9)
        self.register_buffer("band_shares", shares, persistent=False)
        advance = torch.arange(bins)[:, None] * (2 * np.pi * MEL.hop / MEL.window)
        self.register_buffer("advance", advance % (2 * np.pi), persistent=False)

    def forward(self, levels: Tensor) -> Tensor:
        """Make sounds audible."""
        sounding = levels.amax(1, keepdim=True) > SILENT_LEVEL  # [B, 1, T]
        heard = torch.nonzero(sounding.any(0)[0])
        needed = MARGIN + (int(heard[-1]) + 1 if len(heard) else 0)
        frames = min(-(-needed // FRAMES_ROUND) * FRAMES_ROUND, levels.shape[2])
        levels, sounding = levels[:, :, :frames], sounding[:, :, :frames]
        log = self.read(levels.float())
        magnitude = torch.exp(log + FULL_SCALE) * sounding
        phasors = _sweep(magnitude, *self.slopes(log))
        samples = self._reconcile(magnitude.mT.contiguous(), phasors, levels.mT.contiguous())
        return F.pad(samples, (0, LENGTH - samples.shape[1]))

    def slopes(self, log: Tensor) -> tuple[Tensor, Tensor]:
        """The steps of the phase that belong to log magnitudes ``[B, bins, T]``: what is trained.

        From a frame to the next ``[B, bins, T - 1]``, from a bin to the next ``[B, bins - 1, T]``.
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
        """Log magnitude ``[B, bins, T]``, 0 of a full-scale sine, from the power of the bands.

        The bands overlap: what the fitted weights, some below 0, take from a neighbour is held
        against the plain reading between two bands.
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
        """The spectrum ``[B, bins, T]`` of samples, the ends reflected as `Analyser` does."""
        return self._spectra(samples).mT

    def _reconcile(self, magnitude: Tensor, phasors: Tensor, levels: Tensor) -> Tensor:
        """Samples ``[B, N]`` whose frames agree, from magnitudes and phases ``[B, T, bins]``.

        Then their bands are brought to levels ``[B, T, F]``, with the magnitudes found on the way.
        """
        samples = self._synthesise(magnitude * phasors)
        before: Tensor | None = None
        for _ in range(self.config.refinements):
            samples, before = self._griffin_lim(samples, magnitude, before)
        wanted = _power(levels).mul(MEL.full_scale).clamp_min(FLOOR_POWER).log()
        for left in reversed(range(self.config.corrections)):
            spectra = self._corrected(samples, wanted, CORRECTION if left else 1.0)
            samples = self._synthesise(spectra)
            if left:
                samples, _ = self._griffin_lim(samples, spectra.abs(), spectra)
        return samples

    def _griffin_lim(
        self, samples: Tensor, magnitude: Tensor, before: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Samples with these magnitudes, and the spectra that momentum starts from next time."""
        found = self._spectra(samples)
        moved = found if before is None else torch.sub(found, before, alpha=MOMENTUM)
        size = (moved.real.square() + moved.imag.square()).clamp_min(1e-12).rsqrt() * magnitude
        return self._synthesise(torch.complex(moved.real * size, moved.imag * size)), found

    def _corrected(self, samples: Tensor, wanted: Tensor, share: float) -> Tensor:
        """The spectra of samples, each bin scaled by the share of what its bands are short of.

        `wanted` is their log power ``[B, T, F]``.
        """
        (low, high), (low_weight, high_weight), (low_share, high_share) = (
            part.unbind(1) for part in (self.bands, self.band_weights, self.band_shares)
        )
        found = self._spectra(samples, MEL.fft)
        power = found.real.square() + found.imag.square()
        heard = torch.zeros_like(wanted).index_add_(2, low, power * low_weight)
        heard.index_add_(2, high, power * high_weight)
        short = (wanted - heard.clamp_min(FLOOR_POWER).log()) * (share / 2)
        short = short.clamp(-CORRECTION_LIMIT, CORRECTION_LIMIT)
        step = MEL.fft // MEL.window  # between those bins of the analysis that are synthesised
        gain = torch.exp(
            short.index_select(2, low[::step]) * low_share[::step]
            + short.index_select(2, high[::step]) * high_share[::step]
        )
        return found[:, :, ::step] * gain

    def _spectra(self, samples: Tensor, fft: int = MEL.window) -> Tensor:
        """The spectra ``[B, T, bins]`` of the frames of samples ``[B, N]``."""
        half = MEL.window // 2
        end = (_frames(samples) - 1) * MEL.hop + half - samples.shape[1]
        padded = F.pad(samples[:, None], (half, end), "reflect")[:, 0]
        frames = padded.unfold(1, MEL.window, MEL.hop) * self.window  # [B, T, window]
        spectra: Tensor = torch.fft.rfft(frames, fft)
        return spectra

    def _synthesise(self, spectra: Tensor) -> Tensor:
        """The samples ``[B, N]`` whose spectra are nearest; faster than `torch.istft`."""
        frames = torch.fft.irfft(spectra, MEL.window) * self.window  # [B, T, window]
        count = spectra.shape[1]
        rows: Tensor = frames.new_zeros(len(frames), count + OVERLAP - 1, MEL.hop)
        for place, part in enumerate(frames.unflatten(2, (OVERLAP, MEL.hop)).unbind(2)):
            rows[:, place : place + count] += part
        half = MEL.window // 2
        length = LENGTH if count == FRAMES else (count - 1) * MEL.hop
        return rows.flatten(1)[:, half : half + length] * self.gain[:length]


def _slopes(image: Tensor, axis: int) -> Tensor:
    """Half the difference of both neighbours along an axis of ``[B, bins, T]``, 0 at the ends."""
    inner = (
        image.narrow(axis, 2, image.shape[axis] - 2) - image.narrow(axis, 0, image.shape[axis] - 2)
    ) / 2
    return F.pad(inner, (0, 0, 1, 1) if axis == 1 else (1, 1))


def _between(image: Tensor, axis: int) -> Tensor:
    """The means of neighbours along an axis: one fewer."""
    count = image.shape[axis] - 1
    return (image.narrow(axis, 1, count) + image.narrow(axis, 0, count)) / 2


def _sweep(magnitude: Tensor, steps_in_time: Tensor, steps_in_bins: Tensor) -> Tensor:
    """Add steps of phase up to phasors ``[B, T, bins]`` of size 1, from the first frame on.

    A bin takes its phase from itself and its two neighbours one frame before, the louder the more,
    and, where all is new, from an impulse: the steps over the bins alone.
    """
    weight = magnitude.square()
    impulse_phase = F.pad(steps_in_bins.cumsum(1), (0, 0, 1, 0))
    kept = torch.minimum(weight[:, :, 1:], weight[:, :, :-1])
    up = _by_frame(torch.ones_like(steps_in_bins), steps_in_bins)  # from a bin to the next
    step = _by_frame(kept, steps_in_time)
    impulse = _by_frame(IMPULSE_SHARE * weight + 1e-12, impulse_phase)
    phasors = np.empty_like(impulse)  # [T, B, bins]
    phasors[0] = phasor = impulse[0] / np.abs(impulse[0])
    for t in range(1, len(phasors)):
        own = phasor * step[t - 1]
        mixed = own + impulse[t]
        mixed[:, 1:] += own[:, :-1] * up[t]
        mixed[:, :-1] += own[:, 1:] * up[t].conj()
        phasors[t] = phasor = mixed / np.maximum(np.abs(mixed), 1e-20)
    return torch.from_numpy(phasors).to(magnitude.device).transpose(0, 1)


def _by_frame(size: Tensor, phase: Tensor) -> NDArray[np.complex64]:
    """Complex numbers ``[T, B, n]`` of ``[B, n, T]``: numpy is fast at many small sums."""
    numbers = torch.complex(size * phase.cos(), size * phase.sin()).permute(2, 0, 1)
    array: NDArray[np.complex64] = numbers.contiguous().cpu().numpy()
    return array


def _frames(samples: Tensor) -> int:
    """T of samples ``[B, N]`` that were cut after a whole number of frames, or of a whole sound."""
    length = samples.shape[1]
    return FRAMES if length == LENGTH else length // MEL.hop + 1


def _reading() -> Tensor:
    """Weights ``[bins, F]`` that read power at the bins of the inverse transform.

    Between the centres of those bands that hold a bin of the analysis: the others are silent. A
    band's power is divided by its width.
    """
    areas, heard, centres = heard_bands()
    hertz = np.arange(MEL.window // 2 + 1) * MEL.rate / MEL.window
    places = np.interp(hertz, centres, np.arange(len(heard)))
    below = np.minimum(places.astype(int), len(heard) - 2)
    weights = np.zeros((len(hertz), MEL.mels), np.float32)
    rows = np.arange(len(hertz))
    weights[rows, heard[below]] = (1 - (places - below)) / areas[heard[below]]
    weights[rows, heard[below + 1]] += (places - below) / areas[heard[below + 1]]
    return torch.from_numpy(weights)


def heard_bands() -> tuple[Floats, NDArray[np.int64], NDArray[np.float64]]:
    """Widths of the bands ``[F]``; places of those that hold a bin; centres of these, Hz."""
    areas = filter_bank(MEL).sum(0)
    heard = np.flatnonzero(areas > 0)
    return areas, heard, band_edges(MEL)[1:-1][heard]


def _power(levels: Tensor) -> Tensor:
    """Power of levels of any shape, of that of a full-scale sine."""
    return torch.exp((levels - 1) * (-2 * FLOOR_DB * NEPERS_PER_DECIBEL))


def _bands_of_bins() -> tuple[Tensor, Tensor]:
    """Places of the two bands that a bin of the analysis lies in, and its weights in them.

    Both ``[bins, 2]``.
    """
    weights, bands = torch.from_numpy(np.array(filter_bank(MEL))).topk(2, 1)
    return bands, weights


def _gain() -> Tensor:
    """What the sum of overlapping squared windows is multiplied by, ``[N]``."""
    rows = np.zeros((FRAMES + OVERLAP - 1, MEL.hop))
    for place, part in enumerate((hann(MEL.window) ** 2).reshape(OVERLAP, MEL.hop)):
        rows[place : place + FRAMES] += part
    half = MEL.window // 2
    gain = 1 / rows.ravel()[half : half + LENGTH]
    return torch.from_numpy(gain.astype(np.float32))
