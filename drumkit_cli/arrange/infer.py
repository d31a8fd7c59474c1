"""Drums for a bass line: windows of log-mel images are translated, cross-faded and inverted.

Signals longer than a block lie in unlinked temporary files, so that memory is constant.
"""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.arguments import require_seed, require_within
from drumkit_cli.arrange.high_band import FULL_RATE, with_high_band
from drumkit_cli.audio.reader import Resampler
from drumkit_cli.audio.samples import as_channels, blocks_of
from drumkit_cli.audio.tape import Tape
from drumkit_cli.io.arrays import Floats
from drumkit_cli.learning.checkpoint import Checkpoint
from drumkit_cli.learning.models import load_model
from drumkit_cli.learning.network import open_network
from drumkit_cli.learning.parallel import concurrently
from drumkit_cli.spectral import mel_spectrogram
from drumkit_cli.spectral.griffin_lim import GRIFFIN_LIM_ITERATIONS
from drumkit_cli.spectral.onsets import MEL, gated_level, normalising_gain, to_image

__all__ = [
    "MEL",
    "Arranger",
    "arrange",
    "drum_images",
    "from_image",
    "gated_level",
    "normalising_gain",
    "rest_gate",
    "to_image",
]

DEFINITION: Final = "drumkit_cli.arrange.model"
WINDOW_FRAMES: Final = 256
OVERLAP_FRAMES: Final = 50
"""Overlap of consecutive windows, frames (III-B)."""
REST_DB: Final = -60.0
HOLD_SECONDS: Final = 2.0
FADE_FRAMES: Final = 12
IMAGE_PER_DECIBEL: Final = 2 * mel_spectrogram.LEVELS_PER_DB / mel_spectrogram.TOP_LEVEL


def from_image(image: Floats) -> Floats:
    """Mel power of a log-mel image; the lowest level is silence."""
    return mel_spectrogram.undiscretise((image + 1) * (mel_spectrogram.TOP_LEVEL / 2), MEL)


class Arranger:
    """The trained generator, from NumPy to NumPy."""

    def __init__(self, checkpoint: Checkpoint, device: str = "cpu") -> None:
        """Open the network of a checkpoint; raises as `open_network`."""
        self._network = open_network(checkpoint, device, DEFINITION)
        self.weights_sha256 = checkpoint.sha256

    def translate(self, image: Floats) -> Floats:
        """Translate the image of a window of bass to one of drums, both ``[F, T]`` in -1..1.

        Raises:
            BadDataError: the weights are of another network.
        """
        batch = image[None, None]
        (made,) = self._network.run("generator", [batch], [batch.shape])
        return np.asarray(made[0, 0], np.float32)


def arrange(
    bass: NDArray[np.floating[Any]],
    rate: int,
    *,
    iterations: int = GRIFFIN_LIM_ITERATIONS,
    seed: int = 0,
    weights: str | Path | None = None,
    device: str = "cpu",
) -> Floats:
    """Generate drums for a bass line.

    The drums have the loudness of the bass. They are silent after the bass has rested for two
    seconds, and for a silent bass. The model is loaded once a process.

    Args:
        bass: floats ``[channels, samples]`` or ``[samples]``, full scale at 1; channels are
            averaged.
        rate: sample rate in Hz, 1,000 to 768,000.
        iterations: iterations of Griffin-Lim, 0 to 1000: more sound smoother and take longer.
        seed: seed of the initial phases of Griffin-Lim, 0 or more.
        weights: a weights file, or a folder with one, in place of the shipped ones.
        device: "cpu", "cuda", "mps" or "auto".

    Returns:
        float32 ``[samples]`` of the length and rate of `bass`. Peaks may exceed full scale.

    Raises:
        BadDataError: `bass` is not as above, or `weights` are of another model.
        UsageError: no such device, or a value out of range.
        MissingInputError: `weights` does not exist.
        UnavailableError: this machine has no such device.
        StreamError: there is no room for temporary files.

    Example:
        >>> bass = drumkit.separate(song, rate)["bass"]
        >>> redrummed = bass + drumkit.arrange(bass, rate)
    """
    channels = as_channels(bass, rate)
    require_within("iterations", iterations, 0, 1000)
    require_seed(seed)
    arranger = load_model(Arranger, "arrange", weights, device)
    mono = (block.mean(0) for block in blocks_of(channels))
    with play(mono, rate, arranger, iterations=iterations, seed=seed) as drums:
        return drums.read(0, drums.length)


