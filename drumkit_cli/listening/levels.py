"""What the ear listens to: log-mel levels, 100 frames a second; and levels of pitches, for bars."""

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np

from drumkit_cli.io.arrays import Floats
from drumkit_cli.spectral.mel_config import MelConfig
from drumkit_cli.spectral.mel_spectrogram import FLOOR_DB, LEVELS_PER_DB, TOP_LEVEL, mel_blocks

MEL: Final = MelConfig(rate=22_050, window=1024, hop=220, fft=2048, mels=80, f_min=25.0)
FRAME_RATE: Final = MEL.rate / MEL.hop
"""Frames a second."""

PITCH_FRAMES: Final = 10
"""Frames in a frame of pitches."""
PITCH: Final = MelConfig(
    rate=MEL.rate,
    window=8192,
    hop=MEL.hop * PITCH_FRAMES,
    fft=16_384,
    mels=69,
    f_min=440 * 2 ** ((27 - 69) / 12),
    f_max=440 * 2 ** ((97 - 69) / 12),
    in_octaves=True,
)
"""A band a semitone, centred on the MIDI pitches 28 (a bass guitar's lowest string) to 96."""


def levels(power: Floats, config: MelConfig = MEL) -> Floats:
    """Levels 0..1 of power of any shape: -80 to +5 dB relative to a full-scale sine."""
    scaled = np.maximum(np.asarray(power, np.float32) / np.float32(config.full_scale), 1e-12)
    steps = (10 * np.log10(scaled) - FLOOR_DB) * LEVELS_PER_DB
    return np.asarray(np.clip(steps / TOP_LEVEL, 0, 1), np.float32)


def level_blocks(blocks: Iterable[Floats]) -> Iterator[Floats]:
    """Yield blocks of levels `[t, F]` of mono samples at `MEL.rate`, given as blocks `[n]`.

    Frame t is centred on sample t * hop. Memory is bounded by the longest block.
    """
    for power in mel_blocks(blocks, MEL):
        yield np.ascontiguousarray(levels(power).T)
