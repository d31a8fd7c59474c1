"""Inputs of PocketVAE (3.2): windows, templates, velocity and timing patterns, voices, genres.

A window is ``[T, V]``: 32 sixteenths by 7 voices; a batch is ``[B, T, V]``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from drumkit_cli.io.arrays import Floats

if TYPE_CHECKING:
    from collections.abc import Mapping

GENRES: Final = ("electronic", "rock", "funk", "jazz", "blues", "hip hop")
FEELS: Final = ("pushed", "on", "laidback")
VOICES: Final = ("kick", "snare", "closed hi-hat", "open hi-hat", "ride", "crash", "tom")
KICK, SNARE, CLOSED, OPEN, RIDE, CRASH, TOM = range(len(VOICES))
VOICE_PITCHES: Final = (36, 38, 42, 46, 51, 49, 45)
"""General MIDI pitches of the voices, as written."""
VOICE_OF_PITCH: Final[Mapping[int, int]] = {
    pitch: voice
    for voice, pitches in enumerate(
        (
            (35, 36),
            (37, 38, 39, 40),
            (22, 42, 44),
            (26, 46),
            (51, 53, 59),
            (49, 52, 55, 57),
            (41, 43, 45, 47, 48, 50, 58),
        )
    )
    for pitch in pitches
}
"""MIDI pitch to voice, for General MIDI and the Roland kit of the Groove MIDI Dataset."""

WINDOW_STEPS: Final = 32
HOP_STEPS: Final = 16
BEAT_STEPS: Final = 4
BEATS: Final = WINDOW_STEPS // BEAT_STEPS
VELOCITY_CLASSES: Final = 5
ON_TIME: Final = 0.1
"""Largest microtiming that counts as on the beat: 6 ms at 120 bpm."""
GHOST_SHARE: Final = 0.8
"""Snares softer than this share of the mean backbeat are ghost notes, which templates lack."""
MIN_KICK: Final = 40 / 127
"""Kicks up to this velocity are not in templates."""
BUSY: Final = 3 / 4
"""Share of steps with a cymbal above which a template has sixteenths on the cymbal."""


class Windows(NamedTuple):
    """Performances of two measures.

    Attributes:
        velocities: 0..1, above 0 where there is a note, ``[B, T, V]``.
        timings: -1 (half a sixteenth early) to 1 (late), 0 without a note, ``[B, T, V]``.
    """

    velocities: Floats
    timings: Floats

    @property
    def notes(self) -> Floats:
        """1 where there is a note, ``[B, T, V]``."""
        return (self.velocities > 0).astype(np.float32)


def cut(values: Floats) -> Floats:
    """Cut a grid ``[V, T]`` into windows ``[B, 32, V]`` with a hop of one measure.

    An unfinished measure is filled with rests; a single measure is repeated (3.2).
    """
    values = np.pad(values, ((0, 0), (0, -values.shape[1] % HOP_STEPS)))
    if values.shape[1] < WINDOW_STEPS:
        values = np.tile(values, (1, 2))
    count = values.shape[1] // HOP_STEPS - 1
    return np.stack(
        [values[:, i * HOP_STEPS : i * HOP_STEPS + WINDOW_STEPS].T for i in range(count)]
    )


def templates(windows: Windows) -> Floats:
    """Reduce performances to templates (3.2), such as a user would write: 0 or 1, ``[B, T, V]``.

    The main cymbal (hi-hats, ride or crash) plays sixteenths if more than 3/4 of the steps have a
    cymbal, else eighths. Snares are kept from 0.8 of the mean velocity of the snares on the second
    and fourth quarters on (of all, if there are none there); the paper's threshold, the mean
    itself, would remove every second backbeat. Kicks are kept above a velocity of 40; toms are not.
    """
    velocities, notes = windows.velocities, windows.notes
    reduced = np.zeros_like(velocities)
    reduced[..., KICK] = velocities[..., KICK] > MIN_KICK
    snare = velocities[..., SNARE]
    backbeats = snare[:, BEAT_STEPS :: 2 * BEAT_STEPS]
    mean = np.where((backbeats > 0).any(1), _mean_of_hits(backbeats), _mean_of_hits(snare))
    reduced[..., SNARE] = (snare > 0) & (snare >= GHOST_SHARE * mean[:, None])
    hats = notes[..., [CLOSED, OPEN]].max(2).sum(1)
    counts = np.stack([hats, notes[..., RIDE].sum(1), notes[..., CRASH].sum(1)], 1)
    main = np.array([CLOSED, RIDE, CRASH])[counts.argmax(1)]
    struck = notes[..., [CLOSED, OPEN, RIDE, CRASH]].max(2).sum(1)
    step = np.where(struck > BUSY * velocities.shape[1], 1, 2)
    on = (np.arange(velocities.shape[1])[None] % step[:, None] == 0) & (struck > 0)[:, None]
    np.put_along_axis(reduced, main[:, None, None], on[..., None].astype(np.float32), 2)
    return reduced


def velocity_patterns(velocities: Floats) -> Floats:
    """One-hot velocity classes of the loudest cymbal of each step, ``[B, T, 5]``; 0 without one."""
    loudest = velocities[..., [CLOSED, OPEN, RIDE, CRASH]].max(-1)
    return velocity_classes(loudest)


def velocity_classes(velocities: Floats) -> Floats:
    """One-hot classes ``[..., 5]`` of velocities, up to 0.2, 0.4, 0.6, 0.8 and 1; all 0 for 0."""
    classes = np.ceil(np.round(velocities * VELOCITY_CLASSES, 4))
    one_hot: Floats = (classes[..., None] == np.arange(1, VELOCITY_CLASSES + 1)).astype(np.float32)
    return one_hot


def timing_patterns(windows: Windows) -> Floats:
    """One-hot feel of each step (pushed, on, laidback) by the mean timing of its notes.

    ``[B, T, 3]``; all 0 for a step without notes.
    """
    count = windows.notes.sum(-1)
    mean = windows.timings.sum(-1) / np.maximum(count, 1)
    feel = np.where(mean <= -ON_TIME, 0, np.where(mean < ON_TIME, 1, 2))
    one_hot = (feel[..., None] == np.arange(len(FEELS))) & (count > 0)[..., None]
    patterns: Floats = one_hot.astype(np.float32)
    return patterns


def _mean_of_hits(velocities: Floats) -> Floats:
    """Mean velocity of the hits in ``[B, T]``: ``[B]``; 0 without any."""
    mean: Floats = velocities.sum(1) / np.maximum((velocities > 0).sum(1), 1)
    return mean
