"""Rendered takes to train the ear on: mel spectrograms of each drum, the band, and the notes.

A take is some seconds of a song or of a drummer's performance with a band. Its drums are rendered
apart (`PARTS`), so that training can change their balance and knows what is audible. A quarter of
the takes also has the drums that `drumkit separate` leaves of its mix.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli import console
from drumkit_cli.audio.wav import wav_bytes
from drumkit_cli.bands import effects
from drumkit_cli.bands.instruments import RATE, Instrument, Note, Samples
from drumkit_cli.bands.midi_songs import Song, excerpt, read_song
from drumkit_cli.bands.rendering import draw_kit, play_backing
from drumkit_cli.errors import BadDataError, DrumkitError, MissingInputError
from drumkit_cli.io import streams
from drumkit_cli.learning.index_files import read_index
from drumkit_cli.listening.levels import MEL
from drumkit_cli.listening.voices import VOICE_OF_PITCH
from drumkit_cli.midi.files import read_midi
from drumkit_cli.midi.measures import read_stretches
from drumkit_cli.spectral.mel_spectrogram import discretise, mel_power
from drumkit_cli.transcribe.separated import separate_drums

PARTS: Final = ("kick", "snare", "hats", "toms", "cymbals", "percussion", "bass", "other")
DRUM_PARTS: Final = 6
PART_OF_VOICE: Final = (0, 1, 2, 2, 3, 4)
LICENCES: Final = (
    "rendered from bands-midi and bands-midi-more (BSD-3, Artistic, GPL-2, CC BY 4.0, CC0), Groove "
    "MIDI Dataset (CC BY 4.0), FluidR3 and MuseScore General (MIT), GeneralUser GS, MuldjordKit "
    "(CC BY 4.0), electric bass (CC0), one-shots (CC0, CC BY, CC BY-SA, MIT, BSD, Apache, GPL)"
)
SEPARATED_EVERY: Final = 4
"""One take of so many is also separated."""

_PERCUSSION: Final = 5
_SAME_DRUM: Final = {22: 42, 26: 46, 58: 43}
"""Pitches of the Groove MIDI Dataset that General MIDI has for other drums, or not at all."""
_RIDE_OF_HAT: Final = {42: 51, 46: 53, 22: 59, 26: 59}
_TOMS: Final = (41, 43, 45, 47, 48, 50)
_RIDE_SHARE, _FILL_SHARE = 0.2, 0.17
"""Shares of the takes in which rides stand for the hats, and in which toms take part in fills."""
_ON_GRID: Final = 0.8
"""Share of the onsets on the grid of sixteenths or triplets from which its beats are believed."""
_BARS: Final = ((4, 4), (3, 4))


@dataclass(frozen=True)
class Music:
    """Parts of a MIDI file with its beats.

    `beats` is float64 `[n, 2]`: seconds, and number in the bar from 1; empty where they are not
    known.
    """

    song: Song
    beats: NDArray[np.float64]


@dataclass(frozen=True)
class Take:
    """One rendered take.

    Attributes:
        levels: uint8 `[len(PARTS), T, F]`, as `discretise` makes them; mapped into memory.
        hits: float64 `[n, 3]`: seconds, voice, velocity 0..1.
        beats: float64 `[n, 2]`: seconds, number in the bar; empty where they are not known.
        split: "train" or "validation".
        separated: uint8 `[T, F]`, the drums as separated; None where they were not.
        band_gain_db: gain of bass and other in the mix that was separated.
    """

    levels: NDArray[np.uint8]
    hits: NDArray[np.float64]
    beats: NDArray[np.float64]
    split: str
    separated: NDArray[np.uint8] | None = None
    band_gain_db: float = 0.0


def load_takes(folder: Path) -> list[Take]:
    """Map the takes of a folder into memory.

    Raises:
        MissingInputError: it holds none.
    """
    takes = []
    for path in sorted(folder.glob("take*.npz")):
        with np.load(path) as notes:
            fields = {name: notes[name] for name in notes.files}
        separated = path.with_suffix(".separated.npy")
        takes.append(
            Take(
                np.load(path.with_suffix(".npy"), mmap_mode="r"),
                fields["hits"],
                fields["beats"],
                str(fields["split"]),
                np.load(separated) if separated.is_file() else None,
                float(fields["band_gain_db"]),
            )
        )
    if not takes:
        raise MissingInputError(f"{folder}: no rendered takes", "render them with drumkit train")
    return takes


def render_takes(data: Path, folder: Path, *, takes: int, seconds: float, seed: int) -> None:
    """Render takes into a folder; those that it holds are kept.

    Raises:
        MissingInputError: a part of the data is missing.
        BadDataError: an index of the data is damaged.
        StreamError: the takes could not be separated.
    """
    for part in ("bands-midi", "groove", "soundfonts", "acoustic-kit", "oneshots", "electric-bass"):
        if not (data / part).is_dir():
            raise MissingInputError(f"{data}: no folder {part}", "see CONTRIBUTING.md for the data")
    folder.mkdir(parents=True, exist_ok=True)
    with console.progress(takes, "rendering takes") as bar:
        for number in range(takes):
            path = folder / f"take{number:05d}.npz"
            if not path.is_file():
                _render(data, path, seconds, np.random.default_rng([seed, number]), number)
            bar.advance(1)
    separate_takes(folder)


def separate_takes(folder: Path) -> None:
    """Let `drumkit separate` take the drums out of the mixes that were kept; delete those.

    Raises:
        StreamError: it failed.
    """
    mixes = sorted(folder.glob("take*.wav"))
    if not mixes:
        return
    for mix, drums in zip(mixes, separate_drums(mixes), strict=True):
        _save(mix.with_suffix(".separated.npy"), _levels([drums])[0])
        mix.unlink()


def _render(
    data: Path, path: Path, seconds: float, generator: np.random.Generator, number: int
) -> None:
    """Render one take; a song that cannot be used is replaced by another one."""
    while True:
        split = "validation" if number % 10 == 9 else "train"
        draw = _performance if generator.random() < 0.55 else _band
        music = draw(data, split, seconds, generator)
        if music is not None and len(music.song.drums) > seconds / 2:
            break
    frames = int(seconds * RATE)
    notes = _with_fills(_with_rides(music.song.drums, generator), generator)
    drums, hits = _play_drums(notes, data, frames, generator)
    backing = play_backing(music.song, data, frames, generator)
    other = backing["other"] + (backing["voice"] if generator.random() < 0.6 else 0)
    sounds = [*drums, backing["bass"], np.asarray(other, np.float32)]
    _save(path.with_suffix(".npy"), _levels(sounds))
    gain_db = float(generator.normal(0, 4))
    if number % SEPARATED_EVERY == 0:
        mix = np.sum(drums, 0) + 10 ** (gain_db / 20) * (sounds[-1] + sounds[-2])
        mix = (mix * (0.9 / max(float(np.abs(mix).max()), 1e-6))).astype(np.float32)
        with streams.open_output(str(path.with_suffix(".wav"))) as file:
            file.write(wav_bytes(mix[None], RATE))
    with streams.open_output(str(path)) as file:
        np.savez(file, hits=hits, beats=music.beats, split=split, band_gain_db=gain_db)


def _save(path: Path, array: NDArray[np.uint8]) -> None:
    with streams.open_output(str(path)) as file:
        np.save(file, array)


def _levels(sounds: Sequence[Samples]) -> NDArray[np.uint8]:
    """uint8 `[len(sounds), T, F]`."""
    power = mel_power(np.stack(sounds), MEL)
    return np.ascontiguousarray(discretise(power, MEL).swapaxes(1, 2))


def _play_drums(
    notes: Sequence[Note], data: Path, frames: int, generator: np.random.Generator
) -> tuple[list[Samples], NDArray[np.float64]]:
    """The drum parts at one level together, and the hits that were played."""
    kits = [draw_kit(data, generator) for _ in range(1 + (generator.random() < 0.5))]
    parts: list[Samples] = []
    hits: list[tuple[float, float, float]] = []
    by_part = _by_part(notes)
    for part in range(DRUM_PARTS):
        kind, kit = kits[int(generator.random() < 0.5) % len(kits)]
        played = by_part.get(part, []) if (kind, part) != ("acoustic", _PERCUSSION) else []
        sound = np.zeros(frames, np.float32)
        if played:
            sound = _shaped(kit, played, frames, generator)
            hits += [
                (note.onset_seconds, VOICE_OF_PITCH[note.pitch], note.velocity / 127)
                for note in played
                if part != _PERCUSSION
            ]
        parts.append(sound)
    total = np.asarray(sum(parts), np.float32)
    loud = max(float(np.abs(effects.normalise(total, -18)).max(initial=0)), 1e-9)
    gain = np.float32(loud / max(float(np.abs(total).max(initial=0)), 1e-9))
    return [part * gain for part in parts], np.array(sorted(hits), np.float64).reshape(-1, 3)


def _with_rides(notes: Sequence[Note], generator: np.random.Generator) -> Sequence[Note]:
    """Notes of which in some takes rides stand for the hats: songs have too few to learn from."""
    if generator.random() >= _RIDE_SHARE:
        return notes
    return [replace(note, pitch=_RIDE_OF_HAT.get(note.pitch, note.pitch)) for note in notes]


def _with_fills(notes: Sequence[Note], generator: np.random.Generator) -> Sequence[Note]:
    """Notes of which in some takes toms stand for the snares and some hats of some seconds."""
    if generator.random() >= _FILL_SHARE:
        return notes
    is_fill = generator.random(1000) < 0.25
    return [
        replace(note, pitch=int(generator.choice(_TOMS)))
        if is_fill[int(note.onset_seconds) % 1000]
        and (note.pitch in (38, 40) or (note.pitch in _RIDE_OF_HAT and generator.random() < 0.5))
        else note
        for note in notes
    ]


def _shaped(
    kit: Instrument, notes: Sequence[Note], frames: int, generator: np.random.Generator
) -> Samples:
    sound = kit.play(notes, frames)
    if generator.random() < 0.5:
        sound = effects.equalise(sound, RATE, generator, 2.5)
    if generator.random() < 0.3:
        sound = effects.compress(sound, RATE, generator.uniform(-25, -8), generator.uniform(1.5, 5))
    if generator.random() < 0.15:
        sound = effects.drive(sound, generator.uniform(0, 12))
    if generator.random() < 0.5:
        wet = generator.uniform(0.05, 0.6)
        sound = effects.room(sound, RATE, generator, generator.uniform(0.15, 1.2), wet)
    return sound


def _by_part(notes: Sequence[Note]) -> Mapping[int, list[Note]]:
    parts: dict[int, list[Note]] = {}
    for note in notes:
        pitch = _SAME_DRUM.get(note.pitch, note.pitch)
        voice = VOICE_OF_PITCH.get(pitch)
        part = _PERCUSSION if voice is None else PART_OF_VOICE[voice]
        parts.setdefault(part, []).append(replace(note, pitch=pitch))
    return parts


def _band(data: Path, split: str, seconds: float, generator: np.random.Generator) -> Music | None:
    """An excerpt of a multi-track song, its drums played less evenly than programmed."""
    files = _band_files(data, split)
    music = _read(files[int(generator.integers(len(files)))])
    if music is None:
        return None
    factor = float(2 ** generator.uniform(-0.35, 0.35))
    start = float(generator.uniform(0, max(music.song.seconds - seconds * factor, 0)))
    song = excerpt(music.song, start, seconds, factor, int(generator.integers(-3, 4)))
    spread, dynamics = generator.uniform(0, 0.008), generator.uniform(0, 0.25)
    drums = tuple(
        replace(
            note,
            onset_seconds=max(note.onset_seconds + float(generator.normal(0, spread)), 0.0),
            velocity=int(np.clip(note.velocity * np.exp(generator.normal(0, dynamics)), 1, 127)),
        )
        for note in song.drums
    )
    return Music(replace(song, drums=drums), _cut_beats(music.beats, start, seconds, factor))


def _performance(
    data: Path, split: str, seconds: float, generator: np.random.Generator
) -> Music | None:
    """A drummer's performance, from a bar line on, with a band that plays at its tempo."""
    files = _performance_files(data, split)
    played = _read(files[int(generator.integers(len(files)))])
    backing = _read(
        _band_files(data, split)[int(generator.integers(len(_band_files(data, split))))]
    )
    if played is None or backing is None or not len(played.beats):
        return None
    factor = float(2 ** generator.uniform(-0.25, 0.25))
    looped = _looped(played, seconds * factor)
    start = _bar_line(looped, seconds * factor, generator)
    drums = excerpt(looped.song, start, seconds, factor, 0).drums
    beats = _cut_beats(looped.beats, start, seconds, factor)
    song = _matching(backing, float(np.median(np.diff(beats[:, 0]))), seconds, generator)
    if song is None:
        return None
    return Music(replace(song, drums=drums), beats)


