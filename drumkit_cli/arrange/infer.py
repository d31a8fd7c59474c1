"""Bass in, drums out: windows of log-mel images through the generator, cross-faded, made audible.

The length does not matter: what is longer than a block lies in unlinked temporary files.
"""

from __future__ import annotations

import itertools
import math
import tempfile
from collections.abc import Callable, Iterable, Iterator
from typing import Final, Self

import numpy as np
import torch
from numpy.typing import NDArray

from drumkit_cli import spectral
from drumkit_cli.arrange.model import Generator, ModelConfig
from drumkit_cli.audio import Resampler
from drumkit_cli.checkpoint import Checkpoint
from drumkit_cli.errors import BadDataError

Floats = NDArray[np.float32]

MEL: Final = spectral.PRESETS["arrange"]
WINDOW_FRAMES: Final = 256
OVERLAP_FRAMES: Final = 50
"""Frames that a window shares with the next (III-B)."""
NORMAL_LEVEL_DB: Final = -20.0
"""Gated level that the generator knows its bass and its drums at."""
REST_DB: Final = -60.0
HOLD_SECONDS: Final = 2.0
FADE_FRAMES: Final = 12
IMAGE_PER_DECIBEL: Final = 2 * spectral.LEVELS_PER_DB / spectral.TOP_LEVEL

_GATE_SECONDS: Final = 0.1
_SILENCE_DB: Final = -70.0
_RELATIVE_GATE_DB: Final = -20.0


def to_image(power: Floats) -> Floats:
    """Return mel power as the generator's image: its 256 levels scaled to -1..1."""
    image: Floats = spectral.discretise(power, MEL).astype(np.float32)
    image *= 2 / spectral.TOP_LEVEL
    image -= 1
    return image


def from_image(image: Floats) -> Floats:
    """Return the mel power of an image; the lowest level is true silence."""
    return spectral.undiscretise((image + 1) * (spectral.TOP_LEVEL / 2), MEL)


def gated_level(blocks: Iterable[Floats], rate: int = MEL.rate) -> float:
    """Return the level of what sounds, in dB relative to full scale (RMS); -inf for silence.

    The mean power of the 0.1 s parts that are above -70 dB and not 20 dB below the mean of those:
    rests do not count, as in the loudness of broadcasts. ``blocks`` are mono samples ``[n]``.
    """
    size = max(1, round(_GATE_SECONDS * rate))
    powers: list[float] = []
    rest = np.zeros(0, np.float32)
    for block in blocks:
        held = np.concatenate([rest, block])
        whole = len(held) // size * size
        parts = held[:whole].reshape(-1, size).astype(np.float64)
        powers += np.mean(parts**2, axis=1).tolist()
        rest = held[whole:]
    if len(rest):
        powers.append(float(np.sum(rest.astype(np.float64) ** 2)) / size)
    heard = np.array(powers)
    heard = heard[heard > 10 ** (_SILENCE_DB / 10)]
    if not len(heard):
        return -math.inf
    heard = heard[heard > heard.mean() * 10 ** (_RELATIVE_GATE_DB / 10)]
    return float(10 * np.log10(heard.mean()))


def normalising_gain(level_db: float) -> float:
    """Return what brings a gated level to the one that the generator knows; 0 for silence."""
    return 0.0 if level_db == -math.inf else float(10 ** ((NORMAL_LEVEL_DB - level_db) / 20))


