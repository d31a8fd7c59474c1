"""Hits and beats as a MIDI track."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.listening.hits import Hit
from drumkit_cli.listening.tempo_map import TICKS, empty_song, tempo_map
from drumkit_cli.midi.track import DRUM_CHANNEL, Note, Track

PITCHES: Final = (36, 38, 42, 46, 47, 49)
"""General MIDI's pitch of each voice: bass drum, snare, closed and open hi-hat, tom, crash."""
NOTE_TICKS: Final = TICKS // 8


def drum_track(
    hits: Sequence[Hit], beats: NDArray[np.floating], seconds: float, quantize: int | None = None
) -> Track:
    """A track of drum notes on channel 10, with the tempi and meters of the beats.

    Args:
        hits: in any order.
        beats: `[n, 2]`: seconds, number in the bar.
        seconds: length of the song, which the track gets.
        quantize: move hits to the nearest of so many parts of a whole note.
    """
    tempi = tempo_map(beats)
    clock = tempi.clock
    end = clock.ticks(seconds)
    loudest: dict[tuple[int, int], int] = {}  # by pitch and tick
    for hit in hits:
        tick = clock.ticks(hit.seconds)
        if quantize is not None:
            tick = round(round(tick * quantize / (4 * TICKS)) * 4 * TICKS / quantize)
        place = (PITCHES[hit.voice], max(min(tick, end - 1), 0))
        loudest[place] = max(loudest.get(place, 0), midi_velocity(hit.velocity))
    notes: list[Note] = []
    places = sorted(loudest)
    for number, (pitch, tick) in enumerate(places, 1):
        following = places[number] if number < len(places) else (0, 0)
        room = following[1] if following[0] == pitch else end
        length = max(min(NOTE_TICKS, room - tick), 1)
        velocity = loudest[pitch, tick]
        notes.append(Note(0.0, 0.0, pitch, velocity, DRUM_CHANNEL, 0, True, tick, length))
    track = empty_song(tempi, end, "drums")
    return track.with_notes(notes)


def midi_velocity(velocity: float) -> int:
    """1..127 of a velocity of 0..1."""
    return min(max(round(velocity * 127), 1), 127)