def _matching(
    backing: Music, beat_seconds: float, seconds: float, generator: np.random.Generator
) -> Song | None:
    """An excerpt of a song in four, from a bar line on, at the tempo of beats or an octave off."""
    if len(backing.beats) < 9 or backing.beats[:, 1].max() != 4:
        return None
    factor = float(np.median(np.diff(backing.beats[:, 0]))) / beat_seconds
    factor *= 2.0 ** -round(np.log2(factor))
    start = _bar_line(backing, seconds * factor, generator)
    return excerpt(backing.song, start, seconds, factor, int(generator.integers(-3, 4)))


def _looped(music: Music, seconds: float) -> Music:
    """The music, repeated after its last whole bar as often as it is too short."""
    bars = music.beats[music.beats[:, 1] == 1, 0]
    if music.song.seconds >= seconds or len(bars) < 2:
        return music
    period = bars[-1] - bars[0]
    notes = [note for note in music.song.drums if note.onset_seconds < bars[-1] - 0.05]
    beats = music.beats[music.beats[:, 0] < bars[-1] - 0.01]
    times = range(int(seconds / period) + 2)
    drums = tuple(
        replace(n, onset_seconds=n.onset_seconds + k * period) for k in times for n in notes
    )
    return Music(
        replace(music.song, drums=drums, seconds=period * len(times)),
        np.concatenate([np.add(beats, [k * period, 0]) for k in times]),
    )


