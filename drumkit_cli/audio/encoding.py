"""How samples are stored in files, and in which; light, since the command line names it."""

from enum import StrEnum
from pathlib import Path
from typing import Final

from drumkit_cli.errors import UsageError

MP3_RATES: Final = (8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)


class Encoding(StrEnum):
    """How a sample is stored in a WAV file, or a FLAC file, which has 16 or 24 bits."""

    FLOAT32 = "float32"
    PCM16 = "pcm16"
    PCM24 = "pcm24"
    PCM32 = "pcm32"


class Format(StrEnum):
    """A format that sound is written in."""

    WAV = "wav"
    FLAC = "flac"
    OGG = "ogg"
    MP3 = "mp3"

    @property
    def suffix(self) -> str:
        """The end of the names of its files."""
        return f".{self}"

    def keeps_levels(self, encoding: Encoding) -> bool:
        """Whether samples beyond full scale are kept as they are."""
        return self is Format.WAV and encoding is Encoding.FLOAT32

    def require_rate(self, rate: int) -> None:
        """Refuse a rate that the format does not have.

        Raises:
            UsageError: it is MP3, and the rate is none of `MP3_RATES`.
        """
        if self is Format.MP3 and rate not in MP3_RATES:
            raise UsageError(f"MP3 has no rate of {rate} Hz", "name another --rate or format")


AUDIO_SUFFIXES: Final = tuple(known.suffix for known in Format)
"""The ends of names of files that sound is written to."""


def format_of(path: str | None, chosen: Format | None = None) -> Format:
    """The format of an output: the one that is chosen, or that its name says, else WAV.

    Args:
        path: name of a file or folder, or of files; None for stdout.
        chosen: the value of ``--format``.

    Raises:
        UsageError: the name says another format than the one that is chosen.
    """
    suffix = Path(path or "").suffix.lower()
    named = Format(suffix[1:]) if suffix in AUDIO_SUFFIXES else None
    if chosen and named and named is not chosen:
        raise UsageError(f"{path} is not the name of a {chosen.upper()} file", f"--format {named}")
    return chosen or named or Format.WAV
