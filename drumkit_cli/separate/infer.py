"""Separation of audio of any length, rate and channel count, in constant memory.

A separator works on segments; `stream` cross-fades the segments of a whole file. The stems of
every segment sum to the mix, and cross-fading is linear, so the stems of the file do too.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.arguments import require_within
from drumkit_cli.audio.reader import resample
from drumkit_cli.audio.samples import as_channels
from drumkit_cli.errors import UsageError
from drumkit_cli.learning.checkpoint import ENVIRONMENT_VARIABLE, Checkpoint
from drumkit_cli.learning.devices import pick_device
from drumkit_cli.learning.models import load_model
from drumkit_cli.learning.network import open_network
from drumkit_cli.learning.parallel import concurrently
from drumkit_cli.separate.config import SeparatorConfig
from drumkit_cli.separate.layout import rest_index
from drumkit_cli.spectral.stft import istft, stft

Samples = NDArray[np.float32]

DEFINITION = "drumkit_cli.separate.model"
MASK_POWER = 2.0
SHIFT_SECONDS = 0.5
SHORTEST_SECONDS = 2.0
OVERLAP = 0.1
OFFSET_MIN = 0.02
"""Offset of a segment, as a share of its RMS level, from which on it is kept from the model."""


def separate(
    samples: NDArray[np.floating[Any]],
    rate: int,
    *,
    model: str = "auto",
    model_repo: str | Path | None = None,
    segment_seconds: float | None = None,
    overlap: float = OVERLAP,
    shifts: int = 0,
    weights: str | Path | None = None,
    device: str = "cpu",
) -> dict[str, Samples]:
    """Split music into stems.

    The stems sum to the mix. The model is loaded once a process.

    Args:
        samples: the mix, floats ``[channels, samples]`` or ``[samples]``, full scale at 1.
        rate: its sample rate in Hz, 1,000 to 768,000.
        model: "built-in", a pretrained Demucs such as "htdemucs" (downloaded once), or "auto":
            htdemucs where it is on this machine, else built-in.
        model_repo: a folder of pretrained models to take `model` from.
        segment_seconds: length of the pieces that are separated one by one, 1 to 600; None for
            what suits the model.
        overlap: share of a piece that is cross-faded with the next one, 0 to 0.9.
        shifts: how many time-shifted estimates to average, 0 to 20.
        weights: a weights file of the built-in model, or a folder with one, in place of what ships.
        device: "cpu", "cuda", "mps" or "auto".

    Returns:
        float32 stems by name, each of the shape and the rate of `samples`.

    Raises:
        BadDataError: not samples as above, or weights of another model.
        UsageError: no such model or device, or a value out of range.
        MissingInputError: `weights` or `model_repo` does not exist.
        UnavailableError: the device is not there, or the model cannot be downloaded.

    Example:
        >>> song, rate = drumkit.read_audio("song.flac")
        >>> drums = drumkit.separate(song, rate)["drums"]
    """
    mix = as_channels(samples, rate)
    if segment_seconds is not None:
        require_within("segment_seconds", segment_seconds, 1, 600)
    require_within("overlap", overlap, 0, 0.9)
    require_within("shifts", shifts, 0, 20)
    separator = load_separator(model, model_repo, weights, device)
    frames = segment_frames(separator, rate, segment_seconds, overlap)
    stems = split(mix, rate, separator, frames, shifts)
    shape = np.shape(samples)
    return {name: stem.reshape(shape) for name, stem in zip(separator.sources, stems, strict=True)}


class Separator(Protocol):
    """A model that splits one segment.

    Attributes:
        name: what the user calls it.
        sources: the stems, in the order of `split`.
        segment_seconds: the length that suits it.
        weights_sha256: of its weights, "" where they are not one file.
        concurrent: whether it may split several segments at once.
    """

    name: str
    sources: tuple[str, ...]
    segment_seconds: float
    weights_sha256: str
    concurrent: bool

    def split(self, mix: Samples, rate: int, shifts: int = 0) -> Samples:
        """Mix `[C, N]` at `rate` -> stems `[S, C, N]` that sum to it.

        With `shifts`, so many estimates of the mix, each delayed differently, are averaged.
        """


class BuiltIn:
    """The separator that ships: a network at its own rate, carried to the rate of the mix."""

    name = "built-in"
    concurrent = True

    def __init__(self, checkpoint: Checkpoint, device: str = "cpu") -> None:
        """Open the network of a checkpoint.

        Raises:
            BadDataError: the weights are of another network.
        """
        self._config = checkpoint.restore(SeparatorConfig)
        self._network = open_network(checkpoint, device, DEFINITION)
        self.sources = self._config.sources
        self.segment_seconds = self._config.segment_seconds
        self.weights_sha256 = checkpoint.sha256

    def split(self, mix: Samples, rate: int, shifts: int = 0) -> Samples:
        """Mix `[C, N]` at `rate` -> stems `[S, C, N]` that sum to it; silence stays silence.

        `shifts` estimates are averaged, each of the mix delayed by another part of half a second.
        """
        silence = np.zeros((len(self.sources), *mix.shape), np.float32)
        if not mix.any():
            return silence
        mono = resample(mix.mean(0, keepdims=True), rate, self._config.rate)[0]
        if not len(mono):  # a few samples at a high rate are none at the network's
            silence[rest_index(self.sources)] = mix
            return silence
        estimates = resample(self._estimate(mono, max(shifts, 1)), self._config.rate, rate)
        estimates = estimates[:, : mix.shape[1]]
        estimates = np.pad(estimates, ((0, 0), (0, mix.shape[1] - estimates.shape[1])))
        return share_out(mix, estimates, rate, self._config.rate / 2)

    def _estimate(self, mono: Samples, delays: int) -> Samples:
        """Mono `[n]` -> sources `[S, n]`, both at the network's rate; the mean over delays."""
        frames = len(mono)
        level = max(float(mono.std()), 1e-6)
        longest = int(SHIFT_SECONDS * self._config.rate)
        offsets = [longest * k // delays for k in range(delays)]
        padded = max(frames + offsets[-1], int(SHORTEST_SECONDS * self._config.rate))
        total = np.zeros((len(self.sources), frames), np.float32)
        for offset in offsets:
            shifted = np.zeros(padded, np.float32)
            shifted[offset : offset + frames] = mono / np.float32(level)
            total += self._masked(shifted)[:, offset : offset + frames]
        return total * np.float32(level / len(offsets))

    def _masked(self, mono: Samples) -> Samples:
        """Mono `[n]` of unit variance -> sources `[S, n]`."""
        fft, sources = self._config.fft, len(self.sources)
        spectrum = stft(mono, fft, "reflect")[:, :-1]  # the network knows no highest bin
        spectrum *= np.float32(fft**-0.5)
        rooted = spectrum * np.maximum(np.abs(spectrum), 1e-4) ** -0.5  # [T, F]
        image = np.ascontiguousarray(rooted.view(np.float32).reshape(*rooted.shape, 2).T)
        mean, deviation = image.mean(), image.std(ddof=1)
        image -= mean
        image /= 1e-5 + deviation
        shape = (1, sources, *image.shape)  # [1, S, 2, F, T]
        (masks,) = self._network.run("masks", [image[None]], [shape])
        stems = np.empty((sources, len(mono)), np.float32)
        masked = np.zeros((len(spectrum), fft // 2 + 1), np.complex64)
        for stem, (real, imaginary) in zip(stems, masks[0], strict=True):
            masked.real[:, :-1] = real.T * deviation + (mean + np.float32(1 / sources))
            masked.imag[:, :-1] = imaginary.T * deviation + mean
            masked[:, :-1] *= spectrum
            stem[:] = istft(masked, len(mono)) * np.float32(fft**0.5)
        return stems


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
    power = np.stack([np.abs(stft(one, fft, "constant")) for one in estimates])  # [S, T, F]
    power **= MASK_POWER
    top = min(int(0.95 * band_hz / rate * fft), fft // 2 + 1)
    power[:, :, top:] = power[:, :, top // 2 : top].mean(2, keepdims=True)
    power += 1e-8 * power.max() + 1e-20
    power /= power.sum(0)
    rest = mix - estimates.sum(0)
    stems = np.empty((len(estimates), *mix.shape), np.float32)
    stems[-1] = mix
    for channel, samples in enumerate(rest):
        spectrum = stft(samples, fft, "constant")
        for index, share in enumerate(power[:-1]):
            part = istft(spectrum * share, mix.shape[1])
            stems[index, channel] = estimates[index] + part
            stems[-1, channel] -= stems[index, channel]
    return stems


def stream(
    blocks: Iterable[Samples],
    segment_frames: int,
    hop_frames: int,
    split: Callable[[Samples], Samples],
    threads: int = 1,
) -> Iterator[Samples]:
    """Split a stream by overlapping segments, cross-faded with triangular weights.

    Args:
        blocks: `[C, n]` of any lengths.
        segment_frames: of a segment; the last one of a stream may be shorter.
        hop_frames: from segment to segment, at most `segment_frames`.
        split: segment `[C, n]` -> `[S, C, n]`.
        threads: segments that are split at once; 0 as `parallel.thread_count` says.

    Yields:
        `[S, C, n]`, of the same total length as the blocks.
    """
    ramp = np.arange(1, segment_frames + 1, dtype=np.float32)
    weights = np.minimum(ramp, ramp[::-1])
    tail: Samples | None = None  # weighted output not yet yielded, and its weights
    tail_weights = np.zeros(0, np.float32)
    segments = _segments(blocks, segment_frames, hop_frames)
    for made in concurrently(split, segments, threads):
        frames = made.shape[2]
        stems: Samples = made * weights[:frames]
        norm: Samples = weights[:frames].copy()
        if tail is not None:
            overlap = min(tail.shape[2], frames)
            stems[:, :, :overlap] += tail[:, :, :overlap]
            norm[:overlap] += tail_weights[:overlap]
        done = hop_frames if frames == segment_frames else 0
        if done:
            yield stems[:, :, :done] / norm[:done]
        tail, tail_weights = stems[:, :, done:], norm[done:]
    if tail is not None and tail.shape[2]:
        yield tail / tail_weights


def _segments(blocks: Iterable[Samples], segment_frames: int, hop_frames: int) -> Iterator[Samples]:
    """Cut a stream into segments for `stream`; the last may be shorter."""
    held: Samples | None = None  # input from the start of the next segment on
    known = 0  # frames of it that the segment before has too
    for block in blocks:
        held = block if held is None else np.concatenate([held, block], axis=1)
        while held.shape[1] >= segment_frames:
            yield held[:, :segment_frames]
            held, known = held[:, hop_frames:], segment_frames - hop_frames
    if held is not None and held.shape[1] > known:
        yield held


def segment_frames(
    separator: Separator, rate: int, segment_seconds: float | None = None, overlap: float = OVERLAP
) -> tuple[int, int]:
    """The frames of a segment, and those from one segment to the next, for `stream`."""
    segment = max(round((segment_seconds or separator.segment_seconds) * rate), 64)
    return segment, max(round(segment * (1 - overlap)), 1)


def split_segment(mix: Samples, rate: int, separator: Separator, shifts: int = 0) -> Samples:
    """Split a segment `[C, N]` into stems `[S, C, N]`, its constant offset going to "other" alone.

    Models are trained on sound without an offset (direct current), and one of half the level takes
    up to 16 dB off their SDR. One below `OFFSET_MIN`, which recordings have, changes nothing that
    is heard and is left in.
    """
    offset = mix.mean(1, keepdims=True, dtype=np.float64).astype(np.float32)
    centred = mix - offset
    if np.abs(offset).max() <= OFFSET_MIN * centred.std(dtype=np.float64):
        return separator.split(mix, rate, shifts)
    stems = separator.split(centred, rate, shifts)
    stems[rest_index(separator.sources)] += offset
    return stems


def split(
    mix: Samples, rate: int, separator: Separator, frames: tuple[int, int], shifts: int = 0
) -> Samples:
    """Split a mix `[C, N]` that is in memory into stems `[S, C, N]`; `frames` are for `stream`."""

    def split_part(part: Samples) -> Samples:
        return split_segment(part, rate, separator, shifts)

    parts = list(stream([mix], *frames, split_part, 0 if separator.concurrent else 1))
    return np.concatenate([np.zeros((len(separator.sources), len(mix), 0), np.float32), *parts], 2)


def load_separator(
    model: str = "auto",
    repo: str | Path | None = None,
    weights: str | Path | None = None,
    device: str = "cpu",
) -> Separator:
    """Load the separator of a name, once a process; the arguments are those of `separate`.

    Raises:
        DrumkitError: as `separate`.
    """
    from drumkit_cli.separate import pretrained

    if model == "auto":
        named = weights or os.environ.get(ENVIRONMENT_VARIABLE)
        use_pretrained = not named and pretrained.is_cached(pretrained.PREFERRED)
        model = pretrained.PREFERRED if use_pretrained else BuiltIn.name
    if model == BuiltIn.name:
        return load_model(BuiltIn, "separate", weights, device)
    if weights:
        raise UsageError("weights are the built-in model's", "a folder of models has others")
    return pretrained.load(model, None if repo is None else str(repo), pick_device(device))