class Tape:
    """Mono samples in an unlinked temporary file: memory stays the same whatever the length."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="drumkit-")  # noqa: SIM115 - closed by __exit__
        self.length = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def append(self, samples: Floats) -> None:
        """Add samples ``[n]`` at the end."""
        self._file.seek(0, 2)
        self._file.write(samples.astype(np.float32, copy=False).tobytes())
        self.length += len(samples)

    def read(self, start: int, stop: int) -> Floats:
        """Return samples ``[stop - start]``; zeros where the tape has none."""
        first, last = (min(max(place, 0), self.length) for place in (start, stop))
        self._file.seek(4 * first)
        samples = np.frombuffer(self._file.read(4 * (last - first)), np.float32)
        before = min(max(-start, 0), stop - start)
        return np.pad(samples, (before, stop - start - before - len(samples)))

    def peak(self) -> float:
        """Return the largest magnitude; 0 of nothing."""
        return max((float(np.abs(block).max()) for block in self.blocks()), default=0.0)

    def fit(self, length: int) -> None:
        """Cut the end off, or add zeros, to make it so long."""
        self._file.truncate(4 * length)  # beyond the end this adds zeros
        self.length = length

    def blocks(self, samples: int = 1 << 16) -> Iterator[Floats]:
        """Yield all of it from the start, ``[n]`` at a time."""
        for start in range(0, self.length, samples):
            yield self.read(start, min(start + samples, self.length))


class Arranger:
    """A generator of drums with its weights."""

    def __init__(self, checkpoint: Checkpoint, device: str = "cpu") -> None:
        """Build the network of a checkpoint.

        Raises:
            BadDataError: the weights are of another network.
        """
        try:
            network = Generator(ModelConfig(**checkpoint.config))
            network.load_state_dict(checkpoint.state)
        except (TypeError, RuntimeError) as error:
            raise BadDataError(f"{checkpoint.path}: weights of another arranger") from error
        self._network = network.eval().to(device)
        self._device = device
        self.weights_sha256 = checkpoint.sha256

    @torch.inference_mode()
    def translate(self, image: Floats) -> Floats:
        """Turn the image of a window of bass into one of drums, both ``[F, T]`` in -1..1."""
        batch = torch.from_numpy(image)[None, None].to(self._device)
        made: Floats = self._network(batch)[0, 0].cpu().numpy()
        return made


def arrange(
    bass: Iterable[Floats],
    rate: int,
    arranger: Arranger,
    *,
    iterations: int = spectral.GRIFFIN_LIM_ITERATIONS,
    seed: int = 0,
    advance: Callable[[float], None] = lambda _: None,
) -> Tape:
    """Play drums to a bass line of any length.

    The drums have the bass's gated level. Where the bass has rested for two seconds they are
    silent, and a silent bass gets silent drums. The same input and seed give the same samples.

    Args:
        bass: mono samples ``[n]`` at ``rate``.
        rate: Hz, of the bass and of the drums.
        arranger: the generator.
        iterations: of Griffin-Lim.
        seed: of its first phases.
        advance: told the seconds that are done.

    Returns:
        As many samples as the bass has; the caller closes the tape.
    """
    drums = Tape()
    with Tape() as analysed, Tape() as power, Tape() as played:
        length = _resample(bass, rate, MEL.rate, analysed)
        level = gated_level(analysed.blocks())
        if level > -math.inf:
            for image in drum_images(analysed, normalising_gain(level), arranger.translate):
                power.append(from_image(image).T.ravel())
                advance(image.shape[1] * MEL.hop / MEL.rate / 2)
            for block in _sound(power, analysed.length, iterations, seed):
                played.append(block)
                advance(len(block) / MEL.rate / 2)
            made = gated_level(played.blocks())
            gain = np.float32(0.0 if made == -math.inf else 10 ** ((level - made) / 20))
            _resample((block * gain for block in played.blocks()), MEL.rate, rate, drums)
        # Two roundings of a length may differ by a sample.
        drums.fit(length)
    return drums


def drum_images(bass: Tape, gain: float, translate: Callable[[Floats], Floats]) -> Iterator[Floats]:
    """Translate a tape at `MEL.rate`, times ``gain``, window by window, without seams.

    Windows of 256 frames overlap by 50 and are cross-faded; the last one ends where the bass ends.
    A bass shorter than a window is repeated to fill one. Yields images ``[F, t]`` that together
    have the frames of the tape; where the bass rests they are at the lowest level.
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
    for start, following in itertools.pairwise([*starts, frames]):
        sounds = gate[start : start + WINDOW_FRAMES].any()
        image = (
            translate(_window(bass, start, frames, gain)) + 1 if sounds else np.zeros_like(total)
        )
        total += weights * image
        weight += weights
        ready = following - start
        mean = total[:, :ready] / weight[:ready]
        yield mean * gate[start:following] - 1
        total = np.pad(total[:, ready:], ((0, 0), (0, min(ready, WINDOW_FRAMES))))
        weight = np.pad(weight[ready:], (0, min(ready, WINDOW_FRAMES)))


def rest_gate(bass: Tape, gain: float) -> Floats:
    """Return 0..1 for every frame of a tape: 0 where the bass has rested for two seconds or more.

    It rests where the power of a hop, times ``gain`` squared, is below -60 dB.
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
    # The window of a frame reaches two hops further, and so does the attack in the image.
    ahead = np.convolve(sounds, np.ones(7))[3:-3] > 0
    gate: Floats = np.maximum(after, ahead).astype(np.float32)
    return gate


def _sound(power: Tape, length: int, iterations: int, seed: int) -> Iterator[Floats]:
    """Make a tape of frames of mel power, 256 numbers each, audible."""

    def read(start: int, stop: int) -> Floats:
        return power.read(MEL.mels * start, MEL.mels * stop).reshape(-1, MEL.mels).T

    return spectral.audio_blocks(
        read, power.length // MEL.mels, MEL, length=length, iterations=iterations, seed=seed
    )


def _window(bass: Tape, start: int, frames: int, gain: float) -> Floats:
    """The image ``[F, 256]`` of the bass from frame ``start`` on."""
    count = min(frames, WINDOW_FRAMES)
    hop, margin = MEL.hop, 2 * MEL.hop
    first = start * hop
    samples = bass.read(first - margin, first + (count - 1) * hop + margin) * np.float32(gain)
    image = to_image(spectral.mel_power(samples, MEL)[:, 2 : 2 + count])
    return np.pad(image, ((0, 0), (0, WINDOW_FRAMES - count)), mode="wrap")


def _resample(blocks: Iterable[Floats], from_rate: int, to_rate: int, tape: Tape) -> int:
    """Append a stream at another rate to a tape; the number of samples that came in."""
    resampler = Resampler(from_rate, to_rate, 1)
    count = 0
    for block in blocks:
        tape.append(resampler.push(block[None])[0])
        count += len(block)
    if count:
        tape.append(resampler.push(np.zeros((1, 0), np.float32), last=True)[0])
    return count
