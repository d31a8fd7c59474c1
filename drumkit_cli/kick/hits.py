"""Kick hits as notes and as sound, and how alike two kick tracks are."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from drumkit_cli.io.arrays import Floats
from drumkit_cli.kick.curves import Times
from drumkit_cli.midi.drum_maps import KICK_PITCHES, VOICE_PITCHES
from drumkit_cli.midi.track import DRUM_CHANNEL, Note, Part, Track, events_of

KICK_PITCH: Final = VOICE_PITCHES[0]
TOLERANCE_SECONDS: Final = 0.05
_BLOCK_FRAMES: Final = 1 << 16

Hits = tuple[Times, Times]
"""Times in seconds, sorted, and levels 0..1."""


def kick_track(song: Track, hits: Hits) -> Track:
    """A track of the kick alone, in the tempi and meters of a song and at its length."""
    kinds = ("set_tempo", "time_signature")
    events = [event for kind in kinds for event in events_of(song.parts, kind)]
    events.sort(key=lambda event: event.tick)
    ordered = tuple(event._replace(order=order) for order, event in enumerate(events))
    bare = Track((), (Part("kick", ordered, song.end_ticks),), song.division, format=0)
    return bare.with_notes(_notes(bare, hits))


def mixed_track(song: Track, hits: Hits) -> Track:
    """A song with these hits in the place of its own kick."""
    others = [note for note in song.notes if not (note.drum and note.pitch in KICK_PITCHES)]
    parts = [note.part for note in song.notes if note.drum]
    part = max(set(parts), key=parts.count) if parts else 0
    return song.with_notes([*others, *(replace(n, part=part) for n in _notes(song, hits))])


def render_hits(hits: Hits, sample: Floats, rate: int, frames: int) -> Iterator[Floats]:
    """Yield blocks `[n]`, `frames` in all, of a one-shot `[N]` at each hit, by its level."""
    starts = np.rint(hits[0] * rate).astype(int)
    for begin in range(0, frames, _BLOCK_FRAMES):
        block = np.zeros(min(_BLOCK_FRAMES, frames - begin), np.float32)
        end = begin + len(block)
        for hit in range(*np.searchsorted(starts, [begin - len(sample) + 1, end])):
            first, last = max(starts[hit], begin), min(starts[hit] + len(sample), end)
            part = sample[first - starts[hit] : last - starts[hit]]
            block[first - begin : last - begin] += np.float32(hits[1][hit]) * part
        yield block


def likeness(one: Times, other: Times) -> float:
    """Onset F-measure of two sorted lists of times within 50 ms; 1 where both are empty."""
    if not len(one) and not len(other):
        return 1.0
    matched = first = second = 0
    while first < len(one) and second < len(other):
        distance = one[first] - other[second]
        if abs(distance) <= TOLERANCE_SECONDS:
            matched += 1
        first += int(distance <= TOLERANCE_SECONDS)
        second += int(distance >= -TOLERANCE_SECONDS)
    return 2 * matched / (len(one) + len(other))


def most_varied(tracks: Sequence[Times], count: int) -> list[int]:
    """The numbers of `count` tracks that differ most, sorted.

    The first is the one most unlike all others; each further one is least like the most similar of
    those before.
    """
    alike = np.array([[likeness(one, other) for other in tracks] for one in tracks])
    chosen = [int(alike.sum(1).argmin())]
    while len(chosen) < min(count, len(tracks)):
        nearest = alike[:, chosen].max(1)
        nearest[chosen] = np.inf
        chosen.append(int(nearest.argmin()))
    return sorted(chosen)


def _notes(song: Track, hits: Hits) -> list[Note]:
    """Notes of the hits, which end before the next one."""
    loudest: dict[int, float] = {}
    last = max(song.end_ticks - 1, 0)
    for seconds, level in zip(*hits, strict=True):
        tick = min(song.clock.ticks(float(seconds)), last)
        loudest[tick] = max(loudest.get(tick, 0.0), float(level))
    ticks = sorted(loudest)
    longest = max(round(song.ticks_per_quarter / 8), 1)
    notes = []
    for tick, following in zip(ticks, [*ticks[1:], song.end_ticks], strict=False):
        length = max(min(longest, following - tick), 1)
        velocity = min(max(round(loudest[tick] * 127), 1), 127)
        notes.append(Note(0.0, 0.0, KICK_PITCH, velocity, DRUM_CHANNEL, 0, True, tick, length))
    return notes
