"""Training windows: aligned log-mel images of the bass and the drums of rendered takes, and metre.

The mel spectrograms of a take are made once and kept as levels of a byte. Sounds are added as
powers, as if their phases had nothing to do with each other.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from drumkit_cli.arrange.infer import IMAGE_PER_DECIBEL, from_image
from drumkit_cli.arrange.metre import Beats, metre_planes
from drumkit_cli.arrange.tone import master
from drumkit_cli.bands.takes import Take
from drumkit_cli.errors import BadDataError
from drumkit_cli.io.arrays import Floats
from drumkit_cli.spectral import mel_spectrogram
from drumkit_cli.spectral.onsets import MEL, gated_level, normalising_gain, to_image

LEAKS = ("drums", "other", "voice")
SILENT_LEVEL = 0.35
"""A frame is silent if its loudest bin is below this share of the level range."""
TRIES = 500
"""Random positions tried for a window in which bass and drums play."""
UNKNOWN, SHIFTED = 0.1, 0.06
"""Shares of the windows whose metre is not given, and whose bars begin on another beat."""
JITTER_SECONDS = 0.01

Images = tuple[Floats, Floats, Floats]


class Windows:
    """Windows at random positions of the takes of one split.

    Raises:
        BadDataError: no take of the split is longer than a window.
    """

    def __init__(self, takes: Sequence[Take], split: str, frames: int) -> None:
        self._frames = frames
        self.takes = [
            take
            for take in takes
            if take.split == split and MEL.frames(take.stems["bass"].shape[0]) > frames + 4
        ]
        if not self.takes:
            seconds = frames * MEL.hop / MEL.rate
            raise BadDataError(f"no {split} take is longer than a window, {seconds:.1f} seconds")
        self._levels: dict[str, dict[str, NDArray[np.uint8]]] = {}

    def draw(self, generator: np.random.Generator, *, augment: bool) -> Images:
        """Draw a window in which both play: images of bass and drums, ``[F, T]`` in -1..1, metre.

        With ``augment`` the bass varies in gain and tone, half of the windows have leakage from
        the other stems, as after separation, and the metre has the errors of an ear.

        Raises:
            BadDataError: no such window was found at `TRIES` positions.
        """
        for _ in range(TRIES):
            take = self.takes[int(generator.integers(len(self.takes)))]
            levels = self._levels_of(take)
            latest = levels["bass"].shape[1] - self._frames - 2
            start = int(generator.integers(2, latest))
            drums, bass = (self._cut(levels[stem], start) for stem in ("drums", "bass"))
            if _sounding(drums) < 0.5 or not _is_crisp(drums) or _sounding(bass) < 0.6:
                continue
            beats: Beats = np.array(take.beats, np.float64).reshape(-1, 2)
            if augment:
                if generator.random() < 0.5:
                    leaks = [self._cut(levels[stem], start) for stem in LEAKS]
                    bass = _leak(bass, leaks, generator)
                bass = _vary_tone(bass, generator)
                beats = _mishear(beats, generator)
            return bass, drums, metre_planes(beats, start, self._frames)
        raise BadDataError("no window in which bass and drums both sound")

    def _levels_of(self, take: Take) -> dict[str, NDArray[np.uint8]]:
        """Levels ``[F, T]`` of the stems; bass and drums at the normal level, leaks as in a mix."""
        if take.name not in self._levels:
            self._levels[take.name] = _analyse(take)
        return self._levels[take.name]

    def _cut(self, levels: NDArray[np.uint8], start: int) -> Floats:
        cut = levels[:, start : start + self._frames].astype(np.float32)
        image: Floats = cut * np.float32(2 / mel_spectrogram.TOP_LEVEL) - 1
        return image


def batches(
    windows: Windows, size: int, seed: int, *, augment: bool = True
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Endless batches by a seed: bass and drums ``[B, 1, F, T]``, metre ``[B, PLANES, T]``."""
    generator = np.random.default_rng(seed)
    while True:
        drawn = [windows.draw(generator, augment=augment) for _ in range(size)]
        bass, drums, metre = (torch.from_numpy(np.stack(part)) for part in zip(*drawn, strict=True))
        yield bass[:, None], drums[:, None], metre


def _analyse(take: Take) -> dict[str, NDArray[np.uint8]]:
    sounds = {
        stem: np.asarray(take.stems[stem]).astype(np.float32) / np.float32(32768)
        for stem in ("bass", *LEAKS)
    }
    gains = {stem: normalising_gain(gated_level([sounds[stem]])) for stem in ("bass", "drums")}
    levels = {}
    for stem, samples in sounds.items():
        gain = gains.get(stem, gains["bass"])  # leaks keep their level beside the bass
        power = mel_spectrogram.mel_power(samples * np.float32(gain), MEL)
        power = master(power) if stem == "drums" else power
        levels[stem] = mel_spectrogram.discretise(power, MEL)
    return levels


def _mishear(beats: Beats, generator: np.random.Generator) -> Beats:
    """Beats as an ear might hear them: late or early, sometimes in other bars or not at all."""
    if generator.random() < UNKNOWN or not len(beats):
        return beats[:0]
    heard = beats.copy()
    heard[:, 0] += generator.normal(0, JITTER_SECONDS)
    heard[:, 0] += generator.normal(0, JITTER_SECONDS / 2, len(beats))
    if generator.random() < SHIFTED:
        heard[:, 1] = np.roll(heard[:, 1], int(generator.choice([1, 2, 2, 3])))
    return heard


def _sounding(levels: Floats) -> float:
    """Share of frames that are not silent."""
    return float(np.mean(levels.max(0) > 2 * SILENT_LEVEL - 1))


def _is_crisp(drums: Floats) -> bool:
    """Whether hits stand out; in a very reverberant recording they do not."""
    loudness = drums.mean(0)
    return bool(np.percentile(loudness, 95) - np.percentile(loudness, 15) > 0.25)


def _leak(bass: Floats, others: Sequence[Floats], generator: np.random.Generator) -> Floats:
    """A bass with the other stems, 15 to 30 dB below those in the mix."""
    power = from_image(bass)
    for other in others:
        power = power + from_image(other) * np.float32(10 ** (generator.uniform(-30, -15) / 10))
    return to_image(power)


def _vary_tone(bass: Floats, generator: np.random.Generator) -> Floats:
    """Shift the levels by a random gain, a smooth equaliser and sometimes a treble cut."""
    bins = bass.shape[0]
    decibels = generator.uniform(-6, 6) + np.interp(
        np.arange(bins), np.linspace(0, bins, 6), generator.uniform(-6, 6, 6)
    )
    if generator.random() < 0.3:
        corner = int(generator.integers(bins // 8, bins))
        decibels[corner:] -= np.arange(bins - corner) * generator.uniform(0.5, 2)
    shift = (decibels * IMAGE_PER_DECIBEL).astype(np.float32)[:, None]
    shifted: Floats = np.clip(bass + shift, -1, 1)
    return shifted
