"""Requests to `drumkit synth`: single sounds, or a kit to play, with defaults and early checks."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from drumkit_cli.audio.encoding import Format
from drumkit_cli.errors import UsageError
from drumkit_cli.io.outputs import Destination
from drumkit_cli.io.streams import STDIN_NAME
from drumkit_cli.midi.drum_maps import DRUM_MAPS
from drumkit_cli.synth.kits.voices import VOICES

GAIN_MAX_DB: Final = 60.0
HUMANIZE: Final = 0.1
LENGTH_MAX_SECONDS: Final = 86_400.0
ONE_SHOT_MAX_SECONDS: Final = 60.0
STEPS: Final = 8
"""Default number of steps of a morph, both ends included."""


@dataclass(frozen=True)
class OneShots:
    """A request for single sounds; at most one of `controls`, `z`, `sample` and `ends` is given.

    Attributes:
        sound: name of the class; None where the source determines it.
        controls: P1, P2, P3 in the class.
        z: path of a file of codes.
        sample: path of a sound to encode.
        ends: paths of two sounds or codes to morph between.
        number: number of sounds, variations or steps; None for the default.
        vary: amount of variation; None for none.
        velocity: 0..1.
        as_codes: write an array of codes, not sounds.
    """

    sound: str | None
    controls: tuple[float, float, float] | None
    z: str | None
    sample: str | None
    ends: tuple[str, str] | None
    number: int | None
    vary: float | None
    velocity: float
    as_codes: bool

    @property
    def count(self) -> int | None:
        """Number of sounds; None where a file of codes determines it."""
        if self.ends is not None:
            return self.number or STEPS
        return None if self.z is not None else self.number or 1

    @property
    def files(self) -> list[str]:
        """Paths of the inputs."""
        return [path for path in (self.z, self.sample, *(self.ends or ())) if path is not None]

    @property
    def name(self) -> str:
        """Name that outputs in a folder are derived from."""
        if self.ends is not None:
            return "-to-".join("stdin" if end == "-" else Path(end).stem for end in self.ends)
        name = next(iter(self.files), self.sound or "")
        return STDIN_NAME if name == "-" else name

    def destination(self, output: str | None, form: Format, count: int | None) -> Destination:
        """Return where so many sounds go (None: a number that is not known yet).

        Raises:
            UsageError: several sounds without a folder, or a place that is not for them.
            OutputError: the output cannot be made.
        """
        destination = Destination(
            output, ".npy" if self.as_codes else form.suffix, "{song}-{number}"
        )
        if not (self.as_codes or destination.is_folder) and (count or 1) > 1:
            raise UsageError(f"{count} sounds need a folder", "-o DIR, or their codes: -o FILE.npy")
        fields = [{"number": str(number)} for number in range(1, (count or 1) + 1)]
        destination.check([self.name], *fields, references=self.files)
        return destination


@dataclass(frozen=True)
class KitChoice:
    """The kit to play: a saved one or one drawn from the seed, with changes of voices.

    Attributes:
        path: of a kit: a file, or a folder of sounds.
        save_path: file to save the kit to.
        sounds: voice to its layers from soft to hard, each the paths of sounds that take turns; or
            to the path of a code alone.
        gains_db, pans: voice to value.
        humanize: amount, 0..1, by which hits vary.
    """

    path: str | None
    save_path: str | None
    sounds: Mapping[str, Sequence[Sequence[str]]]
    gains_db: Mapping[str, float]
    pans: Mapping[str, float]
    humanize: float

    @classmethod
    def parse(
        cls,
        path: str | None,
        save_path: str | None,
        sounds: Sequence[str],
        gains: Sequence[str],
        pans: Sequence[str],
        humanize: float,
    ) -> Self:
        """Parse the options of the command line.

        Raises:
            UsageError: there is no such voice, or a value is not a number within its bounds.
        """
        return cls(
            path,
            save_path,
            _layers("--voice", sounds),
            _numbers("--gain", gains, GAIN_MAX_DB),
            _numbers("--pan", pans, 1.0),
            humanize,
        )

    @property
    def files(self) -> list[str]:
        """Paths of the inputs, but for a folder."""
        kit = [] if self.path is None or Path(self.path).is_dir() else [self.path]
        paths = [path for layers in self.sounds.values() for layer in layers for path in layer]
        return [*kit, *paths]

    def destination(
        self, inputs: Sequence[str], output: str | None, form: Format, drum_map: str | None
    ) -> Destination:
        """Return where the songs go.

        Raises:
            UsageError: stdin twice, or an output that overwrites an input or is no kit.
            OutputError: an output cannot be made.
        """
        references = self.files
        if drum_map is not None and drum_map not in DRUM_MAPS:
            references.append(drum_map)
        if [*inputs, *references].count("-") > 1:
            raise UsageError("stdin (-) can be read only once")
        destination = Destination(output, form.suffix)
        destination.check(inputs, references=references)
        if self.save_path is not None:
            saving = Destination(self.save_path, ".json")
            if saving.is_folder or self.save_path == "-":
                raise UsageError("a kit is saved as a file", "--save-kit NAME.json")
            saving.check([], references=[*references, *inputs])
        return destination


def _by_voice(option: str, texts: Sequence[str]) -> list[tuple[str, str]]:
    found = []
    for text in texts:
        voice, equals, value = text.partition("=")
        if not (equals and value):
            raise UsageError(f"{option} {text} is not VOICE=VALUE")
        if voice not in VOICES:
            raise UsageError(f"{option}: no voice {voice}", f"one of {', '.join(VOICES)}")
        found.append((voice, value))
    return found


def _layers(option: str, texts: Sequence[str]) -> dict[str, list[list[str]]]:
    """The layers of each voice: paths with commas between; further texts of it take turns."""
    found: dict[str, list[list[str]]] = {}
    for voice, text in _by_voice(option, texts):
        paths = [text] if Path(text).exists() else text.split(",")
        if "" in paths:
            raise UsageError(f"{option} {voice}={text} has an empty name")
        layers = found.setdefault(voice, [[] for _ in paths])
        if len(layers) != len(paths):
            raise UsageError(
                f"{option} {voice}={text} has {len(paths)} layers and the first {len(layers)}",
                "sounds that take turns have as many",
            )
        for layer, path in zip(layers, paths, strict=True):
            layer.append(path)
    return found


def _numbers(option: str, texts: Sequence[str], most: float) -> dict[str, float]:
    numbers = {}
    for voice, text in _by_voice(option, texts):
        try:
            numbers[voice] = float(text)
        except ValueError as error:
            raise UsageError(f"{option} {voice}={text}: {text!r} is no number") from error
        if not (math.isfinite(numbers[voice]) and abs(numbers[voice]) <= most):
            raise UsageError(f"{option} {voice}={text} is not within -{most:g} and {most:g}")
    return numbers
