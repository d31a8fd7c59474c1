"""Drum maps for MIDI files that number their drums in another way: by name, or from a text file.

    # my sampler: MIDI pitch, then the drum
    36  kick
    43  snare
    52  closed hat

A drum is a name of General MIDI's percussion ("Acoustic Snare"), a common one (kick, snare,
rimshot, clap, closed hat, open hat, pedal hat, tom, crash, ride, ...) or the pitch that General
MIDI gives it. Pitches that are not listed are no drums.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, TypeVar

from drumkit_cli.errors import BadDataError, MissingInputError
from drumkit_cli.io.streams import open_input
from drumkit_cli.midi.drum_maps import DRUM_MAPS

DrumMap = Mapping[int, int]
"""Pitch in a file to the pitch of that drum in General MIDI."""

_Voice = TypeVar("_Voice")
_LINE: Final = re.compile(r"(\d{1,3})(?:\s*[=:,]\s*|\s+)(\S.*)", re.ASCII)
_QUOTED: Final = 20
"""How many characters of a wrong line messages quote."""
_COMMON_NAMES: Final = {
    "kick": 36,
    "bass drum": 36,
    "rim": 37,
    "rimshot": 37,
    "snare": 38,
    "clap": 39,
    "hat": 42,
    "hi hat": 42,
    "closed hat": 42,
    "floor tom": 43,
    "pedal hat": 44,
    "tom": 45,
    "open hat": 46,
    "mid tom": 47,
    "crash": 49,
    "ride": 51,
    "china": 52,
    "bell": 53,
    "splash": 55,
    "high bongo": 60,
    "bongo": 61,
    "high conga": 63,
    "conga": 64,
    "wood block": 76,
    "shaker": 82,
    "snap": 85,
}


def read_drum_map(text: str) -> DrumMap:
    """Return the map of that name, else the one in the text file of that name ("-": stdin).

    Raises:
        MissingInputError: neither a map nor a file.
        BadDataError: a line that maps no pitch to a drum, or a pitch twice; the message names it.
    """
    if text in DRUM_MAPS:
        return DRUM_MAPS[text]
    try:
        with open_input(text) as source:
            return _parse(source.read_bytes(), source.name)
    except MissingInputError as error:
        takes = f"--map takes {', '.join(DRUM_MAPS)} or a file of lines such as '36 kick'"
        raise MissingInputError(error.cause, takes) from error


def translate(voices: Mapping[int, _Voice], drum_map: DrumMap | None) -> Mapping[int, _Voice]:
    """Turn General MIDI pitches to voices into a file's pitches to voices; None changes nothing."""
    if drum_map is None:
        return voices
    return {pitch: voices[drum] for pitch, drum in drum_map.items() if drum in voices}


def _parse(data: bytes, name: str) -> DrumMap:
    """Read the text of a map; ``name`` is for messages."""
    try:
        lines = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise BadDataError(f"{name} is not UTF-8 text", "give lines such as '36 kick'") from error
    drum_map: dict[int, int] = {}
    for number, line in enumerate(lines, 1):
        content = line.partition("#")[0].strip()
        if not content:
            continue
        match = _LINE.fullmatch(content)
        pitch, drum = (int(match[1]), _drum(match[2])) if match else (-1, None)
        if drum is None or not 0 <= pitch < 128:
            raise BadDataError(
                f"{name}, line {number}: {content[:_QUOTED]!r} is no pitch and drum",
                "write lines such as '36 kick'",
            )
        if pitch in drum_map:
            raise BadDataError(f"{name}, line {number}: pitch {pitch} has a drum already")
        drum_map[pitch] = drum
    if not drum_map:
        raise BadDataError(f"{name} maps no pitch", "write lines such as '36 kick'")
    return MappingProxyType(drum_map)


def _drum(text: str) -> int | None:
    """The General MIDI pitch of a drum by its name or number; None for no drum."""
    if text.isdecimal():
        return int(text) if int(text) < 128 else None
    name = re.sub(r"[^a-z0-9]+", " ", text.lower()).strip()
    if name in _COMMON_NAMES:
        return _COMMON_NAMES[name]
    from pretty_midi import drum_name_to_note_number

    try:
        return int(drum_name_to_note_number(name))
    except ValueError:
        return None
