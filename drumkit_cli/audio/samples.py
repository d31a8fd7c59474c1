"""Arrays of samples that a caller gives: checked, and in the blocks that files come in."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from drumkit_cli.audio.reader import CHANNELS_MAX, LEVEL_MAX, RATE_MAX_HZ, RATE_MIN_HZ, Samples
from drumkit_cli.errors import BadDataError

BLOCK_FRAMES: Final = 1 << 16


def as_channels(samples: npt.NDArray[np.floating[Any]], rate: int) -> Samples:
    """Check an array of samples and return it as float32 `[C, N]`.

    Args:
        samples: floats `[C, N]`, or `[N]` for one channel; full scale is 1.
        rate: samples a second, 1,000 to 768,000.

    Raises:
        BadDataError: another shape, integers, more than 64 channels, a sample that is NaN,
            infinite or beyond a million times full scale, or a rate beyond those.
    """
    array = np.asarray(samples)
    if array.ndim not in (1, 2) or array.dtype.kind != "f":
        raise BadDataError(
            f"samples of shape {array.shape} and type {array.dtype}",
            "give floats [channels, samples] or [samples], full scale at 1",
        )
    if not RATE_MIN_HZ <= rate <= RATE_MAX_HZ:
        raise BadDataError(f"a rate of {rate} Hz is not within {RATE_MIN_HZ} to {RATE_MAX_HZ:,}")
    channels = np.atleast_2d(array).astype(np.float32)
    if not 1 <= len(channels) <= CHANNELS_MAX:
        raise BadDataError(
            f"samples of shape {array.shape} have {len(channels):,} channels",
            f"give [channels, samples] of 1 to {CHANNELS_MAX} channels, or its transpose",
        )
    if not (np.abs(channels) <= LEVEL_MAX).all():  # NaN is not
        raise BadDataError(f"samples hold NaN, infinite values, or values beyond {LEVEL_MAX:,.0f}")
    return channels


def blocks_of(samples: Samples) -> Iterator[Samples]:
    """Yield samples `[C, N]` as a file would be read: blocks `[C, n]`."""
    for start in range(0, samples.shape[1], BLOCK_FRAMES):
        yield samples[:, start : start + BLOCK_FRAMES]
