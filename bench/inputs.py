"""What the benchmark plays: a song of any length, beats, and a kit of samples."""

from pathlib import Path

import numpy as np
import soundfile
from measuring import ROOT

from drumkit_cli.midi.files import write_midi
from drumkit_cli.midi.track import empty_track
from drumkit_cli.synth.kits.voices import VOICE_OF_PITCH

SONG = ROOT / "examples" / "song.flac"
BEATS_PITCHES = (36, 37, 38, 39, 42, 45, 46, 48, 49, 51)


def loop_song(path: Path, seconds: float) -> Path:
    """Write the example song over and over, as 16-bit stereo WAV of a length."""
    samples, rate = soundfile.read(SONG, dtype="int16")
    left = round(seconds * rate)
    with soundfile.SoundFile(path, "w", rate, samples.shape[1], "PCM_16") as file:
        while left > 0:
            file.write(samples[:left])
            left -= len(samples)
    return path


def beats(path: Path, seconds: float) -> Path:
    """Write ten drums that are hit ten times a second in all, at any velocity from 30 on."""
    generator = np.random.default_rng(0)
    track = empty_track(120.0, end_ticks=round(960 * seconds))
    pitches = generator.choice(BEATS_PITCHES, round(10 * seconds))
    ticks = generator.integers(0, track.end_ticks, len(pitches))
    velocities = generator.integers(30, 128, len(pitches))
    hits = zip(ticks.tolist(), pitches.tolist(), velocities.tolist(), strict=True)
    notes = [track.note(tick, 60, pitch, velocity) for tick, pitch, velocity in hits]
    path.write_bytes(write_midi(track.with_notes(notes)))
    return path


def sampled_kit(folder: Path) -> Path:
    """Write a folder of samples for the drums of `beats`, a soft and a hard one of each."""
    folder.mkdir()
    generator = np.random.default_rng(0)
    decay = np.exp(-np.arange(44_100) / 8000)[:, None]
    for name in sorted({VOICE_OF_PITCH[pitch] for pitch in BEATS_PITCHES}):
        for hardness in ("soft", "hard"):
            noise = 0.3 * decay * generator.standard_normal((len(decay), 2)).clip(-3, 3)
            soundfile.write(folder / f"{name}-{hardness}.wav", noise, 44_100, "PCM_16")
    return folder
