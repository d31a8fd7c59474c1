"""Sizes of the networks of the drum synthesiser, as weights files keep them."""

from dataclasses import dataclass, field

from drumkit_cli.sounds.classes import CLASSES
from drumkit_cli.sounds.mel_image import FRAMES, MEL

KERNEL, STRIDE, PADDING = (11, 5), (3, 2), (5, 2)


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of the autoencoder.

    Attributes:
        channels: channels of the encoder's three convolutions; reversed in the decoder.
        dense: widths of the dense layers before the latent code (1024 and 512 in the paper).
        latent: Z, size of a latent code (64).
        dropout: dropout probability after dense layers.
        bins: F, height of the image.
        frames: T, length of the image.
        classes: K, number of classes.
    """

    channels: tuple[int, int, int] = (8, 24, 16)
    dense: tuple[int, int] = (640, 320)
    latent: int = 64
    dropout: float = 0.1
    bins: int = MEL.mels
    frames: int = FRAMES
    classes: int = len(CLASSES)

    @property
    def sizes(self) -> tuple[tuple[int, int], ...]:
        """Height and length of the image before and after each convolution."""
        sizes = [(self.bins, self.frames)]
        for _ in self.channels:
            height, length = sizes[-1]
            sizes.append((-(-height // STRIDE[0]), -(-length // STRIDE[1])))
        return tuple(sizes)

    @property
    def flat(self) -> int:
        """Number of outputs of the last convolution."""
        height, length = self.sizes[-1]
        return self.channels[-1] * height * length


@dataclass(frozen=True)
class InverterConfig:
    """Sizes of the inverter.

    Attributes:
        channels: channels of its network.
        refinements: initial iterations of Griffin-Lim.
        corrections: rounds that correct bands after them, with one iteration between rounds.
    """

    channels: int = 16
    refinements: int = 3
    corrections: int = 2

    def __post_init__(self) -> None:
        if not (0 <= self.refinements <= 1000 and 0 <= self.corrections <= 1000):
            raise ValueError("more iterations than any inverter takes")


@dataclass(frozen=True)
class SynthConfig:
    """The config of a weights file of the synthesiser: its networks, and the classes they know."""

    model: ModelConfig = field(default_factory=ModelConfig)
    inverter: InverterConfig = field(default_factory=InverterConfig)
    classes: tuple[str, ...] = CLASSES

    def __post_init__(self) -> None:
        if self.classes != CLASSES:
            raise ValueError("classes that this drumkit does not have")
