"""Notes of a grid, to make MIDI files for tests of."""

import numpy as np


def grid_notes(track, velocities, offsets, pitches, first_step=0):
    """Yield the notes of a grid [V, T], a sixteenth long each, as notes of a track."""
    ticks_per_step = track.ticks_per_quarter / 4
    for step, voice in zip(*np.nonzero(velocities.T), strict=True):
        onset = max(round((first_step + step + float(offsets[voice, step])) * ticks_per_step), 0)
        velocity = min(max(round(float(velocities[voice, step]) * 127), 1), 127)
        yield track.note(onset, round(ticks_per_step), pitches[voice], velocity)
