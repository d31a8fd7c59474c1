"""Mel spectrograms of files: streamed out of audio, cut into windows, read back from NPY.

Paper: G. Barnabo et al., "CycleDRUMS", III-B: windows of 256 frames that share 50 with the next.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.audio.reader import AudioReader, Resampler
from drumkit_cli.audio.stems import select_stem, stem_owners
from drumkit_cli.spectral.mel_spectrogram import mel_blocks
from drumkit_cli.spectral.melscale import Floats, MelConfig

_BLOCK_FRAMES: Final = 1 << 16


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


def power_blocks(reader: AudioReader, config: MelConfig, weights: Floats) -> Iterator[Floats]:
    """Analyse a file from its position on: blocks of power `[F, t]`, in constant memory.

    Raises:
        BadDataError: the file is damaged or not finite.
    """

    def mono() -> Iterator[Floats]:
        resampler = Resampler(reader.rate, config.rate, 1)
        for block in reader.blocks(_BLOCK_FRAMES):
            # einsum, not BLAS: the same bits whatever the number of threads.
            yield resampler.push(np.einsum("c,cn->n", weights, block)[None])[0]
        if reader.frames:
            yield resampler.push(np.empty((1, 0), dtype=np.float32), last=True)[0]

    return mel_blocks(mono(), config)


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
