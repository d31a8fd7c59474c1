#!/usr/bin/env python3
"""Compose and render the example song: drums, bass, chords and a lead, all synthesised here.

Usage: python make_song.py OUTPUT [--bars N] [--seed N] [--stem drums|bass|other]

The output's extension says its format (.flac, .wav, .ogg). Needs numpy and soundfile only.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

RATE = 44_100
TEMPO_BPM = 118.0
STEP_SECONDS = 60.0 / TEMPO_BPM / 4  # a sixteenth
STEPS = 16
CHORDS = ((45, 0, 3, 7, 10), (41, 0, 4, 7, 11), (48, 0, 4, 7, 14), (43, 0, 4, 7, 9))  # root, notes
KICK = (0, 6, 8, 11)
SNARE = (4, 12)
BASS = ((0, 0), (3, 0), (6, 12), (8, 0), (10, 7), (11, 0), (14, 10))  # step, interval
LEAD = ((0, 4), (3, 3), (6, 2), (8, 4), (11, 1), (14, 3))  # step, chord note

Signal = np.ndarray  # float64 [N]


def tone(pitch: float, seconds: float, harmonics: Callable[[int], float], top_hz: float) -> Signal:
    """A band-limited tone: sines at the multiples of a MIDI pitch below `top_hz`."""
    time = np.arange(round(seconds * RATE)) / RATE
    base = 440.0 * 2 ** ((pitch - 69) / 12)
    wave = np.zeros(len(time))
    for number in range(1, int(top_hz / base) + 1):
        wave += harmonics(number) * np.sin(2 * np.pi * base * number * time)
    return wave


def envelope(frames: int, attack: float, decay: float) -> Signal:
    """A rise of `attack` seconds, then a fall to 1/e in `decay`; the last 5 ms fade out."""
    time = np.arange(frames) / RATE
    shape = np.minimum(time / attack, 1.0) * np.exp(-time / decay)
    fade = min(round(0.005 * RATE), frames)
    shape[frames - fade :] *= np.linspace(1.0, 0.0, fade)
    return shape


def noise(rng: np.random.Generator, frames: int, low_hz: float, high_hz: float) -> Signal:
    """White noise within a band."""
    spectrum = np.fft.rfft(rng.standard_normal(frames))
    frequency = np.fft.rfftfreq(frames, 1 / RATE)
    spectrum[(frequency < low_hz) | (frequency > high_hz)] = 0.0
    wave = np.fft.irfft(spectrum, frames)
    return wave / np.abs(wave).max()


def kick() -> Signal:
    """A sine that falls from 180 to 48 Hz."""
    time = np.arange(round(0.35 * RATE)) / RATE
    phase = 2 * np.pi * (48 * time + 132 * 0.03 * (1 - np.exp(-time / 0.03)))
    return np.sin(phase) * envelope(len(time), 0.001, 0.11)


def snare(rng: np.random.Generator) -> Signal:
    """Noise over a short 190 Hz body."""
    frames = round(0.22 * RATE)
    body = np.sin(2 * np.pi * 190 * np.arange(frames) / RATE) * envelope(frames, 0.001, 0.04)
    return 0.5 * body + 0.6 * noise(rng, frames, 400, 9000) * envelope(frames, 0.001, 0.07)


def hat(rng: np.random.Generator, *, is_open: bool) -> Signal:
    """High noise, short or long."""
    frames = round((0.25 if is_open else 0.07) * RATE)
    decay = 0.09 if is_open else 0.018
    return 0.3 * noise(rng, frames, 7000, 15000) * envelope(frames, 0.001, decay)


def bass(pitch: float, seconds: float) -> Signal:
    """A soft saw, driven a little."""
    wave = tone(pitch, seconds, lambda n: 1 / n**1.4, 1800)
    return 0.45 * np.tanh(1.6 * wave) * envelope(len(wave), 0.004, 0.35)


def chord(pitches: list[float], seconds: float) -> Signal:
    """Two detuned saws a note."""
    waves = [
        tone(pitch + detune, seconds, lambda n: 1 / n**1.2, 3500)
        for pitch in pitches
        for detune in (-0.04, 0.04)
    ]
    wave = np.sum(waves, axis=0) / len(waves)
    return 0.55 * wave * envelope(len(wave), 0.03, 1.1)


def lead(pitch: float, seconds: float) -> Signal:
    """A hollow square."""
    wave = tone(pitch, seconds, lambda n: (n % 2) / n, 6000)
    return 0.22 * wave * envelope(len(wave), 0.005, 0.16)


def add(stem: np.ndarray, step: float, signal: Signal, gain: float, pan: float = 0.0) -> None:
    """Mix a sound into a stem [2, N] at a step; `pan` runs from -1 (left) to 1."""
    start = round(step * STEP_SECONDS * RATE)
    part = signal[: max(stem.shape[1] - start, 0)] * gain
    angle = (pan + 1) * np.pi / 4
    stem[0, start : start + len(part)] += np.cos(angle) * part
    stem[1, start : start + len(part)] += np.sin(angle) * part


def render(bars: int, seed: int) -> dict[str, np.ndarray]:
    """The stems drums, bass and other, each float64 [2, N], whose sum peaks at 0.5."""
    rng = np.random.default_rng(seed)
    frames = round(bars * STEPS * STEP_SECONDS * RATE)
    stems = {name: np.zeros((2, frames)) for name in ("drums", "bass", "other")}
    for bar in range(bars):
        root, *notes = CHORDS[bar // 2 % len(CHORDS)]
        at = bar * STEPS
        add_drums(stems["drums"], at, rng, fill=bar % 4 == 3)
        for step, interval in BASS:
            add(stems["bass"], at + step, bass(root - 12 + interval, 1.8 * STEP_SECONDS), 0.8)
        if bars < 4 or bar >= 2:
            pitches = [float(root + 12 + note) for note in notes]
            for step, gain in ((0, 0.6), (6, 0.45), (12, 0.45)):
                add(stems["other"], at + step, chord(pitches, 5 * STEP_SECONDS), gain, -0.35)
        if bar >= 4:
            for step, index in LEAD:
                pitch = root + 24 + notes[index % len(notes)]
                gain = 0.7 + 0.1 * rng.random()
                add(stems["other"], at + step, lead(pitch, 3 * STEP_SECONDS), gain, 0.4)
    peak = np.abs(sum(stems.values())).max()
    return {name: stem * (0.5 / peak) for name, stem in stems.items()}


def add_drums(stem: np.ndarray, at: int, rng: np.random.Generator, *, fill: bool) -> None:
    """One bar of drums, with a snare roll at its end when it is a fill."""
    for step in KICK:
        add(stem, at + step, kick(), 1.0 if step % 8 == 0 else 0.8)
    for step in SNARE:
        add(stem, at + step, snare(rng), 0.8)
    for step in range(0, STEPS, 2):
        add(stem, at + step, hat(rng, is_open=step == 10), 0.5 + 0.2 * rng.random(), 0.25)
    if fill:
        for number, step in enumerate(range(13, STEPS)):
            add(stem, at + step, snare(rng), 0.4 + 0.15 * number, 0.1)


def main() -> None:
    """Render the song, or one stem of it, to the file named on the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("output", type=Path)
    parser.add_argument("--bars", type=int, default=12, help="bars of 4/4 (default: 12)")
    parser.add_argument("--seed", type=int, default=0, help="of noise and levels (default: 0)")
    parser.add_argument("--stem", choices=("drums", "bass", "other"), help="this stem alone")
    arguments = parser.parse_args()
    stems = render(max(arguments.bars, 1), arguments.seed)
    wanted = [arguments.stem] if arguments.stem else list(stems)
    mix = np.sum([stems[name] for name in wanted], axis=0)
    level = 1.0 if arguments.output.suffix == ".flac" else None
    soundfile.write(arguments.output, mix.T, RATE, compression_level=level)


if __name__ == "__main__":
    main()
