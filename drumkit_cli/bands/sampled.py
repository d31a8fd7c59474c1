"""Instruments that play recordings: an acoustic drum kit, kits of one-shots, an electric bass."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import soundfile
import soxr

from drumkit_cli.bands.instruments import RATE, Note, Samples, mix_in, release
from drumkit_cli.learning.index_files import read_index

NOTE_CLASSES = ("c", "db", "d", "eb", "e", "f", "gb", "g", "ab", "a", "bb", "b")

# MIDI pitch to instrument of the recorded kit.
KIT_VOICES = {
    35: "KdrumL", 36: "KdrumR", 37: "SnareRest", 38: "Snare", 39: "Snare", 40: "Snare",
    41: "Tom4", 42: "HihatClosed", 43: "Tom4", 44: "HihatClosed", 45: "Tom3", 46: "HihatOpen",
    47: "Tom2", 48: "Tom2", 49: "CrashL", 50: "Tom1", 51: "RideR", 52: "China", 53: "RideRBell",
    54: "HihatClosed", 55: "China", 56: "RideLBell", 57: "CrashR", 59: "RideL", 70: "HihatClosed",
    22: "HihatClosed", 26: "HihatOpen", 58: "Tom3",
}  # fmt: skip

# MIDI pitch to class of one-shots.
ONE_SHOT_VOICES = {
    35: "kick", 36: "kick", 37: "rimshot", 38: "snare", 39: "clap", 40: "snare", 41: "tom",
    42: "closed-hat", 43: "tom", 44: "closed-hat", 45: "tom", 46: "open-hat", 47: "tom",
    48: "tom", 49: "crash", 50: "tom", 51: "ride", 52: "crash", 53: "ride", 54: "tambourine",
    55: "crash", 56: "cowbell", 57: "crash", 59: "ride", 60: "bongo", 61: "bongo", 62: "conga",
    63: "conga", 64: "conga", 69: "shaker", 70: "shaker", 82: "shaker", 22: "closed-hat",
    26: "open-hat", 58: "tom",
}  # fmt: skip

OPEN_HATS, CLOSED_HATS = {46, 26}, {42, 44, 22}


class SampledDrums:
    """A kit of recorded hits: `layers` has the takes of each MIDI pitch, sorted by loudness."""

    def __init__(self, layers: dict[int, list[Samples]], generator: np.random.Generator) -> None:
        self._layers = layers
        self._generator = generator
        self._gains = {
            pitch: 10 ** (generator.normal(0, 2.5) / 20) * (0.7 if pitch in CLOSED_HATS else 1.0)
            for pitch in layers
        }
        self._curve = generator.uniform(1.0, 2.2)

    def play(self, notes: Sequence[Note], frames: int) -> Samples:
        """Render notes; an open hi-hat is choked by the next hit of a hi-hat."""
        out = np.zeros(frames, np.float32)
        hats = [n.onset_seconds for n in notes if n.pitch in OPEN_HATS | CLOSED_HATS]
        for note in notes:
            takes = self._layers.get(note.pitch)
            if not takes:
                continue
            level = note.velocity / 127
            place = level * (len(takes) - 1) + self._generator.normal(0, 0.08 * len(takes))
            hit = takes[int(np.clip(round(place), 0, len(takes) - 1))]
            # Several takes differ in loudness already.
            strength = level**self._curve if len(takes) == 1 else level ** (self._curve / 2)
            if note.pitch in OPEN_HATS:
                hit = _choke(hit, note.onset_seconds, hats)
            start = round(note.onset_seconds * RATE)
            mix_in(out, hit * np.float32(strength * self._gains[note.pitch]), start)
        return out


def acoustic_kit(data: Path, generator: np.random.Generator) -> SampledDrums:
    """The recorded kit, each drum retuned and damped at random."""
    bank = _kit_bank(data)
    layers: dict[int, list[Samples]] = {}
    shaped: dict[str, list[Samples]] = {}
    for pitch, voice in KIT_VOICES.items():
        if voice not in shaped:
            factor = 2 ** generator.normal(0, 0.12)
            decay = generator.uniform(0.15, 2.5)
            shaped[voice] = [_shape(hit, factor, decay) for hit in bank[voice]]
        layers[pitch] = shaped[voice]
    return SampledDrums(layers, generator)


def one_shot_kit(data: Path, generator: np.random.Generator) -> SampledDrums:
    """A kit of one-shots of the training split, one a class, retuned and damped at random."""
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
    """The recorded electric bass: the nearest recorded pitch retuned, takes chosen by velocity."""

    def __init__(self, data: Path, generator: np.random.Generator) -> None:
        articulation = "staccato" if generator.random() < 0.3 else "sustain"
        self._bank = _bass_bank(data, articulation)
        self._generator = generator
        self._release_seconds = generator.uniform(0.03, 0.15)

    def play(self, notes: Sequence[Note], frames: int) -> Samples:
        """Render notes, each with a short release."""
        out = np.zeros(frames, np.float32)
        pitches = sorted(self._bank)
        for note in notes:
            pitch = note.pitch + (12 if note.pitch < pitches[0] - 3 else 0)
            nearest = min(pitches, key=lambda p: abs(p - pitch))
            takes = self._bank[nearest]
            place = note.velocity / 127 * (len(takes) - 1) + self._generator.normal(0, 1)
            take = takes[int(np.clip(round(place), 0, len(takes) - 1))]
            take = _shape(take, 2 ** ((nearest - pitch) / 12), 99.0)
            take = release(take, note.duration_seconds, self._release_seconds)
            mix_in(
                out, take * np.float32(0.3 + note.velocity / 127), round(note.onset_seconds * RATE)
            )
        return out


def _choke(hit: Samples, onset_seconds: float, hats: list[float]) -> Samples:
    following = [t for t in hats if t > onset_seconds + 0.01]
    if not following:
        return hit
    return release(hit, min(following) - onset_seconds, 0.03)


def _shape(hit: Samples, factor: float, decay_seconds: float) -> Samples:
    """Stretch a sound by a factor, which retunes it, and let it decay with a time constant.

    A decay of 50 s or more leaves the level as it is.
    """
    count = int(len(hit) * factor)
    places = np.arange(count) / factor
    out = np.interp(places, np.arange(len(hit)), hit)
    if decay_seconds < 50:
        out *= np.exp(-np.arange(count) / (decay_seconds * RATE))
    return np.asarray(out, dtype=np.float32)


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
    for row in read_index(folder / "index.csv", "file", "instrument", "rms_db_first_100ms"):
        hit = _read_samples(folder / row["file"])
        bank.setdefault(row["instrument"], []).append((float(row["rms_db_first_100ms"]), hit))
    layers = {
        name: [hit for _, hit in sorted(hits, key=lambda pair: pair[0])]
        for name, hits in bank.items()
    }
    # One gain for the whole kit: the loudest kick then peaks at 1.
    peak = max(float(np.abs(hit).max()) for hit in layers["KdrumR"])
    return {name: [hit / peak for hit in hits] for name, hits in layers.items()}


@cache
def _one_shot_bank(data: Path) -> dict[str, list[list[str]]]:
    groups: dict[str, dict[str, list[str]]] = {}
    table = data / "oneshots" / "index.csv"
    for row in read_index(table, "file", "class", "group", "split"):
        if row["split"] == "train":
            groups.setdefault(row["class"], {}).setdefault(row["group"], []).append(row["file"])
    return {name: list(members.values()) for name, members in groups.items()}


@cache
def _bass_bank(data: Path, articulation: str) -> dict[int, list[Samples]]:
    folder = data / "electric-bass"
    order = ("pp", "p", "f", "ff", "staccato")
    bank: dict[int, list[tuple[int, Samples]]] = {}
    columns = ("file", "articulation", "note_in_file_name", "dynamic")
    for row in read_index(folder / "index.csv", *columns):
        if row["articulation"] != articulation:
            continue
        name, octave = row["note_in_file_name"][:-1], int(row["note_in_file_name"][-1])
        # File names count c4 as MIDI pitch 48.
        pitch = NOTE_CLASSES.index(name) + 12 * octave
        take = _read_samples(folder / row["file"])
        take = take / max(float(np.abs(take).max()), 1e-6)
        loudness = order.index(row["dynamic"].split("_")[0])
        bank.setdefault(pitch, []).append((loudness, take))
    return {
        pitch: [take for _, take in sorted(takes, key=lambda pair: pair[0])]
        for pitch, takes in bank.items()
    }
