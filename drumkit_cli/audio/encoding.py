"""How samples are stored in files, and in which; light, since the command line names it."""

from enum import StrEnum
from pathlib import Path
from typing import Final

AUDIO_SUFFIXES: Final = (".wav", ".flac", ".ogg", ".mp3")
"""Formats that can be written, by the ends of names."""


class Encoding(StrEnum):
    """How a sample is stored in a WAV file, or a FLAC file, which has 16 or 24 bits."""

    FLOAT32 = "float32"
    PCM16 = "pcm16"
    PCM24 = "pcm24"
    PCM32 = "pcm32"


def audio_suffix(path: str | None) -> str:
    """The one of `AUDIO_SUFFIXES` that the name of an output ends in; ".wav" for any other."""
    suffix = Path(path or "").suffix.lower()
    return suffix if suffix in AUDIO_SUFFIXES else ".wav"