def _bar_line(music: Music, seconds: float, generator: np.random.Generator) -> float:
    """A random bar line with so many seconds after it, a little early so that it is included."""
    bars = music.beats[music.beats[:, 1] == 1, 0]
    fitting = bars[bars <= max(music.song.seconds - seconds, bars[0])]
    return float(generator.choice(fitting)) - 0.05


def _cut_beats(
    beats: NDArray[np.float64], start: float, seconds: float, factor: float
) -> NDArray[np.float64]:
    moved = (beats - [start, 0]) / [factor, 1]
    return moved[(moved[:, 0] >= 0) & (moved[:, 0] < seconds)]


@cache
def _read(path: Path) -> Music | None:
    """Read a MIDI file with its beats; None for one without drums."""
    song = read_song(path, need_bass=False)
    if song is None:
        return None
    try:
        return Music(song, beats_of(path))
    except DrumkitError:
        return None


def beats_of(path: Path) -> NDArray[np.float64]:
    """Beats `[n, 2]` of a MIDI file: seconds, number in the bar; none where they are doubtful.

    They are doubtful in meters other than 4/4 and 3/4 and where the drums are off their grid.

    Raises:
        BadDataError: not a MIDI file.
    """
    track = read_midi(path.read_bytes(), path.name)
    found: list[tuple[float, int]] = []
    for stretch in read_stretches(track, max((n.onset_ticks for n in track.notes), default=0)):
        count = stretch.meter.numerator
        if stretch.meter[1:] not in _BARS or stretch.measure_ticks < 1:
            return np.zeros((0, 2))
        for beat in range(stretch.measures * count):
            tick = stretch.first_tick + beat * stretch.measure_ticks / count
            found.append((track.clock.seconds(round(tick)), beat % count + 1))
    beats = np.array(found, np.float64).reshape(-1, 2)
    onsets = np.array([note.onset_seconds for note in track.notes if note.drum])
    return beats if _grid_share(onsets, beats[:, 0]) >= _ON_GRID else np.zeros((0, 2))


