"""Instruments of sampler kits as voices: which plays which, what is out of reach, who ends whom."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from drumkit_cli.errors import BadDataError
from drumkit_cli.synth.kits.kit import Kit, KitVoice
from drumkit_cli.synth.kits.recordings import Recording, Recordings
from drumkit_cli.synth.kits.voices import VOICES
from drumkit_cli.synth.requests import GAIN_MAX_DB


@dataclass(frozen=True)
class Instrument:
    """What plays a voice.

    Attributes:
        takes: its recordings.
        pan: -1 (left) to 1 (right).
        group: its choke group; "" for none.
        ended_by: the group whose hits end it; "" for none.
    """

    takes: tuple[Recording, ...]
    pan: float = 0.0
    group: str = ""
    ended_by: str = ""


def kit_of(instruments: Mapping[str, Instrument], name: str) -> Kit:
    """A kit of instruments by voice, at their own levels; `name` is for messages.

    Raises:
        BadDataError: there are none, or a file is not there.
    """
    if not instruments:
        raise BadDataError(f"{name} has no drum that drumkit knows", f"such as {', '.join(VOICES)}")
    voices = {}
    for voice in (voice for voice in VOICES if voice in instruments):
        own = instruments[voice]
        for take in own.takes:
            if not Path(take.path).is_file():
                raise BadDataError(f"{name} names {take.path}, which is not there")
        enders = tuple(
            other
            for other, instrument in instruments.items()
            if own.ended_by and instrument.group == own.ended_by
        )
        voices[voice] = KitVoice(
            Recordings(own.takes),
            0.0,
            float(np.clip(own.pan, -1, 1)),
            enders or VOICES[voice].ended_by,
        )
    return Kit(voices)


def path_within(folder: Path, file: str, name: str) -> str:
    """The path of a file that a kit names, which lies in the kit's folder or below it.

    Raises:
        BadDataError: it does not; a kit may come from strangers.
    """
    relative = PurePosixPath(file.replace("\\", "/"))
    if relative.is_absolute() or ".." in relative.parts or ":" in file:
        raise BadDataError(f"{name} names {file}, outside its folder", "put its sounds below it")
    return str(folder / relative)


def decibels(gains: Iterable[float]) -> float:
    """The product of linear gains above 0, in dB within what a kit takes."""
    product = float(np.prod(list(gains)))
    return float(np.clip(20 * np.log10(max(product, 1e-9)), -GAIN_MAX_DB, GAIN_MAX_DB))
