"""Separation of audio of any length, rate and channel count, in constant memory.

A separator works on segments; `stream` cross-fades the segments of a whole file. The stems of
every segment sum to the mix, and cross-fading is linear, so the stems of the file do too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from drumkit_cli.audio.reader import Audio, resample
from drumkit_cli.errors import BadDataError
from drumkit_cli.learning.checkpoint import Checkpoint
from drumkit_cli.separate.model import SeparatorConfig, build

Samples = NDArray[np.float32]

MASK_POWER = 2.0
SHIFT_SECONDS = 0.5
SHORTEST_SECONDS = 2.0
OVERLAP = 0.1


class Separator(Protocol):
    """A model that splits one segment.

    Attributes:
        name: what the user calls it.
        sources: the stems, in the order of `split`.
        segment_seconds: the length that suits it.
        weights_sha256: of its weights, "" where they are not one file.
    """

    name: str
    sources: tuple[str, ...]
    segment_seconds: float
    weights_sha256: str

    def split(self, mix: Samples, rate: int) -> Samples:
        """Mix `[C, N]` at `rate` -> stems `[S, C, N]` that sum to it."""


class BuiltIn:
    """The separator that ships: a network at its own rate, carried to the rate of the mix."""

    name = "built-in"

    def __init__(self, checkpoint: Checkpoint, device: str = "cpu", shifts: int = 0) -> None:
        """Build the network of a checkpoint.

        `shifts` estimates are averaged, each of the mix delayed by another part of half a second.

        Raises:
            BadDataError: the weights are of another network.
        """
        try:
            values = dict(checkpoint.config, sources=tuple(checkpoint.config["sources"]))
            self._config = SeparatorConfig(**values)
            network = build(self._config)
            network.load_state_dict(checkpoint.state)
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise BadDataError(f"{checkpoint.path}: weights of another separator") from error
        # Channels last: a third faster on a CPU. (torch's overloads leave memory_format out.)
        layout = torch.channels_last
        self._network = network.eval().to(device, memory_format=layout)  # type: ignore[call-overload]
        self._device = device
        self._shifts = shifts
        self.sources = self._config.sources
        self.segment_seconds = self._config.segment_seconds
        self.weights_sha256 = checkpoint.sha256

    def split(self, mix: Samples, rate: int) -> Samples:
        """Mix `[C, N]` at `rate` -> stems `[S, C, N]` that sum to it; silence stays silence."""
        if not mix.any():
            return np.zeros((len(self.sources), *mix.shape), np.float32)
        mono = resample(mix.mean(0, keepdims=True), rate, self._config.rate)[0]
        if not len(mono):  # a few samples at a high rate are none at the network's
            return np.stack([mix * 0] * (len(self.sources) - 1) + [mix])
        estimates = resample(self._estimate(mono), self._config.rate, rate)
        estimates = estimates[:, : mix.shape[1]]
        estimates = np.pad(estimates, ((0, 0), (0, mix.shape[1] - estimates.shape[1])))
        return share_out(mix, estimates, rate, self._config.rate / 2)

    @torch.inference_mode()
    def _estimate(self, mono: Samples) -> Samples:
        """Mono `[n]` -> sources `[S, n]`, both at the network's rate."""
        frames = len(mono)
        level = max(float(mono.std()), 1e-6)
        longest = int(SHIFT_SECONDS * self._config.rate)
        offsets = [longest * k // max(self._shifts, 1) for k in range(max(self._shifts, 1))]
        padded = max(frames + offsets[-1], int(SHORTEST_SECONDS * self._config.rate))
        total = np.zeros((len(self.sources), frames), np.float32)
        for offset in offsets:
            shifted = np.zeros((1, 1, padded), np.float32)
            shifted[0, 0, offset : offset + frames] = mono
            stems = self._network(torch.from_numpy(shifted / level).to(self._device))[0, :, 0].cpu()
            total += stems.numpy()[:, offset : offset + frames]
        return total * np.float32(level / len(offsets))


def share_out(mix: Samples, estimates: Samples, rate: int, band_hz: float) -> Samples:
    """Complete mono estimates to stems of every channel, full band, that sum to the mix.

    What the estimates leave of the mix (the difference between channels, the band above
    `band_hz`, errors) goes to each stem in the share that the estimate has of the energy at that
    time and frequency; above the band, the share that it has in the band's upper half.

    Args:
        mix: `[C, N]`.
        estimates: `[S, N]` at the rate of the mix.
        rate: Hz.
        band_hz: what the estimates reach up to.
    """
    fft = 2 ** max(round(np.log2(0.093 * rate)), 6)
    rest = torch.from_numpy(mix - estimates.sum(0))
    window = torch.hann_window(fft)

    def transform(samples: torch.Tensor) -> torch.Tensor:
        return torch.stft(
            samples, fft, fft // 4, window=window, return_complex=True, pad_mode="constant"
        )

    power = transform(torch.from_numpy(estimates)).abs() ** MASK_POWER  # [S, F, T]
    top = min(int(0.95 * band_hz / rate * fft), fft // 2 + 1)
    power[:, top:] = power[:, top // 2 : top].mean(1, keepdim=True)
    power += 1e-8 * power.amax() + 1e-20
    shares = power / power.sum(0)
    spectrum = transform(rest)  # [C, F, T]
    stems = np.empty((len(estimates), *mix.shape), np.float32)
    remaining = mix.copy()
    for index, share in enumerate(shares[:-1]):
        part = torch.istft(spectrum * share, fft, fft // 4, window=window, length=mix.shape[1])
        stems[index] = estimates[index] + part.numpy()
        remaining -= stems[index]
    stems[-1] = remaining
    return stems


def stream(
    blocks: Iterable[Samples],
    segment_frames: int,
    hop_frames: int,
    split: Callable[[Samples], Samples],
) -> Iterator[Samples]:
    """Split a stream by overlapping segments, cross-faded with triangular weights.

    Args:
        blocks: `[C, n]` of any lengths.
        segment_frames: of a segment; the last one of a stream may be shorter.
        hop_frames: from segment to segment, at most `segment_frames`.
        split: segment `[C, n]` -> `[S, C, n]`.

    Yields:
        `[S, C, n]`, of the same total length as the blocks.
    """
    ramp = np.arange(1, segment_frames + 1, dtype=np.float32)
    weights = np.minimum(ramp, ramp[::-1])
    held: Samples | None = None  # input from the start of the next segment on
    tail: Samples | None = None  # weighted output not yet yielded, and its weights
    tail_weights = np.zeros(0, np.float32)

    def add(segment: Samples) -> tuple[Samples, NDArray[np.float32]]:
        frames = segment.shape[1]
        stems = split(segment) * weights[:frames]
        norm = weights[:frames].copy()
        if tail is not None:
            overlap = min(tail.shape[2], frames)
            stems[:, :, :overlap] += tail[:, :, :overlap]
            norm[:overlap] += tail_weights[:overlap]
        return stems, norm

    for block in blocks:
        held = block if held is None else np.concatenate([held, block], axis=1)
        while held.shape[1] >= segment_frames:
            stems, norm = add(held[:, :segment_frames])
            yield stems[:, :, :hop_frames] / norm[:hop_frames]
            tail, tail_weights = stems[:, :, hop_frames:], norm[hop_frames:]
            held = held[:, hop_frames:]
    if held is None or held.shape[1] == 0:
        return
    if tail is None or held.shape[1] > tail.shape[2]:
        tail, tail_weights = add(held)
    yield tail / tail_weights


def separate(audio: Audio, separator: Separator, overlap: float = OVERLAP) -> dict[str, Audio]:
    """Split audio that is in memory into stems by name, each like the input in shape and rate."""
    segment = int(separator.segment_seconds * audio.rate)
    hop = max(int(segment * (1 - overlap)), 1)
    parts = list(
        stream([audio.samples], segment, hop, lambda mix: separator.split(mix, audio.rate))
    )
    if not parts:
        return dict.fromkeys(separator.sources, audio)
    stems = np.concatenate(parts, axis=2)
    return {
        name: Audio(stem, audio.rate) for name, stem in zip(separator.sources, stems, strict=True)
    }
