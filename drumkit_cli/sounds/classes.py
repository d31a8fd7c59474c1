"""Names that the command line shares with the networks; reading them costs nothing."""

from enum import StrEnum
from typing import Final

PAPER_CLASSES: Final = (
    "kick", "clap", "snare", "open-hat", "closed-hat", "tambourine", "conga", "bongo", "shaker",
    "snap", "tom",
)  # fmt: skip
CLASSES: Final = (*PAPER_CLASSES, "ride", "crash", "cowbell", "rimshot")
"""The paper's eleven and the four that our data adds; a class is its place here."""


class Inverter(StrEnum):
    """What makes levels audible."""

    SPECTRAL = "spectral"
    MCNN = "mcnn"
    GRIFFIN_LIM = "griffin-lim"
