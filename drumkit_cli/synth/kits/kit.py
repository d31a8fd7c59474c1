"""Kits: the sound, gain and pan position of every voice; drawn from a seed, saved as JSON."""

import json
import zlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from drumkit_cli.errors import BadDataError, UsageError
from drumkit_cli.io.arrays import Floats
from drumkit_cli.sounds.classes import CLASSES
from drumkit_cli.sounds.codes import LATENT_MAX, Code, classes_fault
from drumkit_cli.sounds.drum_synth import DrumSynth
from drumkit_cli.sounds.mel_image import to_power
from drumkit_cli.synth.kits.recordings import VELOCITIES, Recording, Recordings
from drumkit_cli.synth.kits.voices import VOICES
from drumkit_cli.synth.requests import GAIN_MAX_DB

FORMAT: Final = "drumkit-kit"
VERSION: Final = 1
_MAKES_ONE: Final = "drumkit synth --save-kit makes one"


@dataclass(frozen=True)
class KitVoice:
    """A voice.

    Attributes:
        sound: a code, or recordings.
        gain_db: gain.
        pan: position, -1 (left) to 1 (right).
        ended_by: voices whose hits end its sound.
    """

    sound: Code | Recordings
    gain_db: float
    pan: float
    ended_by: tuple[str, ...] = ()

    @property
    def takes(self) -> tuple[Recording, ...]:
        """Its recordings; () where it has a code."""
        return self.sound.takes if isinstance(self.sound, Recordings) else ()


@dataclass(frozen=True)
class Kit:
    """A kit.

    Attributes:
        voices: voices by name, all of `VOICES` or some of them.
        weights_sha256: SHA-256 of the weights that the codes belong to.
    """

    voices: Mapping[str, KitVoice] = field(default_factory=dict)
    weights_sha256: str = ""

    @property
    def codes(self) -> list[Code]:
        """The codes of the voices that have one."""
        return [v.sound for v in self.voices.values() if isinstance(v.sound, Code)]


def draw_kit(synth: DrumSynth, seed: int) -> Kit:
    """Draw a sound for every voice; voices of one class, such as toms, are ordered by pitch."""
    codes: dict[str, Code] = {}
    for sound in CLASSES:
        names = [name for name, voice in VOICES.items() if voice.sound == sound]
        if len(names) == 1:
            drawn = synth.space.sample(sound, 1, derived_seed(seed, sound))
        else:  # every second of twice as many sorted ones, so that they differ in pitch
            several = synth.space.sample(sound, 2 * len(names) + 1, derived_seed(seed, sound))
            heights = _heights(synth.levels(several))
            drawn = [several[place] for place in np.argsort(heights, kind="stable")[1::2]]
        codes |= zip(names, drawn, strict=True)
    voices = {n: KitVoice(codes[n], v.gain_db, v.pan, v.ended_by) for n, v in VOICES.items()}
    return Kit(voices, synth.weights_sha256)


def changed(
    kit: Kit,
    sounds: Mapping[str, Code | Recordings],
    gains_db: Mapping[str, float],
    pans: Mapping[str, float],
) -> Kit:
    """A kit with other sounds, gains and pan positions of some voices; a sound may add a voice.

    Raises:
        UsageError: a gain or pan position of a voice that the kit does not have.
    """
    voices = dict(kit.voices)
    for name, sound in sounds.items():
        usual = VOICES[name]
        before = voices.get(name) or KitVoice(sound, usual.gain_db, usual.pan, usual.ended_by)
        voices[name] = replace(before, sound=sound)
    require_voices(voices, [*gains_db, *pans])
    for name, gain_db in gains_db.items():
        voices[name] = replace(voices[name], gain_db=gain_db)
    for name, pan in pans.items():
        voices[name] = replace(voices[name], pan=pan)
    return replace(kit, voices=voices)


def require_voices(voices: Collection[str], wanted: Iterable[str]) -> None:
    """Raise UsageError if a wanted voice is missing."""
    for name in wanted:
        if name not in voices:
            raise UsageError(f"the kit has no {name}", f"--voice {name}=FILE gives it one")


def kit_text(kit: Kit, folder: Path | None = None) -> str:
    """A kit as JSON with one line for each voice; `read_kit` restores exactly the same kit.

    Recordings below the folder that the text is for are named relative to it, others from the root.
    """
    rows = [
        f"    {json.dumps(name)}: " + json.dumps(_record(name, voice, folder or Path()))
        for name, voice in kit.voices.items()
    ]
    head = f'  "{FORMAT}": {VERSION},\n  "weights": {json.dumps(kit.weights_sha256)},\n'
    return "{\n" + head + '  "voices": {\n' + ",\n".join(rows) + "\n  }\n}\n"


