"""Inputs that give latent codes: NPY arrays of codes, and sounds to encode."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from drumkit_cli.errors import BadDataError
from drumkit_cli.io.arrays import Floats, read_npy
from drumkit_cli.io.sniffing import Kind
from drumkit_cli.io.streams import Input, open_input
from drumkit_cli.sounds.codes import Code, from_array
from drumkit_cli.sounds.drum_synth import DrumSynth
from drumkit_cli.sounds.mel_image import MEL

_READ_SECONDS: Final = 2.0
"""How much of a sound is read: a second, after up to a second of silence."""


@dataclass(frozen=True)
class Source:
    """An input before weights are loaded: codes ``[n, Z + K]``, or mono samples ``[n]``."""

    name: str
    sha256: str
    content: Floats
    is_sound: bool

    def codes(self, synth: DrumSynth, sound: str | None = None) -> list[Code]:
        """The codes of the array, or the encoded sound, in the class `sound` or the best one.

        Raises:
            BadDataError: it is an array of other or of no codes, or a silent sound.
        """
        try:
            if self.is_sound:
                return [synth.encode(self.content, sound)]
            codes = from_array(self.content, synth.latent)
        except BadDataError as error:
            raise BadDataError(f"{self.name}: {error.cause}", error.remedy) from error
        if not codes:
            raise BadDataError(f"{self.name} holds no code")
        return codes

    def code(self, synth: DrumSynth, sound: str | None = None) -> Code:
        """The only code of the input.

        Raises:
            BadDataError: as `codes`, or it has several codes.
        """
        codes = self.codes(synth, sound)
        if len(codes) > 1:
            raise BadDataError(f"{self.name} holds {len(codes)} codes", "give a file of one code")
        return codes[0]


def read_code(path: str) -> Source:
    """Read an NPY array of codes.

    Raises:
        BadDataError: it is not an array of finite numbers.
    """
    with open_input(path) as source:
        return _array(source)


def read_sound(path: str) -> Source:
    """Read the start of an audio file, mixed to mono.

    Raises:
        BadDataError: it is not audio, or damaged.
    """
    with open_input(path) as source:
        return _sound(source)


def read_either(path: str) -> Source:
    """Read an array of codes or a sound, by its content.

    Raises:
        BadDataError: it is neither, or damaged.
    """
    with open_input(path) as source:
        return _array(source) if source.kind is Kind.NPY else _sound(source)


def _array(source: Input) -> Source:
    array = read_npy(source)
    if not np.isfinite(array).all():
        raise BadDataError(f"{source.name} holds NaN or infinite values")
    with np.errstate(over="ignore"):  # overflows become infinite and are refused as codes
        content = array.astype(np.float32)
    return Source(source.name, source.sha256(), content, is_sound=False)


def _sound(source: Input) -> Source:
    from drumkit_cli.audio.reader import AudioReader, resample

    with AudioReader(source) as reader:
        reader.check_finite()
        frames = max(round(_READ_SECONDS * reader.rate), 1)
        start = next(reader.blocks(frames), np.zeros((1, 0), np.float32))
        samples = resample(start.mean(0, keepdims=True), reader.rate, MEL.rate)[0]
    return Source(source.name, source.sha256(), samples, is_sound=True)
