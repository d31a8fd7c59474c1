"""Sizes of the ear's network, and what it tells of a frame."""

from dataclasses import dataclass
from typing import Final

from drumkit_cli.listening.voices import VOICES

OUTPUTS: Final = (*VOICES, "beat", "downbeat")
SLOW: Final = 4
"""Frames in a step of the slow stack."""


@dataclass(frozen=True)
class EarConfig:
    """Sizes of the network.

    Attributes:
        mels: mel bands F of the input.
        channels: of the layers over frequency, each of which halves it.
        width: channels of the fast stack.
        layers: of the fast stack; the dilation doubles from layer to layer.
        slow_width: channels of the slow stack.
        slow_layers: of the slow stack.
        thresholds: activation from which on a peak is a hit, of each voice.
        bars: width of the network of bars; 0 where the ear itself tells downbeats.
    """

    mels: int = 80
    channels: tuple[int, ...] = (24, 32, 48)
    width: int = 152
    layers: int = 6
    slow_width: int = 96
    slow_layers: int = 7
    thresholds: tuple[float, ...] = (0.5,) * len(VOICES)
    bars: int = 0

    def __post_init__(self) -> None:
        """Check what the arrays depend on."""
        if len(self.thresholds) != len(VOICES) or not 0 < self.slow_layers < 12:
            raise ValueError("thresholds of other voices, or more layers than any ear has")

    @property
    def reach_frames(self) -> int:
        """How many frames before and after a frame bear on it, rounded up to steps of `SLOW`."""
        reach = len(self.channels) + (1 << self.layers) + (SLOW << self.slow_layers)
        return -(-reach // SLOW) * SLOW
