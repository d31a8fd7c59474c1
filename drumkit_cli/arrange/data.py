"""Windows of bass and drums, as log-mel images, from the rendered bands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from drumkit_cli.arrange import infer
from drumkit_cli.bands.takes import Take
from drumkit_cli.errors import BadDataError
from drumkit_cli.spectral import mel_spectrogram

LEAKS = ("drums", "other", "voice")
SILENT_LEVEL = 0.35
"""A frame whose loudest bin is below this share of the level range sounds silent."""
TRIES = 500
"""Places tried for one window: only bands that hardly ever play together exhaust them."""

Floats = NDArray[np.float32]


class Windows:
    """Aligned windows of bass and drums at random places of the bands of one split.

    Raises:
        BadDataError: no band of the split is longer than a window.
    """

    def __init__(self, bands: Sequence[Take], split: str) -> None:
        length = _context_samples()
        self.bands = [
            band for band in bands if band.split == split and band.stems["bass"].shape[0] > length
        ]
        if not self.bands:
            seconds = length / infer.MEL.rate
            raise BadDataError(f"no {split} band is longer than a window, {seconds:.1f} seconds")
        self._gains: dict[tuple[str, str], float] = {}

    def draw(self, generator: np.random.Generator, *, augment: bool) -> tuple[Floats, Floats]:
        """One window: levels of bass and drums, both ``[F, T]`` in -1..1.

        Both sound most of the time; a window whose bass or drums rest is drawn again. With
        ``augment`` the bass varies in gain and tone and is, half of the time, as a separator would
        give it: with some of the other stems left in.

        Raises:
            BadDataError: `TRIES` places had no window where both sound.
        """
        for _ in range(TRIES):
            band = self.bands[int(generator.integers(len(self.bands)))]
            start = int(generator.integers(band.stems["bass"].shape[0] - _context_samples()))
            drums = _levels(_excerpt(band, "drums", start) * self._gain(band, "drums"))
            if _sounding(drums) < 0.5 or not _is_crisp(drums):
                continue
            gain = self._gain(band, "bass")
            samples: Floats = _excerpt(band, "bass", start) * gain
            if _sounding(_levels(samples)) < 0.6:
                continue
            if augment and generator.random() < 0.5:
                samples = samples + _leak(band, start, generator) * gain
            bass = _levels(samples)
            if augment:
                bass = _vary_tone(bass, generator)
            return bass, drums
        raise BadDataError("no window in which bass and drums both sound")

    def _gain(self, band: Take, stem: str) -> np.float32:
        """What brings a stem to the level that the generator knows."""
        key = (band.name, stem)
        if key not in self._gains:
            samples = np.asarray(band.stems[stem]).astype(np.float32) / np.float32(32768)
            self._gains[key] = infer.normalising_gain(infer.gated_level([samples]))
        return np.float32(self._gains[key])


def batches(
    windows: Windows, size: int, seed: int, *, augment: bool = True
) -> Iterator[tuple[Tensor, Tensor]]:
    """Endless batches of bass and drums, each ``[B, 1, F, T]``; the same seed gives the same."""
    generator = np.random.default_rng(seed)
    while True:
        drawn = [windows.draw(generator, augment=augment) for _ in range(size)]
        bass, drums = (np.stack(images)[:, None] for images in zip(*drawn, strict=True))
        yield torch.from_numpy(bass), torch.from_numpy(drums)


def _context_samples() -> int:
    """A window with two frames of context on each side, which the analysis needs."""
    return (infer.WINDOW_FRAMES + 4) * infer.MEL.hop


def _excerpt(band: Take, stem: str, start: int) -> Floats:
    samples = np.asarray(band.stems[stem][start : start + _context_samples()])
    return samples.astype(np.float32) / np.float32(32768)


def _levels(samples: Floats) -> Floats:
    power = mel_spectrogram.mel_power(samples, infer.MEL)[:, 2 : 2 + infer.WINDOW_FRAMES]
    return infer.to_image(power)


def _sounding(levels: Floats) -> float:
    """The share of frames that are not silent."""
    return float(np.mean(levels.max(0) > 2 * SILENT_LEVEL - 1))


def _is_crisp(drums: Floats) -> bool:
    """Whether hits stand out, which they do not in a very wet room: it would only teach haze."""
    loudness = drums.mean(0)
    return bool(np.percentile(loudness, 95) - np.percentile(loudness, 15) > 0.25)


def _leak(band: Take, start: int, generator: np.random.Generator) -> Floats:
    """What a separator leaves of the others: 15 to 30 dB below their level in the mix."""
    leak = np.zeros(_context_samples(), np.float32)
    for stem in LEAKS:
        decibels = generator.uniform(-30, -15)
        leak += _excerpt(band, stem, start) * np.float32(10 ** (decibels / 20))
    return leak


def _vary_tone(bass: Floats, generator: np.random.Generator) -> Floats:
    """Other gains, a smooth equaliser, sometimes without treble: by shifts of the levels."""
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
