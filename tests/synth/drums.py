"""Drum tracks that tests of the command play, and the sounds that it makes."""

from pathlib import Path

import soundfile

from drumkit_cli.midi.files import write_midi
from drumkit_cli.midi.track import empty_track
from drumkit_cli.sounds.classes import CLASSES
from tests.synth.tiny import TINY

RATE = 44_100
ROOT = Path(__file__).resolve().parents[2]
WIDTH = TINY.latent + len(CLASSES)


def beat(*pitches, measures=2):
    """Eighths of the given pitches in turn at 120 bpm; lasts whole measures."""
    pitches = pitches or (36, 42, 38, 46, 44)
    track = empty_track(120.0, end_ticks=1920 * measures)
    notes = [
        track.note(240 * n, 100, pitches[n % len(pitches)], 60 + 8 * n % 60)
        for n in range(8 * measures)
    ]
    return write_midi(track.with_notes(notes))


def sound(path):
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    assert rate == RATE
    return samples.T


def made(folder="."):
    return sorted(path.name for path in Path(folder).iterdir() if path.name != "beat.mid")
