"""Plays a song with a randomly drawn band: kit, bass, other instruments, amplifiers and room."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from drumkit_cli.bands import effects, instruments, sampled
from drumkit_cli.bands.instruments import RATE, Note, Samples
from drumkit_cli.bands.midi_songs import Song
from drumkit_cli.errors import BadDataError

STEMS = ("drums", "bass", "other", "voice", "played")
FONTS = ("FluidR3_GM", "GeneralUser_GS_v1.471", "MuseScore_General_v0.2")
GUITAR_PROGRAMS = range(24, 32)
EFFECT_PROGRAMS = range(120, 128)


def render_take(
    song: Song,
    performance: Sequence[Note],
    data: Path,
    seconds: float,
    generator: np.random.Generator,
) -> dict[str, Samples]:
    """Play a song and a separate drum performance with one random band.

    Returns the stems by the names of `STEMS`, each float32 `[seconds * RATE]`.
    """
    frames = int(seconds * RATE)
    drums = _play_drums(song.drums, data, frames, generator)
    played = _play_drums(performance, data, frames, generator)
    backing = play_backing(song, data, frames, generator)
    return {"drums": drums, **backing, "played": played}


def play_backing(
    song: Song, data: Path, frames: int, generator: np.random.Generator
) -> dict[str, Samples]:
    """Play all but the drums of a song: "bass", "other" and "voice", each float32 `[frames]`."""
    bass = play_bass(song.bass, data, frames, generator)
    other = np.zeros(frames, np.float32)
    for program, notes in song.parts:
        other += _play_part(program, notes, data, frames, generator)
    voice = _sing(song, frames, generator)
    return {"bass": bass, "other": effects.normalise(other, -20), "voice": voice}


def draw_kit(data: Path, generator: np.random.Generator) -> tuple[str, instruments.Instrument]:
    """A random drum kit and its kind: "acoustic", "one-shots" or "font"."""
    kind = str(generator.choice(["acoustic", "one-shots", "font"], p=[0.5, 0.3, 0.2]))
    if kind == "acoustic":
        return kind, sampled.acoustic_kit(data, generator)
    if kind == "one-shots":
        return kind, sampled.one_shot_kit(data, generator)
    return kind, _font(data, 128, generator, drums=True)


def play_bass(
    notes: Sequence[Note], data: Path, frames: int, generator: np.random.Generator
) -> Samples:
    """Play a bass line with a random bass and effects, float32 `[frames]`."""
    kind = generator.choice(["electric", "font", "synth"], p=[0.45, 0.35, 0.2])
    player: instruments.Instrument
    if kind == "electric":
        player = sampled.ElectricBass(data, generator)
    elif kind == "synth":
        player = instruments.SynthBass(generator)
    else:
        program = int(generator.choice([32, 33, 33, 34, 34, 35, 36, 37, 38, 39]))
        player = _font(data, program, generator)
    bass = player.play(_humanised(notes, generator), frames)
    if generator.random() < 0.6:
        bass = effects.drive(bass, generator.uniform(0, 22), generator.uniform(0, 0.2))
    if generator.random() < 0.6:
        bass = effects.band_pass(
            bass, RATE, generator.uniform(20, 60), generator.uniform(700, 6000)
        )
    if generator.random() < 0.5:
        bass = effects.equalise(bass, RATE, generator, 2.5)
    if generator.random() < 0.5:
        bass = effects.compress(bass, RATE, generator.uniform(-20, -6), generator.uniform(2, 6))
    return effects.normalise(bass, -20)


def _play_drums(
    notes: Sequence[Note], data: Path, frames: int, generator: np.random.Generator
) -> Samples:
    _, kit = draw_kit(data, generator)
    drums = kit.play(notes, frames)
    if generator.random() < 0.5:
        drums = effects.equalise(drums, RATE, generator, 2.5)
    if generator.random() < 0.6:
        drums = effects.compress(drums, RATE, generator.uniform(-25, -8), generator.uniform(1.5, 5))
    if generator.random() < 0.3:
        drums = effects.drive(drums, generator.uniform(0, 14))
    if generator.random() < 0.6:
        wet = generator.uniform(0.05, 0.6)
        drums = effects.room(drums, RATE, generator, generator.uniform(0.15, 1.5), wet)
    return effects.normalise(drums, -18)


def _play_part(
    program: int, notes: Sequence[Note], data: Path, frames: int, generator: np.random.Generator
) -> Samples:
    """One part beside drums and bass: its program or a similar one, with random effects."""
    if program in EFFECT_PROGRAMS:
        program = int(generator.integers(0, 8))
    draw = generator.random()
    if draw < 0.35:
        program = program // 8 * 8 + int(generator.integers(8))
    elif draw < 0.6:  # songs have more guitars, pianos and organs than the MIDI files
        program = int(generator.choice([0, 1, 4, 16, 18, 24, 25, 26, 27, 27, 28, 29, 30]))
    part = _font(data, program, generator).play(_humanised(notes, generator), frames)
    if program in GUITAR_PROGRAMS and program >= 26:
        if generator.random() < 0.6:
            part = instruments.overdriven_guitar(part, generator)
        if generator.random() < 0.5:
            part = instruments.double_track(part, generator)
    elif generator.random() < 0.15:
        part = effects.drive(part, generator.uniform(0, 18))
    if generator.random() < 0.4:
        part = effects.equalise(part, RATE, generator, 2.5)
    if generator.random() < 0.4:
        wet = generator.uniform(0.1, 0.8)
        part = effects.room(part, RATE, generator, generator.uniform(0.2, 2.0), wet)
    return effects.normalise(part, float(generator.normal(-22, 4)))


def _sing(song: Song, frames: int, generator: np.random.Generator) -> Samples:
    """A voice that sings most notes of the most melodic part, in a singer's range."""
    source: Sequence[Note] = max(
        (notes for _, notes in song.parts), key=_melodiousness, default=song.bass
    )
    centre = float(np.median([note.pitch for note in source])) if source else 60
    octaves = 12 * round((generator.choice([52, 57, 62, 66]) - centre) / 12)
    melody: list[Note] = []
    end = 0.0
    for note in source:
        if note.onset_seconds >= end - 0.02 and generator.random() < 0.8:
            seconds = max(note.duration_seconds, 0.1) * generator.uniform(0.8, 1.4)
            melody.append(replace(note, pitch=note.pitch + octaves, duration_seconds=seconds))
            end = note.onset_seconds + seconds
    voice = instruments.Voice(generator).play(melody, frames)
    voice = effects.equalise(voice, RATE, generator, 2.0)
    if generator.random() < 0.5:
        voice = effects.compress(voice, RATE, -20, 3)
    if generator.random() < 0.6:
        voice = effects.room(
            voice, RATE, generator, generator.uniform(0.2, 2.0), generator.uniform(0.05, 0.5)
        )
    return effects.normalise(voice, -20)


