"""The inputs of the command: templates, and what `--like` names."""

from dataclasses import dataclass
from typing import NamedTuple

from drumkit_cli import console
from drumkit_cli.errors import BadDataError
from drumkit_cli.groove.inputs.groove_file import GrooveTable, is_groove, read_groove
from drumkit_cli.groove.inputs.template import Template, template_of
from drumkit_cli.io.sniffing import Kind
from drumkit_cli.io.streams import open_input
from drumkit_cli.midi.map_file import DrumMap
from drumkit_cli.midi.selection import WHOLE, Selection
from drumkit_cli.patterns.grid import name_unknown
from drumkit_cli.patterns.names import shipped_pattern
from drumkit_cli.patterns.songs import Song, read_song, song_of


@dataclass(frozen=True)
class Likeness:
    """What `--like` named: a performance that the model hears, or a table that is imposed."""

    groove: Template | GrooveTable
    sha256: str


class SongTemplate(NamedTuple):
    """A template, the name of its song, and the SHA-256 of that song's file."""

    template: Template
    name: str
    sha256: str


def read_song_template(
    name: str, part: Selection = WHOLE, drum_map: DrumMap | None = None
) -> SongTemplate:
    """Read a part of a song or a pattern as a template, and tell what is remarkable about it.

    Raises:
        DrumkitError: as `read_song` and `template_of`.
    """
    return _template(read_song(name, part, drum_map), drum_map)


def read_likeness(name: str, drum_map: DrumMap | None) -> Likeness:
    """Read what `--like` names: a groove as text, MIDI, or a pattern that ships.

    Raises:
        BadDataError: neither MIDI nor a groove.
        DrumkitError: as `read_song` and `template_of`.
    """
    if shipped_pattern(name) is not None:
        return Likeness(read_song_template(name, WHOLE, drum_map).template, "")
    with open_input(name) as source:
        data = source.read_bytes()
        if is_groove(data):
            return Likeness(read_groove(data, source.name), source.sha256())
        if source.kind is not Kind.MIDI:
            raise BadDataError(
                f"{source.name} is neither MIDI nor a groove", "drumkit groove --extract makes one"
            )
        song = song_of(source, WHOLE, drum_map)
        return Likeness(_template(song, drum_map).template, song.sha256)


def _template(song: Song, drum_map: DrumMap | None) -> SongTemplate:
    template = template_of(song.track, song.name, drum_map)
    for remark in template.remarks:
        console.warn(f"{song.name}: {remark}")
    if template.unknown:
        unknown = name_unknown(template.unknown, drum_map)
        console.detail(f"{song.name}: left as they are: {unknown}")
    return SongTemplate(template, song.name, song.sha256)
