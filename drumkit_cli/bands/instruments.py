"""Instruments that turn notes into samples: soundfonts, and synthesised bass and voice.

Every instrument, here and in `sampled`, draws its character (samples, tuning, tone) from the
generator that it is made with, then plays any list of notes as mono float32 `[frames]` at `RATE`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from drumkit_cli.bands import effects

RATE = 22_050
Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Note:
    """A sounding note: onset and duration in seconds, MIDI pitch, MIDI velocity 1..127."""

    onset_seconds: float
    duration_seconds: float
    pitch: int
    velocity: int


class Instrument(Protocol):
    """What can play notes."""

    def play(self, notes: Sequence[Note], frames: int) -> Samples:
        """Render notes as mono float32 `[frames]` at `RATE`."""


class SynthBass:
    """A bass synthesiser: two detuned oscillators (saw, square or sine), a low-pass with decay."""

    def __init__(self, generator: np.random.Generator) -> None:
        self._shape = generator.choice(["saw", "square", "sine"], p=[0.4, 0.3, 0.3])
        self._cutoff = generator.uniform(2, 12)
        self._decay = generator.uniform(0.1, 0.8)
        self._detune = generator.uniform(0, 0.006)
        self._sustain = generator.uniform(0.2, 1.0)

    def play(self, notes: Sequence[Note], frames: int) -> Samples:
        """Render notes as sums of harmonics, with the amplitudes that the filter would leave."""
        out = np.zeros(frames, np.float32)
        for note in notes:
            seconds = min(note.duration_seconds + 0.05, 4.0)
            time = np.arange(int(seconds * RATE)) / RATE
            hertz = 440 * 2 ** ((note.pitch - 69) / 12)
            envelope = self._sustain + (1 - self._sustain) * np.exp(-time / self._decay)
            cutoff = self._cutoff * (0.3 + 0.7 * np.exp(-time / self._decay))
            tone = np.zeros(len(time))
            last = 1 if self._shape == "sine" else min(int(6000 / hertz), 24)
            for harmonic in range(1, last + 1, 2 if self._shape == "square" else 1):
                amplitude = 1 / harmonic / (1 + (harmonic / cutoff) ** 4)
                phase = 2 * np.pi * hertz * harmonic * time
                tone += amplitude * (np.sin(phase) + np.sin(phase * (1 + self._detune)))
            tone *= envelope * np.minimum(time / 0.004, 1) * note.velocity / 127
            sound = release(tone.astype(np.float32), note.duration_seconds, 0.03)
            mix_in(out, sound * np.float32(0.4), round(note.onset_seconds * RATE))
        return out


class SoundFont:
    """A program of a General MIDI soundfont, played by TinySoundFont."""

    def __init__(self, path: Path, program: int, *, drums: bool = False) -> None:
        import tinysoundfont

        self._synth = tinysoundfont.Synth(samplerate=RATE, gain=-6)
        font = self._synth.sfload(str(path))
        self._synth.program_select(0, font, 128 if drums else 0, 0 if drums else program, drums)

    def play(self, notes: Sequence[Note], frames: int) -> Samples:
        """Render note by note, mixed to mono."""
        events: list[tuple[int, int, int, int]] = []
        for note in notes:
            start = round(note.onset_seconds * RATE)
            end = max(round((note.onset_seconds + note.duration_seconds) * RATE), start + 1)
            events += [(start, 1, note.pitch, note.velocity), (end, 0, note.pitch, 0)]
        blocks, now = [], 0
        for at, is_on, pitch, velocity in sorted(events):
            if min(at, frames) > now:
                blocks.append(self._generate(min(at, frames) - now))
                now = min(at, frames)
            if is_on:
                self._synth.noteon(0, pitch, velocity)
            else:
                self._synth.noteoff(0, pitch)
        if now < frames:
            blocks.append(self._generate(frames - now))
        return np.concatenate(blocks) if blocks else np.zeros(0, np.float32)

    def _generate(self, frames: int) -> Samples:
        stereo = np.frombuffer(bytes(self._synth.generate(frames)), np.float32)
        return np.asarray(stereo.reshape(-1, 2).mean(1), dtype=np.float32)


class Voice:
    """A voice-like source, since MIDI songs have no singing: glottal harmonics, moving formants."""

    VOWELS = np.array(
        [
            [730, 1090, 2440],
            [270, 2290, 3010],
            [300, 870, 2240],
            [530, 1840, 2480],
            [570, 840, 2410],
            [440, 1020, 2240],
            [660, 1720, 2410],
        ]
    )

    def __init__(self, generator: np.random.Generator) -> None:
        self._generator = generator
        self._size = generator.uniform(0.85, 1.25)  # of the vocal tract: low to high voice
        self._tilt = generator.uniform(0.9, 1.8)
        self._vibrato_hz = generator.uniform(4, 7)
        self._vibrato_depth = generator.uniform(0, 0.02)
        self._breath = generator.uniform(0.01, 0.12)
        self._speech = generator.random() < 0.3

    def play(self, notes: Sequence[Note], frames: int) -> Samples:
        """Render each note as a vowel that glides from the last one, some after a consonant."""
        out = np.zeros(frames, np.float32)
        vowel = self.VOWELS[0]
        for note in notes:
            target = self.VOWELS[int(self._generator.integers(len(self.VOWELS)))]
            start = round(note.onset_seconds * RATE)
            syllable = self._syllable(note, vowel, target)
            mix_in(out, syllable, start)
            if self._generator.random() < 0.6:
                burst = self._consonant()
                mix_in(out, burst, start - int(len(burst) * 0.8))
            vowel = target
        return out

    def _syllable(
        self, note: Note, vowel: NDArray[np.float64], target: NDArray[np.float64]
    ) -> Samples:
        seconds = float(np.clip(note.duration_seconds, 0.06, 3.0))
        frames = int(seconds * RATE)
        time = np.arange(frames) / RATE
        hertz = 440 * 2 ** ((note.pitch - 69) / 12)
        drift = self._generator.normal(0, 0.15 if self._speech else 0.02) * time / seconds
        scoop = -0.06 * np.exp(-time / 0.05)
        vibrato = self._vibrato_depth * np.sin(2 * np.pi * self._vibrato_hz * time)
        f0 = hertz * (1 + scoop + drift + vibrato * np.minimum(time / 0.3, 1))
        phase = 2 * np.pi * np.cumsum(f0) / RATE
        glide = np.minimum(time[::64] / 0.12, 1)[:, None]
        formants = self._size * (vowel * (1 - glide) + target * glide)  # [T/64, 3]
        tone = np.zeros(frames)
        coarse_f0 = f0[::64]
        for harmonic in range(1, min(int(9000 / hertz), 45) + 1):
            at = harmonic * coarse_f0[:, None]
            width = 60 + 0.06 * formants
            gain = (1 / (1 + ((at - formants) / width) ** 2) * [1.0, 0.6, 0.35]).sum(1) + 0.02
            envelope = np.interp(np.arange(frames), np.arange(len(gain)) * 64, gain)
            tone += envelope * harmonic**-self._tilt * np.sin(harmonic * phase)
        tone += self._breath * self._generator.normal(0, 0.3, frames) * np.abs(np.sin(phase / 2))
        attack = np.minimum(time / 0.03, 1) * np.minimum((seconds - time) / 0.05, 1)
        return np.asarray(tone * attack * (0.3 + 0.7 * note.velocity / 127), dtype=np.float32)

    def _consonant(self) -> Samples:
        seconds = self._generator.uniform(0.02, 0.14)
        frames = int(seconds * RATE)
        low = self._generator.uniform(800, 5500)
        noise = effects.band_pass(
            self._generator.normal(0, 1, frames).astype(np.float32), RATE, low, 10_500
        )
        shape = np.hanning(frames) ** self._generator.uniform(0.3, 2)
        level = self._generator.uniform(0.05, 0.35)
        return (level * noise * shape).astype(np.float32)


def release(samples: Samples, seconds: float, release_seconds: float) -> Samples:
    """Let a sound decay exponentially from `seconds` on."""
    end = int(seconds * RATE)
    if end >= len(samples):
        return samples
    stop = min(end + int(4 * release_seconds * RATE), len(samples))
    out = samples[:stop].copy()
    out[end:] *= np.exp(-np.arange(stop - end) / (release_seconds * RATE)).astype(np.float32)
    return out


def mix_in(out: Samples, sound: Samples, start: int) -> None:
    """Add a sound to `out` from frame `start` on, as far as it lies within."""
    begin = max(start, 0)
    end = min(start + len(sound), len(out))
    if end > begin:
        out[begin:end] += sound[begin - start : end - start]


def overdriven_guitar(samples: Samples, generator: np.random.Generator) -> Samples:
    """A clean guitar through an overdriven amplifier and its loudspeaker cabinet."""
    driven = effects.drive(samples, generator.uniform(10, 40), generator.uniform(0, 0.3))
    low, high = generator.uniform(60, 140), generator.uniform(2800, 6500)
    return effects.band_pass(driven, RATE, low, high, order=2)


def double_track(samples: Samples, generator: np.random.Generator) -> Samples:
    """The sound together with a copy that is slightly late and duller."""
    delay = int(generator.uniform(0.005, 0.03) * RATE)
    copy = np.concatenate([np.zeros(delay, np.float32), samples])[: len(samples)]
    return np.asarray(0.7 * (samples + signal.lfilter([0.6, 0.4], [1], copy)), dtype=np.float32)