def _melodiousness(notes: Sequence[Note]) -> float:
    """How melodic a part is, 0..1: many notes, one at a time, in a high register; -1 without."""
    if not notes:
        return -1.0
    alone = len({round(note.onset_seconds, 2) for note in notes}) / len(notes)
    is_high = bool(np.median([note.pitch for note in notes]) > 52)
    return alone * min(len(notes), 100) / 100 * is_high


def _humanised(notes: Sequence[Note], generator: np.random.Generator) -> list[Note]:
    """Notes with onsets and velocities varied at random by some milliseconds and some steps."""
    spread = generator.uniform(0, 0.012)
    return [
        replace(
            note,
            onset_seconds=max(note.onset_seconds + float(generator.normal(0, spread)), 0.0),
            velocity=int(np.clip(note.velocity + generator.normal(0, 6), 1, 127)),
        )
        for note in notes
    ]


def _font(
    data: Path, program: int, generator: np.random.Generator, *, drums: bool = False
) -> instruments.SoundFont:
    """One of the soundfonts that have a program, at random; not every font has all programs."""
    paths = [data / "soundfonts" / font / f"{program:03d}.sf3" for font in FONTS]
    there = [path for path in paths if path.is_file()]
    for index in generator.permutation(len(there)):
        try:
            return instruments.SoundFont(there[index], program, drums=drums)
        except RuntimeError:  # a few files lack the program that they are named after
            continue
    raise BadDataError(f"{data}: no soundfont plays program {program}")