def play(
    bass: Iterable[Floats],
    rate: int,
    arranger: Arranger,
    *,
    iterations: int = GRIFFIN_LIM_ITERATIONS,
    seed: int = 0,
    threads: int = 0,
    advance: Callable[[float], None] = lambda _: None,
) -> Tape:
    """Generate drums for a bass line of any length, in constant memory.

    The drums have the gated level of the bass, without what `high_band` adds above 11 kHz, and
    rest as in `arrange`.

    Args:
        bass: blocks of mono samples ``[n]`` at ``rate``.
        rate: sample rate of the bass and of the drums, Hz.
        arranger: the generator.
        iterations: iterations of Griffin-Lim.
        seed: seed of its initial phases.
        threads: windows translated at once, beside Griffin-Lim; 0 as `parallel.thread_count` says.
        advance: called with the seconds done since the last call.

    Returns:
        As many samples as the bass has; the caller closes the tape.

    Raises:
        StreamError: there is no room in TMPDIR.
    """
    with ExitStack() as kept_on_success:
        drums = kept_on_success.enter_context(Tape("drums"))
        with Tape("bass") as analysed, Tape("mel power") as power, Tape("drums") as played:
            length = _resample(bass, rate, MEL.rate, analysed)
            level = gated_level(analysed.blocks())
            if level > -math.inf:
                images = drum_images(analysed, normalising_gain(level), arranger.translate, threads)

                def read(start: int, stop: int) -> Floats:
                    """Mel power ``[F, stop - start]``, as soon as it has been made."""
                    while power.length < MEL.mels * stop:
                        image = next(images)
                        power.append(from_image(image).T.ravel())
                        advance(image.shape[1] * MEL.hop / MEL.rate / 2)
                    return power.read(MEL.mels * start, MEL.mels * stop).reshape(-1, MEL.mels).T

                for block in mel_spectrogram.audio_blocks(
                    read,
                    MEL.frames(analysed.length),
                    MEL,
                    length=analysed.length,
                    iterations=iterations,
                    seed=seed,
                ):
                    played.append(block)
                    advance(len(block) / MEL.rate / 2)
                made = gated_level(played.blocks())
                gain = np.float32(0.0 if made == -math.inf else 10 ** ((level - made) / 20))
                blocks = (block * gain for block in played.blocks())
                if rate > MEL.rate:
                    _resample(with_high_band(blocks), FULL_RATE, rate, drums)
                else:
                    _resample(blocks, MEL.rate, rate, drums)
        # Resampling twice may change the length by a sample.
        drums.fit(length)
        kept_on_success.pop_all()
    return drums


def drum_images(
    bass: Tape, gain: float, translate: Callable[[Floats], Floats], threads: int = 1
) -> Iterator[Floats]:
    """Translate a tape at `MEL.rate`, scaled by ``gain``, and yield images of drums ``[F, t]``.

    Windows of 256 frames overlap by 50 and are cross-faded; the last one ends with the bass. A bass
    shorter than a window is repeated to fill it. Where the bass rests the images are silent.
    """
    frames = MEL.frames(bass.length)
    gate = rest_gate(bass, gain)
    step = WINDOW_FRAMES - OVERLAP_FRAMES
    last = max(frames - WINDOW_FRAMES, 0)
    starts = [*range(0, last, step), last]
    fade = np.minimum(np.arange(1, WINDOW_FRAMES + 1), OVERLAP_FRAMES) / OVERLAP_FRAMES
    weights = np.minimum(fade, fade[::-1]).astype(np.float32)
    total = np.zeros((MEL.mels, WINDOW_FRAMES), np.float32)
    weight = np.zeros(WINDOW_FRAMES, np.float32)

    def translated(samples: Floats | None) -> Floats:
        """Drums of a window above the lowest level; none where the bass rests."""
        return np.zeros_like(total) if samples is None else translate(_image(samples, frames)) + 1

    windows = (
        _window(bass, start, frames, gain) if gate[start : start + WINDOW_FRAMES].any() else None
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
        total = np.pad(total[:, ready:], ((0, 0), (0, min(ready, WINDOW_FRAMES))))
        weight = np.pad(weight[ready:], (0, min(ready, WINDOW_FRAMES)))


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


def _window(bass: Tape, start: int, frames: int, gain: float) -> Floats:
    """The samples of the window that begins at a frame, and two hops more on either side."""
    hop, count = MEL.hop, min(frames, WINDOW_FRAMES)
    return bass.read((start - 2) * hop, (start + count + 1) * hop) * np.float32(gain)


def _image(samples: Floats, frames: int) -> Floats:
    """The image ``[F, 256]`` of a window of a bass of so many frames."""
    count = min(frames, WINDOW_FRAMES)
    image = to_image(mel_spectrogram.mel_power(samples, MEL)[:, 2 : 2 + count])
    return np.pad(image, ((0, 0), (0, WINDOW_FRAMES - count)), mode="wrap")


def _resample(blocks: Iterable[Floats], from_rate: int, to_rate: int, tape: Tape) -> int:
    """Resample a stream to a tape; returns the number of input samples."""
    resampler = Resampler(from_rate, to_rate, 1)
    count = 0
    for block in blocks:
        tape.append(resampler.push(block[None])[0])
        count += len(block)
    if count:
        tape.append(resampler.push(np.zeros((1, 0), np.float32), last=True)[0])
    return count
