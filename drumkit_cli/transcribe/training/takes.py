"""Rendered takes to train the ear on: mel spectrograms of each drum, the band, and the notes.

A take is some seconds of a song or of a drummer's performance with a band. Its drums are rendered
apart (`PARTS`), so that training can change their balance and knows what is audible. A quarter of
the takes also has the drums that `drumkit separate` leaves of its mix.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli import console
from drumkit_cli.audio.separated import separate_stem
from drumkit_cli.audio.wav import wav_bytes
from drumkit_cli.bands import effects
from drumkit_cli.bands.instruments import RATE, Instrument, Note, Samples
from drumkit_cli.bands.rendering import draw_kit, play_backing
from drumkit_cli.errors import MissingInputError
from drumkit_cli.io import streams
from drumkit_cli.listening.levels import MEL, PITCH
from drumkit_cli.listening.voices import VOICE_OF_PITCH
from drumkit_cli.spectral.mel_config import MelConfig
from drumkit_cli.spectral.mel_spectrogram import discretise, mel_power
from drumkit_cli.transcribe.training.music import draw_music
from drumkit_cli.transcribe.training.two_beat import with_two_beat_drums

PARTS: Final = ("kick", "snare", "hats", "toms", "cymbals", "percussion", "bass", "other")
DRUM_PARTS: Final = 6
PART_OF_VOICE: Final = (0, 1, 2, 2, 3, 4)
LICENCES: Final = (
    "rendered from bands-midi and bands-midi-more (BSD-3, Artistic, GPL-2, CC BY 4.0, CC0), Groove "
    "MIDI Dataset (CC BY 4.0), FluidR3 and MuseScore General (MIT), GeneralUser GS, MuldjordKit "
    "(CC BY 4.0), electric bass (CC0), one-shots (CC0, CC BY, CC BY-SA, MIT, BSD, Apache, GPL)"
)
SEPARATED_EVERY: Final = 4
"""One take of so many is also separated, of those for validation every second one."""
VALIDATION_EVERY: Final = 10
"""One take of so many is of the split "validation"."""

_PERCUSSION: Final = 5
_SAME_DRUM: Final = {22: 42, 26: 46, 58: 43}
"""Pitches of the Groove MIDI Dataset that General MIDI has for other drums, or not at all."""


@dataclass(frozen=True)
class Take:
    """One rendered take.

    Attributes:
        levels: uint8 `[len(PARTS), T, F]`, as `discretise` makes them; mapped into memory.
        hits: float64 `[n, 3]`: seconds, voice, velocity 0..1.
        beats: float64 `[n, 2]`: seconds, number in the bar; empty where they are not known.
        split: "train" or "validation".
        pitches: uint8 `[2, t, P]`, levels of the pitches of the drums and of the band.
        separated: uint8 `[T, F]`, the drums as separated; None where they were not.
        band_gain_db: gain of bass and other in the mix that was separated.
    """

    levels: NDArray[np.uint8]
    hits: NDArray[np.float64]
    beats: NDArray[np.float64]
    split: str
    pitches: NDArray[np.uint8]
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
                fields["pitches"],
                np.load(separated, mmap_mode="r") if separated.is_file() else None,
                float(fields["band_gain_db"]),
            )
        )
    if not takes:
        raise MissingInputError(f"{folder}: no rendered takes", "render them with drumkit train")
    return takes


def render_takes(
    data: Path, folder: Path, *, takes: int, seconds: float, seed: int, two_beat_share: float = 0.0
) -> None:
    """Render takes into a folder; those that it holds are kept.

    Args:
        data: see CONTRIBUTING.md.
        folder: where takes go.
        takes: their number.
        seconds: of each.
        seed: of all that is drawn; take n does not depend on `takes`.
        two_beat_share: share of the takes whose drums repeat every second beat (`two_beat`), to
            train bars on; none of such a folder is separated.

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
                generator = np.random.default_rng([seed, number])
                _render(data, path, seconds, generator, number, two_beat_share)
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
    for mix, drums in zip(mixes, separate_stem(mixes, "drums"), strict=True):
        _save(mix.with_suffix(".separated.npy"), _levels([drums])[0])
        mix.unlink()


def _render(
    data: Path,
    path: Path,
    seconds: float,
    generator: np.random.Generator,
    number: int,
    two_beat_share: float = 0.0,
) -> None:
    """Render one take."""
    split = "validation" if number % VALIDATION_EVERY == VALIDATION_EVERY - 1 else "train"
    music = draw_music(data, split, seconds, generator)
    if two_beat_share and generator.random() < two_beat_share:
        music = with_two_beat_drums(music, generator)
    frames = int(seconds * RATE)
    drums, hits = _play_drums(music.song.drums, data, frames, generator)
    backing = play_backing(music.song, data, frames, generator)
    other = backing["other"] + (backing["voice"] if generator.random() < 0.6 else 0)
    sounds = [*drums, backing["bass"], np.asarray(other, np.float32)]
    _save(path.with_suffix(".npy"), _levels(sounds))
    gain_db = float(generator.normal(0, 4))
    if not two_beat_share and number % SEPARATED_EVERY == 1:
        mix = np.sum(drums, 0) + 10 ** (gain_db / 20) * (sounds[-1] + sounds[-2])
        mix = (mix * (0.9 / max(float(np.abs(mix).max()), 1e-6))).astype(np.float32)
        with streams.open_output(str(path.with_suffix(".wav"))) as file:
            file.write(wav_bytes(mix[None], RATE))
    with streams.open_output(str(path)) as file:
        np.savez(
            file,
            hits=hits,
            beats=music.beats,
            split=split,
            band_gain_db=gain_db,
            pitches=_levels([np.sum(drums, 0), sounds[-1] + sounds[-2]], PITCH),
        )


def _save(path: Path, array: NDArray[np.uint8]) -> None:
    with streams.open_output(str(path)) as file:
        np.save(file, array)


def _levels(sounds: Sequence[Samples], config: MelConfig = MEL) -> NDArray[np.uint8]:
    """uint8 `[len(sounds), T, F]`."""
    power = mel_power(np.stack(sounds), config)
    return np.ascontiguousarray(discretise(power, config).swapaxes(1, 2))


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
