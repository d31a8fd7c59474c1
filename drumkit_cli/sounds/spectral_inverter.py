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

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from drumkit_cli.io.arrays import Floats
from drumkit_cli.sounds.mel_image import FLOOR_DB, FRAMES, LENGTH, MEL
from drumkit_cli.spectral.melscale import band_edges, filter_bank, hann

OVERLAP = MEL.window // MEL.hop
SILENT_LEVEL = 0.01
"""A frame without a level above this is silent."""
NEPERS_PER_DECIBEL = float(np.log(10) / 20)
SLOPE_RATIO = 0.25645 * MEL.window / MEL.hop
"""Ratio of the gradients of phase and log magnitude for a Gaussian as wide as the Hann window."""
FULL_SCALE = float(np.log(MEL.window / 4))
"""Log magnitude of a full-scale sine."""
FLOOR_POWER = 10 ** (FLOOR_DB / 10) * MEL.full_scale
"""Mel power of level 0."""
LEAST_SHARE = 0.03
"""Lower bound of the power read by fitted weights, as a share of that read by interpolation."""
FRAMES_ROUND = 4
"""Numbers of frames are rounded up to multiples: each new number makes convolutions set up anew."""
MARGIN = 3
"""Silent frames kept after the last sounding one: as far as a window reaches."""
MOMENTUM = 0.99 / 1.99
"""Momentum of Griffin-Lim, as in `griffin_lim`."""
IMPULSE_SHARE = 0.05
"""Weight of the phase of an impulse, relative to that of a bin's phase in the frame before."""
FOLD = 2
"""Bins in a pixel of the network."""
CORRECTION = 1.5
"""Over-relaxation of the rounds that correct bands, except for the last one."""
CORRECTION_LIMIT = 3.0
"""Largest correction of a band in one round, nepers."""


@dataclass(frozen=True)
class InverterConfig:
    """Sizes of the inverter.

    Attributes:
        channels: channels of its network.
        refinements: initial iterations of Griffin-Lim.
        corrections: rounds that correct bands after them, with one iteration between rounds.
    """

    channels: int = 16
    refinements: int = 3
    corrections: int = 2

    def __post_init__(self) -> None:
        if not (0 <= self.refinements <= 1000 and 0 <= self.corrections <= 1000):
            raise ValueError("more iterations than any inverter takes")


