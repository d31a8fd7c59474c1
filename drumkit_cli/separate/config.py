"""Sizes of the built-in separator, which inference needs without PyTorch."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SeparatorConfig:
    """Sizes of the network.

    Attributes:
        sources: stems, in the order of the output.
        rate: sample rate, Hz.
        fft: STFT window in samples; the hop is a quarter.
        channels: channels of the first layer.
        growth: factor of the channels from layer to layer.
        depth: layers of the encoder, each of which divides the frequency axis by four.
        segment_seconds: length of the segments that it is run on.
    """

    sources: tuple[str, ...] = ("drums", "bass", "other", "vocals")
    rate: int = 22_050
    fft: int = 2048
    channels: int = 32
    growth: float = 1.75
    depth: int = 5
    segment_seconds: float = 10.0

    def __post_init__(self) -> None:
        if not (8000 <= self.rate <= 192_000 and 1 <= self.segment_seconds <= 600):
            raise ValueError("a rate or a segment that no separator has")
