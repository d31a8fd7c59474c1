"""Sizes of the grader's network, and the order of its features."""

from dataclasses import dataclass
from typing import Final

from drumkit_cli.grading.buckets import BUCKETS
from drumkit_cli.grading.features import ALONE, OF_BASS, OF_REFERENCE
from drumkit_cli.spectral.onsets import MEL

CONTEXTS: Final = ("alone", "reference", "bass", "reference and bass")
"""What is given besides the drums; each has a regression of its own."""


@dataclass(frozen=True)
class GraderConfig:
    """Sizes of the network.

    Attributes:
        channels: of the layers, each of which halves the image; the first quarters its bins.
    """

    channels: tuple[int, ...] = (16, 32, 48, 64)

    def __post_init__(self) -> None:
        """Check what the arrays depend on."""
        if not 0 < len(self.channels) < 7:
            raise ValueError("more layers than an image has room for")

    @property
    def features(self) -> int:
        """Number of features D of the regressions."""
        return sum(self.counts)

    @property
    def counts(self) -> tuple[int, int, int]:
        """Number of features of the drums alone, beside a reference, and beside a bass."""
        width = sum(self.channels)
        alone = len(self.channels) + width + len(ALONE)
        return alone, width + MEL.mels + len(OF_REFERENCE), len(OF_BASS)


def context_of(has_reference: bool, has_bass: bool) -> int:
    """The number in `CONTEXTS` of what is given."""
    return has_reference + 2 * has_bass


VALUES: Final = tuple((bucket.low + bucket.high) / 2 for bucket in BUCKETS)
"""The grade of each bucket before any is fitted."""
