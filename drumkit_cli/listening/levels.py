"""What the ear listens to: log-mel levels, 100 frames a second."""

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np

from drumkit_cli.io.arrays import Floats
from drumkit_cli.spectral.mel_config import MelConfig
from drumkit_cli.spectral.mel_spectrogram import FLOOR_DB, LEVELS_PER_DB, TOP_LEVEL, mel_blocks

MEL: Final = MelConfig(rate=22_050, window=1024, hop=220, fft=2048, mels=80, f_min=25.0)
FRAME_RATE: Final = MEL.rate / MEL.hop
"""Frames a second."""


def levels(power: Floats) -> Floats:
    """Levels 0..1 of mel power of any shape: -80 to +5 dB relative to a full-scale sine."""
    scaled = np.maximum(np.asarray(power, np.float32) / np.float32(MEL.full_scale), 1e-12)
    steps = (10 * np.log10(scaled) - FLOOR_DB) * LEVELS_PER_DB
    return np.asarray(np.clip(steps / TOP_LEVEL, 0, 1), np.float32)


def level_blocks(blocks: Iterable[Floats]) -> Iterator[Floats]:
    """Yield blocks of levels `[t, F]` of mono samples at `MEL.rate`, given as blocks `[n]`.

    Frame t is centred on sample t * hop. Memory is bounded by the longest block.
    """
    for power in mel_blocks(blocks, MEL):
        yield np.ascontiguousarray(levels(power).T)
