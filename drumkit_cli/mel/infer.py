"""Mel spectrograms: out of audio, cut into windows, and back to audio.

Paper: G. Barnabo et al., "CycleDRUMS", III-B: windows of 256 frames that share 50 with the next.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.arguments import require_known, require_seed, require_within
from drumkit_cli.audio.reader import AudioReader, resampled
from drumkit_cli.audio.samples import as_channels, blocks_of
from drumkit_cli.audio.stems import select_stem, stem_owners
from drumkit_cli.io.arrays import Floats
from drumkit_cli.mel.stored import StoredMel
from drumkit_cli.spectral.griffin_lim import GRIFFIN_LIM_ITERATIONS
from drumkit_cli.spectral.mel_config import PRESETS, MelConfig
from drumkit_cli.spectral.mel_spectrogram import audio_blocks, mel_blocks

OVERLAP_FRAMES: Final = 50
"""Frames that a window shares with the next one, as in the paper."""


def mel(
    samples: NDArray[np.floating[Any]], rate: int, *, config: MelConfig | str = "arrange"
) -> Floats:
    """Turn audio into a mel spectrogram.

    Args:
        samples: floats ``[channels, samples]`` or ``[samples]``, full scale at 1; channels are
            averaged.
        rate: their sample rate in Hz, 1,000 to 768,000; they are resampled to that of `config`.
        config: sizes, or the name of a preset: "arrange" (22,050 Hz, window 2048, hop 512, 256
            bands) or "synth" (22,050 Hz, window 1024, hop 256, fft 2048, 512 bands).

    Returns:
        Power, float32 ``[mels, frames]``; 1 + N // hop frames of N resampled samples.

    Raises:
        BadDataError: `samples` are not as above.
        UsageError: no such preset.

    Example:
        >>> power = drumkit.mel(song, rate)
        >>> decibels = 10 * numpy.log10(power + 1e-9)
    """
    channels, sizes = as_channels(samples, rate), _sizes(config)
    weights = np.full(len(channels), 1 / len(channels), np.float32)
    blocks = power_blocks(blocks_of(channels), rate, sizes, weights)
    return np.concatenate([np.empty((sizes.mels, 0), np.float32), *blocks], axis=1)


def invert(
    power: NDArray[Any],
    *,
    config: MelConfig | str = "arrange",
    overlap: int = OVERLAP_FRAMES,
    iterations: int = GRIFFIN_LIM_ITERATIONS,
    seed: int = 0,
) -> Floats:
    """Turn a mel spectrogram into audio: non-negative least squares, then Griffin-Lim.

    Args:
        power: floats ``[mels, frames]`` as `mel` gives them; uint8 are levels of a third of a
            decibel; ``[windows, mels, frames]`` are windows, which are cross-faded.
        config: the sizes that it was made with, or the name of a preset.
        overlap: frames that a window shares with the next one, at most half its width.
        iterations: of Griffin-Lim, 0 to 1000.
        seed: of the phases that Griffin-Lim starts from, 0 or more.

    Returns:
        float32 ``[samples]`` at the rate of `config` (22,050 Hz for the presets): frames x hop - 1,
        up to a hop more than there were.

    Raises:
        BadDataError: `power` has another shape or type, or numbers that are no power.
        UsageError: no such preset, a value out of range, or sizes that cannot be inverted.

    Example:
        >>> sound = drumkit.invert(drumkit.mel(song, rate))
        >>> drumkit.write_audio("again.wav", sound, 22_050)
    """
    require_within("iterations", iterations, 0, 1000)
    require_seed(seed)
    sizes, array = _sizes(config), np.asarray(power)
    stored = StoredMel("the spectrogram", array.shape, array.dtype, lambda: array, sizes, overlap)
    stored.check()
    blocks = audio_blocks(stored.read, stored.frames, sizes, iterations=iterations, seed=seed)
    return np.concatenate([np.empty(0, np.float32), *blocks])


def mono_weights(reader: AudioReader, stem: str | None) -> Floats:
    """Return what each channel counts, `[C]`, when the audio is made mono.

    Plain audio gives the mean of its channels. Of a stems stream `stem` gives that stem's mean, and
    None the mix: the sum of the stems' means.

    Raises:
        BadDataError: a stems stream lacks the stem.
    """
    weights = np.full(reader.channels, 1 / reader.channels, dtype=np.float32)
    if stem is not None:
        part = select_stem(reader, stem)
        if part is not None:
            weights[:] = 0
            weights[part] = 1 / (part.stop - part.start)
        return weights
    owners = stem_owners(reader.track_names)
    if owners:
        weights[:] = [1 / owners.count(owner) for owner in owners]
    return weights


def frame_count(reader: AudioReader, config: MelConfig) -> int:
    """Return T of a file, known before it is read: `power_blocks` yields as many frames."""
    samples = (2 * reader.frames * config.rate + reader.rate) // (2 * reader.rate)
    return config.frames(samples)


def power_blocks(
    blocks: Iterable[Floats], rate: int, config: MelConfig, weights: Floats
) -> Iterator[Floats]:
    """Analyse blocks of samples `[C, n]`: blocks of power `[F, t]`, in constant memory.

    Args:
        blocks: at `rate`, as many frames each as a file is read by (`BLOCK_FRAMES`).
        rate: samples a second.
        config: the sizes.
        weights: what each channel counts, `[C]`.
    """
    # einsum, not BLAS: the same bits whatever the number of threads.
    mono = (np.einsum("c,cn->n", weights, block) for block in blocks)
    return mel_blocks(resampled(mono, rate, config.rate), config)


def window_count(frames: int, width: int, overlap: int) -> int:
    """Return how many windows of `width` frames cover so many, each sharing `overlap`."""
    if not frames:
        return 0
    return 1 + max(0, -(-(frames - width) // (width - overlap)))


def windows(
    blocks: Iterable[NDArray[np.generic]], width: int, overlap: int
) -> Iterator[NDArray[np.generic]]:
    """Cut a stream of `[F, t]` into windows `[F, width]`, the last one padded with silence (0)."""
    held: list[NDArray[np.generic]] = []
    count, is_new = 0, False
    for block in blocks:
        held.append(block)
        count += block.shape[1]
        is_new = is_new or block.shape[1] > 0
        while count >= width:
            whole = np.concatenate(held, axis=1)
            yield whole[:, :width]
            held = [whole[:, width - overlap :]]
            count -= width - overlap
            is_new = count > overlap
    if is_new:
        yield np.pad(np.concatenate(held, axis=1), ((0, 0), (0, width - count)))


def _sizes(config: MelConfig | str) -> MelConfig:
    """The sizes of a preset that is named.

    Raises:
        UsageError: there is no such preset.
    """
    if isinstance(config, MelConfig):
        return config
    require_known("preset", config, PRESETS)
    return PRESETS[config]
