"""Training windows: aligned log-mel images of the bass and the drums of rendered takes."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from drumkit_cli.arrange import infer
from drumkit_cli.bands.takes import Take
from drumkit_cli.errors import BadDataError
from drumkit_cli.io.arrays import Floats
from drumkit_cli.spectral import mel_spectrogram

LEAKS = ("drums", "other", "voice")
SILENT_LEVEL = 0.35
"""A frame is silent if its loudest bin is below this share of the level range."""
TRIES = 500
"""Random positions tried for a window in which bass and drums play."""


class Windows:
    """Windows at random positions of the takes of one split.

    Raises:
        BadDataError: no take of the split is longer than a window.
    """

    def __init__(self, takes: Sequence[Take], split: str) -> None:
        length = _context_samples()
        self.takes = [
            take for take in takes if take.split == split and take.stems["bass"].shape[0] > length
        ]
        if not self.takes:
            seconds = length / infer.MEL.rate
            raise BadDataError(f"no {split} take is longer than a window, {seconds:.1f} seconds")
        self._gains: dict[tuple[str, str], float] = {}

    def draw(self, generator: np.random.Generator, *, augment: bool) -> tuple[Floats, Floats]:
        """Draw a window in which both play: images of bass and drums, ``[F, T]`` in -1..1.

        With ``augment`` the bass varies in gain and tone, and half of the windows have leakage from
        the other stems, as after separation.

        Raises:
            BadDataError: no such window was found at `TRIES` positions.
        """
        for _ in range(TRIES):
            take = self.takes[int(generator.integers(len(self.takes)))]
            start = int(generator.integers(take.stems["bass"].shape[0] - _context_samples()))
            drums = _levels(_excerpt(take, "drums", start) * self._gain(take, "drums"))
            if _sounding(drums) < 0.5 or not _is_crisp(drums):
                continue
            gain = self._gain(take, "bass")
            samples: Floats = _excerpt(take, "bass", start) * gain
            if _sounding(_levels(samples)) < 0.6:
                continue
            if augment and generator.random() < 0.5:
                samples = samples + _leak(take, start, generator) * gain
            bass = _levels(samples)
            if augment:
                bass = _vary_tone(bass, generator)
            return bass, drums
        raise BadDataError("no window in which bass and drums both sound")

    def _gain(self, take: Take, stem: str) -> np.float32:
        """The gain that brings a stem to the normal level."""
        key = (take.name, stem)
        if key not in self._gains:
            samples = np.asarray(take.stems[stem]).astype(np.float32) / np.float32(32768)
            self._gains[key] = infer.normalising_gain(infer.gated_level([samples]))
        return np.float32(self._gains[key])


def batches(
    windows: Windows, size: int, seed: int, *, augment: bool = True
) -> Iterator[tuple[Tensor, Tensor]]:
    """Endless batches of bass and drums, each ``[B, 1, F, T]``, determined by a seed."""
    generator = np.random.default_rng(seed)
    while True:
        drawn = [windows.draw(generator, augment=augment) for _ in range(size)]
        bass, drums = (np.stack(images)[:, None] for images in zip(*drawn, strict=True))
        yield torch.from_numpy(bass), torch.from_numpy(drums)


def _context_samples() -> int:
    """Samples of a window with two frames of context on each side, for the analysis."""
    return (infer.WINDOW_FRAMES + 4) * infer.MEL.hop


def _excerpt(take: Take, stem: str, start: int) -> Floats:
    samples = np.asarray(take.stems[stem][start : start + _context_samples()])
    return samples.astype(np.float32) / np.float32(32768)


def _levels(samples: Floats) -> Floats:
    power = mel_spectrogram.mel_power(samples, infer.MEL)[:, 2 : 2 + infer.WINDOW_FRAMES]
    return infer.to_image(power)


def _sounding(levels: Floats) -> float:
    """Share of frames that are not silent."""
    return float(np.mean(levels.max(0) > 2 * SILENT_LEVEL - 1))


def _is_crisp(drums: Floats) -> bool:
    """Whether hits stand out; in a very reverberant recording they do not."""
    loudness = drums.mean(0)
    return bool(np.percentile(loudness, 95) - np.percentile(loudness, 15) > 0.25)


def _leak(take: Take, start: int, generator: np.random.Generator) -> Floats:
    """The other stems at random levels, 15 to 30 dB below those in the mix."""
    leak = np.zeros(_context_samples(), np.float32)
    for stem in LEAKS:
        decibels = generator.uniform(-30, -15)
        leak += _excerpt(take, stem, start) * np.float32(10 ** (decibels / 20))
    return leak


def _vary_tone(bass: Floats, generator: np.random.Generator) -> Floats:
    """Shift the levels by a random gain, a smooth equaliser and sometimes a treble cut."""
    bins = bass.shape[0]
    decibels = generator.uniform(-6, 6) + np.interp(
        np.arange(bins), np.linspace(0, bins, 6), generator.uniform(-6, 6, 6)
    )
    if generator.random() < 0.3:
        corner = int(generator.integers(bins // 8, bins))
        decibels[corner:] -= np.arange(bins - corner) * generator.uniform(0.5, 2)
    shift = (decibels * infer.IMAGE_PER_DECIBEL).astype(np.float32)[:, None]
    shifted: Floats = np.clip(bass + shift, -1, 1)
    return shifted
