"""Instruments that turn notes into samples, to render training music.

A real drum kit and bass from recordings, kits put together from one-shots, General MIDI
soundfonts, a synthetic bass, distorted guitars, and a voice-like source for the singing that no
MIDI file has. Each instrument draws its own character (samples, tuning, tone) from the generator
it is made with, then plays any list of notes: `play(notes, frames) -> mono float32 [frames]`.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray
from scipy import signal

from drumkit_cli.bands import effects
from drumkit_cli.errors import BadDataError, MissingInputError

RATE = 22_050
Samples = NDArray[np.float32]

NOTE_CLASSES = ("c", "db", "d", "eb", "e", "f", "gb", "g", "ab", "a", "bb", "b")

# General MIDI drum notes -> instrument of the recorded kit.
KIT_VOICES = {
    35: "KdrumL", 36: "KdrumR", 37: "SnareRest", 38: "Snare", 39: "Snare", 40: "Snare",
    41: "Tom4", 42: "HihatClosed", 43: "Tom4", 44: "HihatClosed", 45: "Tom3", 46: "HihatOpen",
    47: "Tom2", 48: "Tom2", 49: "CrashL", 50: "Tom1", 51: "RideR", 52: "China", 53: "RideRBell",
    54: "HihatClosed", 55: "China", 56: "RideLBell", 57: "CrashR", 59: "RideL", 70: "HihatClosed",
    22: "HihatClosed", 26: "HihatOpen", 58: "Tom3",
}  # fmt: skip

# General MIDI drum notes -> class of one-shot.
ONE_SHOT_VOICES = {
    35: "kick", 36: "kick", 37: "rimshot", 38: "snare", 39: "clap", 40: "snare", 41: "tom",
    42: "closed-hat", 43: "tom", 44: "closed-hat", 45: "tom", 46: "open-hat", 47: "tom",
    48: "tom", 49: "crash", 50: "tom", 51: "ride", 52: "crash", 53: "ride", 54: "tambourine",
    55: "crash", 56: "cowbell", 57: "crash", 59: "ride", 60: "bongo", 61: "bongo", 62: "conga",
    63: "conga", 64: "conga", 69: "shaker", 70: "shaker", 82: "shaker", 22: "closed-hat",
    26: "open-hat", 58: "tom",
}  # fmt: skip

OPEN_HATS, CLOSED_HATS = {46, 26}, {42, 44, 22}


@dataclass(frozen=True, slots=True)
class Note:
    """A sounding note: onset and duration in seconds, MIDI pitch, MIDI velocity 1..127."""

    onset_seconds: float
    duration_seconds: float
    pitch: int
    velocity: int


class Instrument(Protocol):
    """Anything that plays notes."""

    def play(self, notes: Sequence[Note], frames: int) -> Samples:
        """Render `notes` into mono float32 `[frames]` at RATE."""


def read_table(path: Path, *columns: str) -> list[dict[str, str]]:
    """The rows of a CSV file of the data, which has these columns.

    Raises:
        MissingInputError: it is not there.
        BadDataError: it lacks a column, or is no text.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            rows, names = list(reader), reader.fieldnames or ()
    except OSError as error:
        raise MissingInputError(f"cannot read {path}: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadDataError(f"{path}: not a table ({error})") from error
    for column in columns:
        if column not in names:
            raise BadDataError(f"{path}: no column {column}")
    return rows


class SampledDrums:
    """Drum hits placed at onsets: `layers[pitch]` are takes sorted from soft to loud."""

    def __init__(self, layers: dict[int, list[Samples]], generator: np.random.Generator) -> None:
        self._layers = layers
        self._generator = generator
        self._gains = {
            pitch: 10 ** (generator.normal(0, 2.5) / 20) * (0.7 if pitch in CLOSED_HATS else 1.0)
            for pitch in layers
        }
        self._curve = generator.uniform(1.0, 2.2)

    def play(self, notes: Sequence[Note], frames: int) -> Samples:
        """Render; an open hat is choked by the next closed one."""
        out = np.zeros(frames, np.float32)
        hats = [n.onset_seconds for n in notes if n.pitch in OPEN_HATS | CLOSED_HATS]
        for note in notes:
            takes = self._layers.get(note.pitch)
            if not takes:
                continue
            level = note.velocity / 127
            place = level * (len(takes) - 1) + self._generator.normal(0, 0.08 * len(takes))
            hit = takes[int(np.clip(round(place), 0, len(takes) - 1))]
            # Layers carry part of the dynamics themselves.
            strength = level**self._curve if len(takes) == 1 else level ** (self._curve / 2)
            if note.pitch in OPEN_HATS:
                hit = _choke(hit, note.onset_seconds, hats)
            start = round(note.onset_seconds * RATE)
            _mix_in(out, hit * np.float32(strength * self._gains[note.pitch]), start)
        return out


def acoustic_kit(data: Path, generator: np.random.Generator) -> SampledDrums:
    """The recorded kit, each drum retuned and damped a little at random."""
    bank = _kit_bank(data)
    layers: dict[int, list[Samples]] = {}
    shaped: dict[str, list[Samples]] = {}
    for pitch, voice in KIT_VOICES.items():
        if voice not in shaped:
            # The hi-hat and snare are heard most: vary them most.
            factor = 2 ** generator.normal(0, 0.12)
            decay = generator.uniform(0.15, 2.5)
            shaped[voice] = [_shape(hit, factor, decay) for hit in bank[voice]]
        layers[pitch] = shaped[voice]
    return SampledDrums(layers, generator)


def one_shot_kit(data: Path, generator: np.random.Generator) -> SampledDrums:
    """A kit of one-shots (training split), one instrument group a class and often two layered."""
    bank = _one_shot_bank(data)
    chosen: dict[str, list[Samples]] = {}
    layers: dict[int, list[Samples]] = {}
    for pitch, name in ONE_SHOT_VOICES.items():
        key = name if name != "tom" else f"tom{pitch}"
        if key not in chosen:
            groups = bank[name]
            group = groups[int(generator.integers(len(groups)))]
            hit = _read_samples(data / "oneshots" / group[int(generator.integers(len(group)))])
            factor = 2 ** generator.normal(0, 0.15)
            if name == "tom":
                factor *= 2 ** ((47 - pitch) / 24)
            chosen[key] = [_shape(hit, factor, generator.uniform(0.2, 3.0))]
        layers[pitch] = chosen[key]
    return SampledDrums(layers, generator)


class ElectricBass:
    """The recorded electric bass: nearest note retuned, dynamics by velocity."""

    def __init__(self, data: Path, generator: np.random.Generator) -> None:
        articulation = "staccato" if generator.random() < 0.3 else "sustain"
        self._bank = _bass_bank(data, articulation)
        self._generator = generator
        self._release_seconds = generator.uniform(0.03, 0.15)

    def play(self, notes: Sequence[Note], frames: int) -> Samples:
        """Render; a note ends with a short release."""
        out = np.zeros(frames, np.float32)
        pitches = sorted(self._bank)
        for note in notes:
            pitch = note.pitch + (12 if note.pitch < pitches[0] - 3 else 0)
            nearest = min(pitches, key=lambda p: abs(p - pitch))
            takes = self._bank[nearest]
            place = note.velocity / 127 * (len(takes) - 1) + self._generator.normal(0, 1)
            take = takes[int(np.clip(round(place), 0, len(takes) - 1))]
            take = _shape(take, 2 ** ((nearest - pitch) / 12), 99.0)
            take = _release(take, note.duration_seconds, self._release_seconds)
            _mix_in(
                out, take * np.float32(0.3 + note.velocity / 127), round(note.onset_seconds * RATE)
            )
        return out


class SynthBass:
    """A subtractive synthesiser: saw, square or sine, low-pass with an envelope, glide of pitch."""

    def __init__(self, generator: np.random.Generator) -> None:
        self._shape = generator.choice(["saw", "square", "sine"], p=[0.4, 0.3, 0.3])
        self._cutoff = generator.uniform(2, 12)
        self._decay = generator.uniform(0.1, 0.8)
        self._detune = generator.uniform(0, 0.006)
        self._sustain = generator.uniform(0.2, 1.0)

    def play(self, notes: Sequence[Note], frames: int) -> Samples:
        """Render additively: harmonics fall with the envelope as a filter would make them."""
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
            sound = _release(tone.astype(np.float32), note.duration_seconds, 0.03)
            _mix_in(out, sound * np.float32(0.4), round(note.onset_seconds * RATE))
        return out


class SoundFont:
    """One program of one of the General MIDI soundfonts, through TinySoundFont."""

    def __init__(self, path: Path, program: int, *, drums: bool = False) -> None:
        import tinysoundfont

        self._synth = tinysoundfont.Synth(samplerate=RATE, gain=-6)
        font = self._synth.sfload(str(path))
        self._synth.program_select(0, font, 128 if drums else 0, 0 if drums else program, drums)

    def play(self, notes: Sequence[Note], frames: int) -> Samples:
        """Render event by event, mixed to mono."""
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
    """A voice-like source: glottal harmonics through moving formants, breath and consonants."""

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
        """Render each note as a syllable: a consonant, then a vowel that glides to the next."""
        out = np.zeros(frames, np.float32)
        vowel = self.VOWELS[0]
        for note in notes:
            target = self.VOWELS[int(self._generator.integers(len(self.VOWELS)))]
            start = round(note.onset_seconds * RATE)
            syllable = self._syllable(note, vowel, target)
            _mix_in(out, syllable, start)
            if self._generator.random() < 0.6:
                burst = self._consonant()
                _mix_in(out, burst, start - int(len(burst) * 0.8))
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


def _choke(hit: Samples, onset_seconds: float, hats: list[float]) -> Samples:
    following = [t for t in hats if t > onset_seconds + 0.01]
    if not following:
        return hit
    return _release(hit, min(following) - onset_seconds, 0.03)


def _release(samples: Samples, seconds: float, release_seconds: float) -> Samples:
    """End a sound after `seconds` with an exponential release."""
    end = int(seconds * RATE)
    if end >= len(samples):
        return samples
    stop = min(end + int(4 * release_seconds * RATE), len(samples))
    out = samples[:stop].copy()
    out[end:] *= np.exp(-np.arange(stop - end) / (release_seconds * RATE)).astype(np.float32)
    return out


def _shape(hit: Samples, factor: float, decay_seconds: float) -> Samples:
    """Retune by playing slower (`factor` > 1) or faster, and damp."""
    count = int(len(hit) * factor)
    places = np.arange(count) / factor
    out = np.interp(places, np.arange(len(hit)), hit)
    if decay_seconds < 50:
        out *= np.exp(-np.arange(count) / (decay_seconds * RATE))
    return np.asarray(out, dtype=np.float32)


def _mix_in(out: Samples, sound: Samples, start: int) -> None:
    begin = max(start, 0)
    end = min(start + len(sound), len(out))
    if end > begin:
        out[begin:end] += sound[begin - start : end - start]


@cache
def _read_samples(path: Path) -> Samples:
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono = samples.mean(1)
    if rate != RATE:
        mono = soxr.resample(mono, rate, RATE)
    return np.asarray(mono, dtype=np.float32)


@cache
def _kit_bank(data: Path) -> dict[str, list[Samples]]:
    folder = data / "acoustic-kit"
    bank: dict[str, list[tuple[float, Samples]]] = {}
    for row in read_table(folder / "index.csv", "file", "instrument", "rms_db_first_100ms"):
        hit = _read_samples(folder / row["file"])
        bank.setdefault(row["instrument"], []).append((float(row["rms_db_first_100ms"]), hit))
    layers = {
        name: [hit for _, hit in sorted(hits, key=lambda pair: pair[0])]
        for name, hits in bank.items()
    }
    # One level for the kit as a whole: the loudest kick peaks at one.
    peak = max(float(np.abs(hit).max()) for hit in layers["KdrumR"])
    return {name: [hit / peak for hit in hits] for name, hits in layers.items()}


@cache
def _one_shot_bank(data: Path) -> dict[str, list[list[str]]]:
    groups: dict[str, dict[str, list[str]]] = {}
    table = data / "oneshots" / "index.csv"
    for row in read_table(table, "file", "class", "group", "split"):
        if row["split"] == "train":
            groups.setdefault(row["class"], {}).setdefault(row["group"], []).append(row["file"])
    return {name: list(members.values()) for name, members in groups.items()}


@cache
def _bass_bank(data: Path, articulation: str) -> dict[int, list[Samples]]:
    folder = data / "electric-bass"
    order = ("pp", "p", "f", "ff", "staccato")
    bank: dict[int, list[tuple[int, Samples]]] = {}
    columns = ("file", "articulation", "note_in_file_name", "dynamic")
    for row in read_table(folder / "index.csv", *columns):
        if row["articulation"] != articulation:
            continue
        name, octave = row["note_in_file_name"][:-1], int(row["note_in_file_name"][-1])
        # The file names count c4 as MIDI 48.
        pitch = NOTE_CLASSES.index(name) + 12 * octave
        take = _read_samples(folder / row["file"])
        take = take / max(float(np.abs(take).max()), 1e-6)
        loudness = order.index(row["dynamic"].split("_")[0])
        bank.setdefault(pitch, []).append((loudness, take))
    return {
        pitch: [take for _, take in sorted(takes, key=lambda pair: pair[0])]
        for pitch, takes in bank.items()
    }


def overdriven_guitar(samples: Samples, generator: np.random.Generator) -> Samples:
    """Put a clean guitar through an overdriven amplifier and its cabinet."""
    driven = effects.drive(samples, generator.uniform(10, 40), generator.uniform(0, 0.3))
    low, high = generator.uniform(60, 140), generator.uniform(2800, 6500)
    return effects.band_pass(driven, RATE, low, high, order=2)


def double_track(samples: Samples, generator: np.random.Generator) -> Samples:
    """A second, slightly late and duller copy on top."""
    delay = int(generator.uniform(0.005, 0.03) * RATE)
    copy = np.concatenate([np.zeros(delay, np.float32), samples])[: len(samples)]
    return np.asarray(0.7 * (samples + signal.lfilter([0.6, 0.4], [1], copy)), dtype=np.float32)
