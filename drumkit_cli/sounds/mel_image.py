"""Log-mel images of drum sounds: one second of samples as levels ``[F, T]`` of 80 dB."""

from typing import Final

import numpy as np

from drumkit_cli.io.arrays import Floats
from drumkit_cli.spectral.mel_config import PRESETS
from drumkit_cli.spectral.mel_spectrogram import mel_power

MEL: Final = PRESETS["synth"]
LENGTH: Final = 22_050
"""Samples of a sound: one second."""
FRAMES: Final = MEL.frames(LENGTH)
FLOOR_DB: Final = -80.0
"""Power of level 0, in dB relative to a full-scale sine, which has level 1."""


def levels_of(samples: Floats) -> Floats:
    """Levels ``[..., F, T]``, from 0 to a little above 1, of samples ``[..., N]``."""
    return to_levels(mel_power(samples, MEL))


def to_levels(power: Floats) -> Floats:
    """Power of any shape to levels, decibels scaled so that 0 is `FLOOR_DB` or less."""
    floor = np.float32(10 ** (FLOOR_DB / 10))
    relative = np.maximum(power / np.float32(MEL.full_scale), floor)
    levels: Floats = np.log10(relative) * np.float32(-10 / FLOOR_DB) + np.float32(1)
    return levels


def to_power(levels: Floats) -> Floats:
    """Levels of any shape to power; 0 becomes silence."""
    power = 10 ** ((levels - 1) * (-FLOOR_DB / 10)) * MEL.full_scale
    return np.where(levels <= 0, 0, power).astype(np.float32)
