"""Plays the drum tracks of MIDI files with a kit, as stereo WAV files."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Self

from drumkit_cli import console
from drumkit_cli.errors import BadDataError, UsageError
from drumkit_cli.io.batch import each
from drumkit_cli.io.outputs import Destination
from drumkit_cli.io.sniffing import Kind
from drumkit_cli.io.streams import open_input, open_output
from drumkit_cli.midi.drum_maps import DRUM_MAPS
from drumkit_cli.midi.drum_parts import find_drums
from drumkit_cli.midi.files import read_midi
from drumkit_cli.midi.map_file import DrumMap, read_drum_map
from drumkit_cli.midi.track import Track
from drumkit_cli.patterns.grid import name_unknown
from drumkit_cli.synth.code_sources import Source, read_code
from drumkit_cli.synth.infer import play_track, require_fitting, require_notes
from drumkit_cli.synth.kits.kit import (
    GAIN_MAX_DB,
    Kit,
    changed,
    draw_kit,
    kit_text,
    read_kit,
    require_voices,
)
from drumkit_cli.synth.kits.rendering import SoundBank
from drumkit_cli.synth.kits.voices import VOICES
from drumkit_cli.synth.render_options import RenderOptions


@dataclass(frozen=True)
class KitChoice:
    """The kit to play: a saved one or one drawn from the seed, with changes of voices.

    Attributes:
        path: file of a saved kit.
        save_path: file to save the kit to.
        codes: voice to the path of a code.
        gains_db, pans: voice to value.
        humanize: amount, 0..1, by which hits vary.
    """

    path: str | None
    save_path: str | None
    codes: Mapping[str, str]
    gains_db: Mapping[str, float]
    pans: Mapping[str, float]
    humanize: float

    @classmethod
    def parse(
        cls,
        path: str | None,
        save_path: str | None,
        codes: Sequence[str],
        gains: Sequence[str],
        pans: Sequence[str],
        humanize: float,
    ) -> Self:
        """Parse the options of the command line.

        Raises:
            UsageError: there is no such voice, or a value is not a number within its bounds.
        """
        return cls(
            path,
            save_path,
            _by_voice("--voice", codes),
            _numbers("--gain", gains, GAIN_MAX_DB),
            _numbers("--pan", pans, 1.0),
            humanize,
        )

    @property
    def files(self) -> list[str]:
        """Paths of the inputs."""
        return [*([] if self.path is None else [self.path]), *self.codes.values()]


@dataclass(frozen=True)
class Song:
    """A MIDI file that was read."""

    name: str
    sha256: str
    track: Track


@dataclass(frozen=True)
class Parts:
    """Inputs of a kit that were read: name and kit of a file, codes by voice, SHA-256 sums."""

    saved: tuple[str, Kit] | None
    codes: Mapping[str, Source]
    sums: Sequence[str]


def play_songs(
    inputs: Sequence[str],
    output: str | None,
    choice: KitChoice,
    rendering: RenderOptions,
    drum_map: str | None = None,
) -> None:
    """Play every input with the same kit.

    Raises:
        DrumkitError: an input, the kit or an output cannot be used.
    """
    references = choice.files
    if drum_map is not None and drum_map not in DRUM_MAPS:
        references.append(drum_map)
    if [*inputs, *references].count("-") > 1:
        raise UsageError("stdin (-) can be read only once")
    destination = Destination(output, ".wav")
    destination.check(inputs, references=references)
    if choice.save_path is not None:
        saving = Destination(choice.save_path, ".json")
        if saving.is_folder or choice.save_path == "-":
            raise UsageError("a kit is saved as a file", "--save-kit NAME.json")
        saving.check([], references=[*references, *inputs])
    pitches = None if drum_map is None else read_drum_map(drum_map)
    parts = _read_parts(choice)

    @cache
    def load() -> SoundBank:
        return _load_bank(choice, parts, rendering)

    def play_one(path: str) -> None:
        song = _read_song(path)
        _play_one(song, load(), destination, choice, rendering, parts.sums, pitches)

    each(inputs, play_one)


def _play_one(
    song: Song,
    bank: SoundBank,
    destination: Destination,
    choice: KitChoice,
    rendering: RenderOptions,
    sums: Sequence[str],
    drum_map: DrumMap | None,
) -> None:
    notes, remark = find_drums(song.track)
    if remark:
        console.warn(f"{song.name}: {remark}")
    if others := len(song.track.notes) - len(notes):
        console.detail(f"{song.name}: {others} notes that are no drums are left out")
    with console.progress(1, song.name) as bar:
        played = play_track(
            song.track,
            bank,
            humanize=choice.humanize,
            seed=rendering.seed,
            length=rendering.length,
            drum_map=drum_map,
            advance=bar.advance,
        )
    if played.unknown:
        console.warn(f"{song.name}: no voice plays {name_unknown(played.unknown, drum_map)}")
    if played.gain < 1:
        console.detail(f"{song.name}: all was scaled by {played.gain:.4f} to fit")
    comment = rendering.comment(bank.synth, song.sha256, *sums)
    rendering.write(destination.place(song.name), 2, played.frames, played.blocks(), comment)


def _read_song(path: str) -> Song:
    with open_input(path) as source:
        if source.kind is not Kind.MIDI:
            what = "" if source.kind is Kind.UNKNOWN else f" but {source.kind}"
            raise BadDataError(f"{source.name} is not MIDI{what}", "give a MIDI file")
        track = read_midi(source.read_bytes(), source.name)
        require_notes(track, source.name)
        return Song(source.name, source.sha256(), track)


def _read_parts(choice: KitChoice) -> Parts:
    saved, sums = None, []
    if choice.path is not None:
        with open_input(choice.path) as source:
            saved = source.name, read_kit(source.read_bytes(), source.name)
            sums.append(source.sha256())
        require_voices({*saved[1].voices, *choice.codes}, [*choice.gains_db, *choice.pans])
    codes = {voice: read_code(path) for voice, path in choice.codes.items()}
    return Parts(saved, codes, [*sums, *(source.sha256 for source in codes.values())])


def _load_bank(choice: KitChoice, parts: Parts, rendering: RenderOptions) -> SoundBank:
    """Build the kit and the bank of its sounds; save the kit if requested."""
    synth = rendering.load()
    if parts.saved is None:
        kit = draw_kit(synth, rendering.seed)
    else:
        name, kit = parts.saved
        require_fitting(kit, name, synth)
        if kit.weights_sha256 not in ("", synth.weights_sha256):
            console.warn(f"{name} was made with other weights: it sounds different")
    codes = {voice: source.code(synth) for voice, source in parts.codes.items()}
    kit = changed(kit, codes, choice.gains_db, choice.pans)
    if choice.save_path is not None:
        _save(kit, synth.weights_sha256, choice.save_path)
    return SoundBank(synth, kit, humanize=choice.humanize, inverter=rendering.inverter)


def _save(kit: Kit, weights_sha256: str, path: str) -> None:
    with open_output(path, text=True) as sink:
        sink.write(kit_text(Kit(kit.voices, weights_sha256)).encode())


def _by_voice(option: str, texts: Sequence[str]) -> dict[str, str]:
    found = {}
    for text in texts:
        voice, equals, value = text.partition("=")
        if not (equals and value):
            raise UsageError(f"{option} {text} is not VOICE=VALUE")
        if voice not in VOICES:
            raise UsageError(f"{option}: no voice {voice}", f"one of {', '.join(VOICES)}")
        found[voice] = value
    return found


def _numbers(option: str, texts: Sequence[str], most: float) -> dict[str, float]:
    numbers = {}
    for voice, text in _by_voice(option, texts).items():
        try:
            numbers[voice] = float(text)
        except ValueError as error:
            raise UsageError(f"{option} {voice}={text}: {text!r} is no number") from error
        if not (math.isfinite(numbers[voice]) and abs(numbers[voice]) <= most):
            raise UsageError(f"{option} {voice}={text} is not within -{most:g} and {most:g}")
    return numbers
