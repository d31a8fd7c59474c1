"""How samples are stored in WAV files; light, since the command line names it."""

from enum import StrEnum


class Encoding(StrEnum):
    """How a sample is stored in a WAV file."""

    FLOAT32 = "float32"
    PCM16 = "pcm16"
    PCM24 = "pcm24"
    PCM32 = "pcm32"
