"""SFZ instruments as kits: samples, keys, velocity ranges, turns, levels and choke groups.

The opcodes are those of https://sfzformat.com/opcodes/; others are passed over.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from drumkit_cli.errors import BadDataError
from drumkit_cli.midi.drum_maps import DRUM_PITCHES
from drumkit_cli.synth.kits.instruments import Instrument, kit_of, path_within
from drumkit_cli.synth.kits.kit import Kit
from drumkit_cli.synth.kits.recordings import VELOCITIES, Recording
from drumkit_cli.synth.kits.voices import VOICES
from drumkit_cli.synth.requests import GAIN_MAX_DB

_COMMENT: Final = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_TOKEN: Final = re.compile(r"<(\w+)>|([\w$]+)=([^\n<]*?)(?=\s+[\w$]+=|\s*(?:<|\n|$))")
_NOTE: Final = re.compile(r"([a-g])([#b]?)(-?\d)")
_STEPS: Final = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
_LEVELS: Final = ("global", "master", "group", "region")
"""Headers from the outermost on: each hands its opcodes to those within."""


def read_sfz(data: bytes, folder: Path, name: str) -> Kit:
    """Read an instrument whose files lie in a folder; `name` is for messages.

    A voice plays the regions of one key, the first of its keys that has some.

    Raises:
        BadDataError: it is not of this kind, or a file lies elsewhere or is not there.
    """
    text = _COMMENT.sub("", data.decode("utf-8-sig", "replace").replace("\r", "\n"))
    if match := re.search(r"^\s*#(include|define)\b", text, re.MULTILINE):
        raise BadDataError(f"{name} has #{match[1]}, which drumkit does not read")
    regions = [region for region in _regions(text) if region.get("sample")]
    found = {}
    for voice in VOICES:
        for pitch in _keys(voice):
            own = [region for region in regions if _plays(region, pitch, name)]
            if own:
                takes = tuple(_take(region, folder, name) for region in own)
                first = own[0]
                found[voice] = Instrument(
                    takes,
                    _number(first, "pan", 0, name) / 100,
                    first.get("group", ""),
                    first.get("off_by", ""),
                )
                break
    return kit_of(found, name)


def _keys(voice: str) -> list[int]:
    """The MIDI pitches of a voice, those of General MIDI first, of two kicks the usual one."""
    return sorted(DRUM_PITCHES[voice], key=lambda pitch: (not 35 <= pitch <= 81, pitch == 35))


def _regions(text: str) -> Iterator[Mapping[str, str]]:
    """The opcodes of each region, those of its groups included."""
    levels: dict[str, dict[str, str]] = {level: {} for level in _LEVELS}
    control: dict[str, str] = {}
    current: dict[str, str] | None = None
    is_region = False
    for header, opcode, value in _TOKEN.findall(text):
        if not header:
            if current is not None:
                current[opcode.lower()] = value.strip()
            continue
        if is_region:
            yield _joined(control, levels)
        header = header.lower()
        is_region = header == "region"
        if header in levels:
            for level in _LEVELS[_LEVELS.index(header) :]:
                levels[level] = {}
            current = levels[header]
        else:
            current = control if header == "control" else None
    if is_region:
        yield _joined(control, levels)


def _joined(control: Mapping[str, str], levels: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    region = {key: value for level in _LEVELS for key, value in levels[level].items()}
    if "sample" in region:
        region["sample"] = control.get("default_path", "") + region["sample"]
    return region


def _plays(region: Mapping[str, str], pitch: int, name: str) -> bool:
    """Whether a region is struck by a key; not those that sound when it is let go."""
    if region.get("trigger", "attack") != "attack" or "*" in region["sample"]:
        return False
    low, high = (
        _key(region.get(bound, region.get("key", rest)), name)
        for bound, rest in (("lokey", "0"), ("hikey", "127"))
    )
    return low <= pitch <= high


def _key(text: str, name: str) -> int:
    """A MIDI pitch by number or by name, c4 being 60."""
    if match := _NOTE.fullmatch(text.lower()):
        letter, sign, octave = match.groups()
        return 12 * (int(octave) + 1) + _STEPS[letter] + {"#": 1, "b": -1, "": 0}[sign]
    try:
        return int(text)
    except ValueError as error:
        raise BadDataError(f"{name}: {text[:20]!r} is no key") from error


def _take(region: Mapping[str, str], folder: Path, name: str) -> Recording:
    softest, hardest = VELOCITIES
    low, high = _number(region, "lovel", 0, name), _number(region, "hivel", hardest, name)
    volume = _number(region, "volume", 0, name)
    return Recording(
        path_within(folder, region["sample"], name),
        min(max(int(low), softest), hardest),
        min(max(int(high), softest), hardest),
        min(max(volume, -GAIN_MAX_DB), GAIN_MAX_DB),
    )


def _number(region: Mapping[str, str], opcode: str, default: float, name: str) -> float:
    text = region.get(opcode, "")
    try:
        number = float(text) if text else default
    except ValueError as error:
        raise BadDataError(f"{name}: {opcode}={text[:20]} is no number") from error
    if not abs(number) < 1e6:  # nor is NaN
        raise BadDataError(f"{name}: {opcode}={number} is out of range")
    return number
