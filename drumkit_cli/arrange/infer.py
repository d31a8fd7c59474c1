"""Drums for a bass line: log-mel images are translated and inverted.

Signals longer than a block lie in unlinked temporary files, so that memory is constant.
"""

import math
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.arguments import require_known, require_seed, require_within
from drumkit_cli.arrange.config import WEIGHTS, Model
from drumkit_cli.arrange.high_band import FULL_RATE, with_high_band
from drumkit_cli.arrange.metre import Beats
from drumkit_cli.arrange.translation import NO_BEATS, Arranger, drum_images
from drumkit_cli.audio.reader import Resampler
from drumkit_cli.audio.samples import as_channels, blocks_of
from drumkit_cli.audio.tape import Tape
from drumkit_cli.errors import BadDataError
from drumkit_cli.io.arrays import Floats
from drumkit_cli.learning.models import load_model
from drumkit_cli.listening.beat_tracker import hear_beats
from drumkit_cli.spectral import mel_spectrogram
from drumkit_cli.spectral.griffin_lim import GRIFFIN_LIM_ITERATIONS
from drumkit_cli.spectral.onsets import MEL, gated_level, normalising_gain

__all__ = ["Arranger", "arrange", "play"]

IMAGE_PER_DECIBEL: Final = 2 * mel_spectrogram.LEVELS_PER_DB / mel_spectrogram.TOP_LEVEL


def from_image(image: Floats) -> Floats:
    """Mel power of a log-mel image; the lowest level is silence."""
    return mel_spectrogram.undiscretise((image + 1) * (mel_spectrogram.TOP_LEVEL / 2), MEL)


def arrange(
    bass: NDArray[np.floating[Any]],
    rate: int,
    *,
    beats: NDArray[np.floating[Any]] | None = None,
    iterations: int = GRIFFIN_LIM_ITERATIONS,
    seed: int = 0,
    model: str = "cyclegan",
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
        beats: ``[n, 2]``, rising seconds and numbers in the bar, of which 1 begins a bar; none for
            drums that know no beats. By default those that are heard in the bass.
        iterations: iterations of Griffin-Lim, 0 to 1000: more sound smoother and take longer.
        seed: seed of the initial phases of Griffin-Lim, 0 or more.
        model: "cyclegan" or "pix2pix".
        weights: a weights file, or a folder with one, in place of the shipped ones.
        device: "cpu", "cuda", "mps" or "auto".

    Returns:
        float32 ``[samples]`` of the length and rate of `bass`. Peaks may exceed full scale.

    Raises:
        BadDataError: `bass` or `beats` are not as above, or `weights` are of another model.
        UsageError: no such device or model, or a value out of range.
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
    require_known("model", model, WEIGHTS)
    arranger = load_model(Arranger, WEIGHTS[Model(model)], weights, device)
    known = _as_beats(beats)
    if beats is None and arranger.needs_metre:
        known = hear_beats((block.mean(0) for block in blocks_of(channels)), rate)
    mono = (block.mean(0) for block in blocks_of(channels))
    with play(mono, rate, arranger, known, iterations=iterations, seed=seed) as drums:
        return drums.read(0, drums.length)


def play(
    bass: Iterable[Floats],
    rate: int,
    arranger: Arranger,
    beats: Beats = NO_BEATS,
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
        beats: ``[n, 2]``: seconds, number in the bar; none where they are not known.
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
                images = drum_images(
                    analysed,
                    normalising_gain(level),
                    arranger.translate,
                    arranger.window_frames,
                    beats,
                    threads,
                )

                def read(start: int, stop: int) -> Floats:
                    """Mel power ``[F, stop - start]``, as soon as it has been made."""
                    while power.length < MEL.mels * stop:
                        image = next(images)
                        power.append((from_image(image) * arranger.shelves).T.ravel())
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


def _as_beats(beats: object) -> NDArray[np.float64]:
    if beats is None:
        return NO_BEATS
    given = np.asarray(beats, np.float64)
    if given.ndim != 2 or given.shape[1] != 2 or not np.isfinite(given).all():
        raise BadDataError(f"beats of shape {given.shape}", "give [n, 2]: seconds, number in bar")
    if (np.diff(given[:, 0]) <= 0).any():
        raise BadDataError("the beats do not follow each other in time")
    return given


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
