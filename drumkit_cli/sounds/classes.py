"""The classes of drum sounds and the kinds of inverters, by name; imports nothing heavy."""

from enum import StrEnum
from typing import Final

PAPER_CLASSES: Final = (
    "kick", "clap", "snare", "open-hat", "closed-hat", "tambourine", "conga", "bongo", "shaker",
    "snap", "tom",
)  # fmt: skip
CLASSES: Final = (*PAPER_CLASSES, "ride", "crash", "cowbell", "rimshot")
"""The paper's eleven classes and four more of our data; elsewhere a class is its index here."""


class Inverter(StrEnum):
    """How spectrograms are inverted to samples."""

    SPECTRAL = "spectral"
    MCNN = "mcnn"
    GRIFFIN_LIM = "griffin-lim"
