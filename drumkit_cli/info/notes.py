"""Facts of MIDI files: time, tracks and drums."""

from collections import Counter
from itertools import pairwise
from typing import Any

from drumkit_cli import console
from drumkit_cli.info.origin import provenance_facts
from drumkit_cli.io.streams import Input
from drumkit_cli.midi.clock import DEFAULT_TEMPO
from drumkit_cli.midi.drum_maps import drum_name
from drumkit_cli.midi.drum_parts import find_drums
from drumkit_cli.midi.files import read_midi
from drumkit_cli.midi.messages import text_of
from drumkit_cli.midi.track import Track, events_of


def midi_facts(source: Input) -> dict[str, Any]:
    """Return format, resolution, length, tempi, meters, tracks, drums and provenance.

    Raises:
        BadDataError: as `read_midi`.
    """
    track = read_midi(source.read_bytes(), source.name)
    rate = track.clock.ticks_per_second
    texts = [text_of(event.message.text) for event in events_of(track.parts, "text")]
    return {
        "kind": "midi",
        "format": track.format,
        "ticks_per_quarter": None if rate else track.division,
        "ticks_per_second": rate or None,
        "seconds": track.seconds,
        **_tempo_facts(track),
        "meters": [
            {"meter": f"{numerator}/{denominator}", "seconds": track.clock.seconds(tick)}
            for tick, numerator, denominator in track.meters
        ],
        "notes": len(track.notes),
        "tracks": _track_facts(track),
        "drums": _drum_facts(track, source.name),
        "provenance": provenance_facts(texts),
    }


def _tempo_facts(track: Track) -> dict[str, Any]:
    """Return the first tempo, the slowest, the fastest, and how often it changes."""
    tempi = [tempo.microseconds_per_quarter for tempo in track.tempi]
    if not track.tempi or track.tempi[0].tick:
        tempi.insert(0, DEFAULT_TEMPO)
    return {
        "tempo_bpm": 60e6 / tempi[0],
        "tempo_min_bpm": 60e6 / max(tempi),
        "tempo_max_bpm": 60e6 / min(tempi),
        "tempo_changes": sum(after != before for before, after in pairwise(tempi)),
    }


def _track_facts(track: Track) -> list[dict[str, Any]]:
    """Return name, channels from 1, programs from 0 without those of drums, and notes."""
    facts = []
    for index, part in enumerate(track.parts):
        notes = [note for note in track.notes if note.part == index]
        facts.append(
            {
                "name": part.name,
                "channels": sorted({note.channel + 1 for note in notes}),
                "programs": sorted({note.program for note in notes if not note.drum}),
                "notes": len(notes),
            }
        )
    return facts


def _drum_facts(track: Track, name: str) -> list[dict[str, Any]]:
    """Return pitch, name and hits of each drum; which notes are drums is told where it may vary."""
    drums = find_drums(track)
    if drums.remark:
        console.info(f"{name}: {drums.remark}")
    counts = sorted(Counter(note.pitch for note in drums.notes).items())
    return [{"pitch": pitch, "name": drum_name(pitch), "hits": hits} for pitch, hits in counts]