def _grid_share(onsets: NDArray[np.float64], beats: NDArray[np.float64]) -> float:
    """Share of the onsets within a tenth of a beat of eighths, sixteenths or triplets."""
    if len(beats) < 2 or not len(onsets):
        return 0.0
    phase = np.interp(onsets, beats, np.arange(len(beats))) % 1
    near = np.abs(phase[:, None] - np.array([0, 1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 4, 1])).min(1)
    return float((near < 0.06).mean())


@cache
def _band_files(data: Path, split: str) -> list[Path]:
    files = []
    for name in ("bands-midi", "bands-midi-more"):
        table = data / name / "index.csv"
        if name == "bands-midi" or table.is_file():
            files += [
                data / name / r["path"]
                for r in read_index(table, "path", "split")
                if r["split"] == split
            ]
    if not files:
        raise BadDataError(f"{data}: no songs of the split {split}")
    return files


@cache
def _performance_files(data: Path, split: str) -> list[Path]:
    columns = ("midi_filename", "split", "beat_type", "duration", "time_signature")
    return [
        data / "groove" / row["midi_filename"]
        for row in read_index(data / "groove" / "info.csv", *columns)
        if row["split"] == split
        and row["beat_type"] == "beat"
        and row["time_signature"] == "4-4"
        and float(row["duration"]) > 6
    ]
