"""Drum tracks that tests of the command play, and how it is run as a program."""

import os
from pathlib import Path

from drumkit_cli.groove.inputs.template import template_of
from drumkit_cli.midi.files import read_midi, write_midi
from drumkit_cli.midi.track import empty_track

ROOT = Path(__file__).resolve().parents[2]
STEP = 120


def beat(measures=4, bpm=120.0):
    """Kick, snare (40) and hi-hat on time, a cowbell and a conga: drums that no model knows."""
    notes = []
    for start in range(0, 16 * STEP * measures, 16 * STEP):
        hits = [(step, 42) for step in range(0, 16, 2)]
        hits += [(0, 36), (8, 36), (10, 36), (4, 40), (12, 40), (5, 56), (6, 63)]
        notes += [(start + step * STEP, 60, pitch, 100) for step, pitch in hits]
    track = empty_track(bpm, end_ticks=16 * STEP * measures, name="beat")
    return write_midi(track.with_notes(track.note(*note) for note in notes))


def read_template(data, name, drum_map=None):
    return template_of(read_midi(data, name), name, drum_map)


def performance(data):
    return read_template(data, "a.mid").performance


ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