class SpectralInverter(nn.Module):
    """Levels ``[B, F, T]`` to samples ``[B, N]``.

    Silent frames stay silent; those after the last sounding one cost no time.
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
        """Invert levels."""
        sounding = levels.amax(1, keepdim=True) > SILENT_LEVEL  # [B, 1, T]
        frames_sounding = torch.nonzero(sounding.any(0)[0])
        needed = MARGIN + (int(frames_sounding[-1]) + 1 if len(frames_sounding) else 0)
        frames = min(-(-needed // FRAMES_ROUND) * FRAMES_ROUND, levels.shape[2])
        levels, sounding = levels[:, :, :frames], sounding[:, :, :frames]
        log = self.read(levels.float())
        magnitude = torch.exp(log + FULL_SCALE) * sounding
        phasors = _sweep(magnitude, *self.slopes(log))
        samples = self._reconcile(magnitude.mT.contiguous(), phasors, levels.mT.contiguous())
        return F.pad(samples, (0, LENGTH - samples.shape[1]))

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
        return self._spectra(samples).mT

    def _reconcile(self, magnitude: Tensor, phasors: Tensor, levels: Tensor) -> Tensor:
        """Samples ``[B, N]`` from magnitudes and phases ``[B, T, bins]`` and levels ``[B, T, F]``.

        Griffin-Lim makes the frames consistent, then rounds of corrections restore the levels.
        """
        samples = self._synthesise(magnitude * phasors)
        before: Tensor | None = None
        for _ in range(self.config.refinements):
            samples, before = self._griffin_lim(samples, magnitude, before)
        target = _power(levels).mul(MEL.full_scale).clamp_min(FLOOR_POWER).log()
        for left in reversed(range(self.config.corrections)):
            spectra = self._corrected(samples, target, CORRECTION if left else 1.0)
            samples = self._synthesise(spectra)
            if left:
                samples, _ = self._griffin_lim(samples, spectra.abs(), spectra)
        return samples

    def _griffin_lim(
        self, samples: Tensor, magnitude: Tensor, before: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """One iteration: new samples, and the spectra that the next one takes its momentum from."""
        found = self._spectra(samples)
        moved = found if before is None else torch.sub(found, before, alpha=MOMENTUM)
        size = (moved.real.square() + moved.imag.square()).clamp_min(1e-12).rsqrt() * magnitude
        return self._synthesise(torch.complex(moved.real * size, moved.imag * size)), found

    def _corrected(self, samples: Tensor, target: Tensor, share: float) -> Tensor:
        """Spectra of samples, with bins scaled towards the log power ``[B, T, F]`` of bands.

        `share` is the part of the difference that is corrected.
        """
        (low, high), (low_weight, high_weight), (low_share, high_share) = (
            part.unbind(1) for part in (self.bands, self.band_weights, self.band_shares)
        )
        found = self._spectra(samples, MEL.fft)
        power = found.real.square() + found.imag.square()
        bands = torch.zeros_like(target).index_add_(2, low, power * low_weight)
        bands.index_add_(2, high, power * high_weight)
        missing = (target - bands.clamp_min(FLOOR_POWER).log()) * (share / 2)
        missing = missing.clamp(-CORRECTION_LIMIT, CORRECTION_LIMIT)
        step = MEL.fft // MEL.window  # between those bins of the analysis that are synthesised
        gain = torch.exp(
            missing.index_select(2, low[::step]) * low_share[::step]
            + missing.index_select(2, high[::step]) * high_share[::step]
        )
        return found[:, :, ::step] * gain

    def _spectra(self, samples: Tensor, fft: int = MEL.window) -> Tensor:
        """Spectra ``[B, T, bins]`` of the frames of samples ``[B, N]``, ends reflected."""
        half = MEL.window // 2
        end = (_frames(samples) - 1) * MEL.hop + half - samples.shape[1]
        padded = F.pad(samples[:, None], (half, end), "reflect")[:, 0]
        frames = padded.unfold(1, MEL.window, MEL.hop) * self.window  # [B, T, window]
        spectra: Tensor = torch.fft.rfft(frames, fft)
        return spectra

    def _synthesise(self, spectra: Tensor) -> Tensor:
        """Samples ``[B, N]`` of the nearest spectra (least squares); faster than `torch.istft`."""
        frames = torch.fft.irfft(spectra, MEL.window) * self.window  # [B, T, window]
        count = spectra.shape[1]
        rows: Tensor = frames.new_zeros(len(frames), count + OVERLAP - 1, MEL.hop)
        for place, part in enumerate(frames.unflatten(2, (OVERLAP, MEL.hop)).unbind(2)):
            rows[:, place : place + count] += part
        half = MEL.window // 2
        length = LENGTH if count == FRAMES else (count - 1) * MEL.hop
        return rows.flatten(1)[:, half : half + length] * self.gain[:length]


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


def _sweep(magnitude: Tensor, steps_in_time: Tensor, steps_in_bins: Tensor) -> Tensor:
    """Integrate phase steps to unit phasors ``[B, T, bins]``, frame by frame.

    The phase of a bin comes from itself and its two neighbours in the frame before, weighted by
    power, and at onsets from the steps over bins alone, as in an impulse.
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
    """Complex numbers ``[T, B, n]`` of size and phase ``[B, n, T]``, for a fast loop in numpy."""
    numbers = torch.complex(size * phase.cos(), size * phase.sin()).permute(2, 0, 1)
    array: NDArray[np.complex64] = numbers.contiguous().cpu().numpy()
    return array


def _frames(samples: Tensor) -> int:
    """T of samples ``[B, N]`` that end with a whole frame, or that have the full length."""
    length = samples.shape[1]
    return FRAMES if length == LENGTH else length // MEL.hop + 1


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


def _bands_of_bins() -> tuple[Tensor, Tensor]:
    """Indices and weights, ``[bins, 2]`` each, of the two bands that a bin lies in."""
    weights, bands = torch.from_numpy(np.array(filter_bank(MEL))).topk(2, 1)
    return bands, weights


def _gain() -> Tensor:
    """Inverse of the sum of overlapping squared windows, ``[N]``."""
    rows = np.zeros((FRAMES + OVERLAP - 1, MEL.hop))
    for place, part in enumerate((hann(MEL.window) ** 2).reshape(OVERLAP, MEL.hop)):
        rows[place : place + FRAMES] += part
    half = MEL.window // 2
    gain = 1 / rows.ravel()[half : half + LENGTH]
    return torch.from_numpy(gain.astype(np.float32))
