"""Takes of clicks with their notes, where a test needs some and not what they sound like."""

import numpy as np

from drumkit_cli.bands.instruments import RATE
from drumkit_cli.listening.levels import PITCH
from drumkit_cli.transcribe.training import takes

BEATS = np.array([[0.5 * number, number % 4 + 1] for number in range(8)])


def clicks(times, hertz, seconds=4.0):
    """Decaying sines at so many seconds."""
    time = np.arange(int(seconds * RATE)) / RATE
    sound = np.zeros(len(time))
    for at in times:
        after = np.maximum(time - at, 0)
        sound += (time >= at) * np.sin(2 * np.pi * hertz * after) * np.exp(-30 * after)
    return (0.3 * sound).astype(np.float32)


def write_takes(folder, count=2):
    """Takes of kicks on the beats and hats on the eighths of 120 bpm; the last is for validation.

    Every second one was separated too.
    """
    folder.mkdir(parents=True, exist_ok=True)
    kicks, hats = np.arange(0, 4, 0.5), np.arange(0, 4, 0.25)
    parts = [np.zeros(4 * RATE, np.float32)] * len(takes.PARTS)
    parts[0], parts[2], parts[6] = clicks(kicks, 60), clicks(hats, 7000), clicks(kicks + 0.25, 110)
    hits = [(at, 0, 0.8) for at in kicks] + [(at, 2, 0.5) for at in hats]
    levels = takes._levels(parts)
    pitches = takes._levels([parts[0], parts[6]], PITCH)
    for number in range(count):
        path = folder / f"take{number:05d}.npz"
        np.save(path.with_suffix(".npy"), levels)
        if number % 2 == 0:
            np.save(path.with_suffix(".separated.npy"), levels[:6].max(0))
        split = "validation" if number == count - 1 else "train"
        fields = {"hits": np.array(sorted(hits)), "beats": BEATS, "pitches": pitches}
        np.savez(path, split=split, band_gain_db=0.0, **fields)
    return folder
