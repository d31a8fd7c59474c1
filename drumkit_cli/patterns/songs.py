"""Songs and patterns to read: MIDI files and patterns that ship, or a part of them."""

from typing import NamedTuple

from drumkit_cli.io.sniffing import Kind
from drumkit_cli.io.streams import Input, open_input
from drumkit_cli.midi.excerpts import select
from drumkit_cli.midi.files import read_midi
from drumkit_cli.midi.map_file import DrumMap
from drumkit_cli.midi.selection import WHOLE, Selection
from drumkit_cli.midi.track import Track
from drumkit_cli.patterns import composer
from drumkit_cli.patterns.drum_file import drum_track
from drumkit_cli.patterns.genres import GENRES
from drumkit_cli.patterns.names import shipped_pattern, told_of_patterns


class Song(NamedTuple):
    """What was read: its name, the SHA-256 of its file ("" of a pattern that ships), the track."""

    name: str
    sha256: str
    track: Track


def read_song(name: str, selection: Selection = WHOLE, drum_map: DrumMap | None = None) -> Song:
    """Read a MIDI file, stdin for "-", or a pattern that ships by its name, or a part of one.

    Args:
        name: as `shipped_pattern` takes it.
        selection: the part.
        drum_map: what the pitches of a file are; None: General MIDI.

    Raises:
        UsageError: no pattern of that number; measures that are not there.
        MissingInputError: neither a file nor a pattern.
        BadDataError: not MIDI; none of the drums that are chosen.
    """
    shipped = shipped_pattern(name)
    if shipped is None:
        with told_of_patterns(name), open_input(name) as source:
            return song_of(source, selection, drum_map)
    velocities = composer.compose(*shipped)
    track = drum_track([(velocities, None)], GENRES[shipped[0]].tempo_bpm)
    return Song(name, "", select(track, selection, name))


def song_of(source: Input, selection: Selection, drum_map: DrumMap | None = None) -> Song:
    """Read an open MIDI file, as `read_song`."""
    source.require(Kind.MIDI, "MIDI", "give a MIDI file")
    track = read_midi(source.read_bytes(), source.name)
    return Song(source.name, source.sha256(), select(track, selection, source.name, drum_map))
