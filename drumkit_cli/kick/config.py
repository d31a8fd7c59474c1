"""Sizes of the networks, and what their curves are read by."""

from dataclasses import dataclass
from typing import Final

THRESHOLD: Final = 0.25
"""Share of a curve's maximum below which a peak is no hit."""


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of the networks.

    Attributes:
        channels: output channels of the layers of U and V, of kernel 2; the dilation doubles.
        apart: layers of U that keep the inputs apart.
        codes: output channels of the layers of W, of kernel 1; the last is the size Q of a code.
        discriminator: channels of the discriminator's layers but the last, which gives one.
    """

    channels: tuple[int, ...] = (32, 32, 64, 64, 64, 128, 128, 256)
    apart: int = 6
    codes: tuple[int, ...] = (128, 128, 64, 32, 32, 16)
    discriminator: tuple[int, ...] = (256, 128, 64, 64)

    def __post_init__(self) -> None:
        """Check what the arrays depend on."""
        if not self.codes or not 0 < len(self.channels) <= 12:
            raise ValueError("no codes, or more layers than any network has")

    @property
    def code_size(self) -> int:
        """Q, the numbers in a code."""
        return self.codes[-1]

    @property
    def reach_frames(self) -> int:
        """How many frames before and after a frame bear on it."""
        return 1 << len(self.channels)
