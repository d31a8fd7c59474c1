"""Kinds and sizes of the networks, without PyTorch."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal


class Model(StrEnum):
    """The kinds of generator."""

    CYCLEGAN = "cyclegan"
    PIX2PIX = "pix2pix"


WEIGHTS: Final = {Model.CYCLEGAN: "arrange", Model.PIX2PIX: "arrange-pix2pix"}
"""Names of the weights of each."""


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of the networks; the defaults are the paper's.

    ``width`` is the generator's number of channels at full resolution, ``discriminator_width`` the
    discriminator's, ``blocks`` the number of residual blocks, ``fold`` the
    number of mel bins folded into channels, and ``context`` whether the generator gets heights and
    long convolutions. With ``metre`` the networks get beats and bars, and the generator makes bars
    alike. ``frames`` is the length of the windows that inference translates. ``shelves_db`` are
    the gains below 150 Hz and above 6 kHz that give the drums the balance of real ones, as measured
    in validation. ``generator`` is "resnet", CycleGAN's, or "unet", that of Pix2Pix, which has no
    ``blocks``.
    """

    width: int = 64
    blocks: int = 9
    fold: int = 1
    context: bool = False
    discriminator_width: int = 64
    metre: bool = False
    frames: int = 256
    shelves_db: tuple[float, float] = (0.0, 0.0)
    generator: Literal["resnet", "unet"] = "resnet"

    @property
    def model(self) -> Model:
        """The model whose generator it is."""
        return Model.PIX2PIX if self.generator == "unet" else Model.CYCLEGAN