def read_kit(data: bytes, name: str) -> Kit:
    """Read a kit from JSON.

    Args:
        data: of the file.
        name: of the file, for messages; recordings are looked for relative to its folder.

    Raises:
        BadDataError: it is not a kit of this version, has invalid values, or codes of two sizes.
    """
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadDataError(f"{name} is not a kit, which is JSON", _MAKES_ONE) from error
    if not isinstance(content, dict) or FORMAT not in content:
        raise BadDataError(f"{name} is JSON but not a kit", _MAKES_ONE)
    if content[FORMAT] is True or content[FORMAT] != VERSION:
        raise BadDataError(
            f"{name} is a kit of version {content[FORMAT]}, not {VERSION}", _MAKES_ONE
        )
    records, weights = content.get("voices"), content.get("weights", "")
    if not isinstance(records, dict) or not isinstance(weights, str):
        raise BadDataError(f"{name} has no voices")
    voices = {}
    for voice, record in records.items():
        if voice not in VOICES:
            raise BadDataError(f"{name} has a voice {voice}", f"voices are {', '.join(VOICES)}")
        voices[voice] = _voice(voice, record, Path(name).parent, f"{name}: {voice}")
    kit = Kit(voices, weights)
    sizes = sorted({len(code.latent) for code in kit.codes})
    if len(sizes) > 1:
        raise BadDataError(f"{name} has codes of {sizes[0]} and of {sizes[1]} numbers")
    return kit


def derived_seed(seed: int, name: str) -> int:
    """An independent seed, derived from a seed by name."""
    return zlib.crc32(f"{seed} {name}".encode())


def _heights(levels: Floats) -> Floats:
    """Pitch heights ``[n]`` of levels ``[n, F, T]``: the mean mel band of their power."""
    power = to_power(levels).sum(2)  # [n, F]
    bands = np.arange(power.shape[1], dtype=np.float32)
    heights: Floats = (power @ bands) / np.maximum(power.sum(1), 1e-20)
    return heights


def _record(name: str, voice: KitVoice, folder: Path) -> dict[str, Any]:
    record: dict[str, Any] = {"gain_db": voice.gain_db, "pan": voice.pan}
    if voice.ended_by != VOICES[name].ended_by:
        record["ended_by"] = list(voice.ended_by)
    if isinstance(voice.sound, Recordings):
        return record | {"files": [_take_record(take, folder) for take in voice.sound.takes]}
    weights = zip(CLASSES, voice.sound.classes, strict=True)
    return record | {
        "classes": {name: _shortest(weight) for name, weight in weights if weight},
        "code": [_shortest(number) for number in voice.sound.latent],
    }


def _take_record(take: Recording, folder: Path) -> dict[str, Any]:
    path, home = Path(take.path).absolute(), folder.absolute()
    record: dict[str, Any] = {
        "path": str(path.relative_to(home) if path.is_relative_to(home) else path)
    }
    if (take.low, take.high) != VELOCITIES:
        record["velocities"] = [take.low, take.high]
    return record if take.gain_db is None else record | {"gain_db": take.gain_db}


def _shortest(number: np.float32) -> float:
    """The shortest decimal number that rounds to this float32."""
    return float(str(number))


def _voice(name: str, record: object, folder: Path, place: str) -> KitVoice:
    values: dict[str, Any] = record if isinstance(record, dict) else {}
    enders = values.get("ended_by", VOICES[name].ended_by)
    if not (isinstance(enders, list | tuple) and all(ender in VOICES for ender in enders)):
        raise BadDataError(f"{place}: ended_by is no list of voices")
    return KitVoice(
        _recordings(values["files"], folder, place) if "files" in values else _code(values, place),
        _number(values.get("gain_db", 0.0), -GAIN_MAX_DB, GAIN_MAX_DB, f"{place}: gain_db"),
        _number(values.get("pan", 0.0), -1, 1, f"{place}: pan"),
        tuple(enders),
    )


def _recordings(records: object, folder: Path, place: str) -> Recordings:
    takes = []
    for record in records if isinstance(records, list) else []:
        path = record.get("path") if isinstance(record, dict) else None
        if not (isinstance(path, str) and path):
            raise BadDataError(f"{place} has a file without a path")
        bounds = record.get("velocities", VELOCITIES)
        if not (isinstance(bounds, list | tuple) and len(bounds) == 2):
            raise BadDataError(f"{place}: velocities are not a lowest and a highest one")
        low, high = (int(_number(bound, *VELOCITIES, f"{place}: velocity")) for bound in bounds)
        gain_db = record.get("gain_db")
        if gain_db is not None:
            gain_db = _number(gain_db, -GAIN_MAX_DB, GAIN_MAX_DB, f"{place}: gain_db")
        takes.append(Recording(str(folder / path), low, high, gain_db))
    if not takes:
        raise BadDataError(f"{place} has no files")
    return Recordings(tuple(takes))


def _code(values: Mapping[str, Any], place: str) -> Code:
    classes, code = values.get("classes"), values.get("code")
    if not isinstance(classes, dict) or not isinstance(code, list) or not code:
        raise BadDataError(f"{place} lacks its classes or its code")
    if unknown := [name for name in classes if name not in CLASSES]:
        raise BadDataError(f"{place} has a class {unknown[0]}", f"classes are {', '.join(CLASSES)}")
    weights = np.zeros(len(CLASSES), np.float32)
    for name, weight in classes.items():
        weights[CLASSES.index(name)] = _number(weight, 0, 1, f"{place}: {name}")
    if fault := classes_fault(weights):
        raise BadDataError(f"{place}: {fault}")
    numbers = [_number(number, -LATENT_MAX, LATENT_MAX, f"{place}: code") for number in code]
    return Code(np.array(numbers, np.float32), weights)


def _number(value: object, least: float, most: float, place: str) -> float:
    """Check that a value is a number within bounds."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadDataError(f"{place} is no number")
    if not least <= value <= most:  # refuses NaN too
        raise BadDataError(f"{place} is not within {least:g} to {most:g}")
    return float(value)
