"""Translation of a bass to drums: windows of log-mel images, cross-faded, silent in rests."""

import itertools
from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.arrange.config import ModelConfig
from drumkit_cli.arrange.metre import Beats, metre_planes
from drumkit_cli.arrange.tone import shelves
from drumkit_cli.audio.tape import Tape
from drumkit_cli.io.arrays import Floats
from drumkit_cli.learning.checkpoint import Checkpoint
from drumkit_cli.learning.network import open_network
from drumkit_cli.learning.parallel import concurrently
from drumkit_cli.spectral import mel_spectrogram
from drumkit_cli.spectral.onsets import MEL, to_image

DEFINITION: Final = "drumkit_cli.arrange.model"
OVERLAP_FRAMES: Final = 50
"""Overlap of consecutive windows, frames (III-B)."""
REST_DB: Final = -60.0
HOLD_SECONDS: Final = 2.0
FADE_FRAMES: Final = 12
NO_BEATS: Final[NDArray[np.float64]] = np.zeros((0, 2))

Translate = Callable[[Floats, Floats], Floats]


class Arranger:
    """The trained generator, from NumPy to NumPy.

    Attributes:
        window_frames: length T of the images that it translates.
        needs_metre: whether it plays to beats.
        shelves: gains ``[F, 1]`` of the mel power of its drums.
        weights_sha256: of its file.
    """

    def __init__(self, checkpoint: Checkpoint, device: str = "cpu") -> None:
        """Open the network of a checkpoint; raises as `open_network`."""
        config = checkpoint.restore(ModelConfig)
        self._network = open_network(checkpoint, device, DEFINITION)
        self.window_frames = config.frames
        self.needs_metre = config.metre
        self.shelves = shelves(*config.shelves_db)
        self.weights_sha256 = checkpoint.sha256

    def translate(self, image: Floats, metre: Floats) -> Floats:
        """Translate the image of a window of bass to one of drums, both ``[F, T]`` in -1..1.

        Args:
            image: of `window_frames` frames.
            metre: planes of these frames, as `metre_planes` makes them.

        Raises:
            BadDataError: the weights are of another network.
        """
        batch = image[None, None]
        inputs = [batch, metre[None]] if self.needs_metre else [batch]
        (made,) = self._network.run("generator", inputs, [batch.shape])
        return np.asarray(made[0, 0], np.float32)


def drum_images(
    bass: Tape,
    gain: float,
    translate: Translate,
    window_frames: int,
    beats: Beats = NO_BEATS,
    threads: int = 1,
) -> Iterator[Floats]:
    """Translate a tape at `MEL.rate`, scaled by ``gain``, and yield images of drums ``[F, t]``.

    Windows overlap by 50 frames and are cross-faded; the last one ends with the bass. A bass
    shorter than a window is repeated to fill it. Where the bass rests the images are silent.
    """
    frames = MEL.frames(bass.length)
    gate = rest_gate(bass, gain)
    starts = window_starts(frames, window_frames)
    fade = np.minimum(np.arange(1, window_frames + 1), OVERLAP_FRAMES) / OVERLAP_FRAMES
    weights = np.minimum(fade, fade[::-1]).astype(np.float32)
    total = np.zeros((MEL.mels, window_frames), np.float32)
    weight = np.zeros(window_frames, np.float32)

    def translated(window: tuple[int, Floats] | None) -> Floats:
        """Drums of a window above the lowest level; none where the bass rests."""
        if window is None:
            return np.zeros_like(total)
        start, samples = window
        image = mel_spectrogram.mel_power(samples, MEL)[:, 2 : 2 + min(frames, window_frames)]
        metre = metre_planes(beats, start, image.shape[1])
        image, metre = (_filled(part, window_frames) for part in (to_image(image), metre))
        return translate(image, metre) + 1

    windows = (
        (start, _window(bass, start, min(frames, window_frames)) * np.float32(gain))
        if gate[start : start + window_frames].any()
        else None
        for start in starts
    )
    places = itertools.pairwise([*starts, frames])
    images = concurrently(translated, windows, threads)
    for image, (start, following) in zip(images, places, strict=True):
        total += weights * image
        weight += weights
        ready = following - start
        mean = total[:, :ready] / weight[:ready]
        yield mean * gate[start:following] - 1
        total = np.pad(total[:, ready:], ((0, 0), (0, min(ready, window_frames))))
        weight = np.pad(weight[ready:], (0, min(ready, window_frames)))


def window_starts(frames: int, window_frames: int) -> list[int]:
    """The first frame of each window of a sound of some frames."""
    last = max(frames - window_frames, 0)
    return [*range(0, last, window_frames - OVERLAP_FRAMES), last]


def rest_gate(bass: Tape, gain: float) -> Floats:
    """Gains 0..1 of the frames of a tape: 0 where the bass has rested for two seconds or more.

    It rests where the power of a hop, scaled by ``gain``, is below -60 dB.
    """
    frames = MEL.frames(bass.length)
    sounds = np.zeros(frames, bool)
    for index, block in enumerate(bass.blocks(MEL.hop * 1024)):
        padded = np.pad(block, (0, -len(block) % MEL.hop)).reshape(-1, MEL.hop)
        loud = np.mean((padded * gain) ** 2, axis=1) > 10 ** (REST_DB / 10)
        sounds[1024 * index : 1024 * index + len(loud)] = loud[: frames - 1024 * index]
    hold = round(HOLD_SECONDS * MEL.rate / MEL.hop)
    since = np.arange(frames) - np.maximum.accumulate(np.where(sounds, np.arange(frames), -(10**9)))
    after = np.clip((hold + FADE_FRAMES - since) / FADE_FRAMES, 0, 1)
    # The window of a frame extends two hops further, and so does an attack in the image.
    ahead = np.convolve(sounds, np.ones(7))[3:-3] > 0
    gate: Floats = np.maximum(after, ahead).astype(np.float32)
    return gate


def _window(bass: Tape, start: int, frames: int) -> Floats:
    """The samples of the window that begins at a frame, and two hops more on either side."""
    return bass.read((start - 2) * MEL.hop, (start + frames + 1) * MEL.hop)


def _filled(rows: Floats, frames: int) -> Floats:
    """Rows ``[n, t]``, repeated to fill a window."""
    return np.pad(rows, ((0, 0), (0, frames - rows.shape[1])), mode="wrap")
