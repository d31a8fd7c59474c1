"""Plays the drum tracks of MIDI files with a kit, as stereo WAV files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from drumkit_cli import console
from drumkit_cli.batch.run import each
from drumkit_cli.io.outputs import Destination
from drumkit_cli.io.sniffing import Kind
from drumkit_cli.io.streams import open_input, open_output
from drumkit_cli.midi.drum_parts import find_drums
from drumkit_cli.midi.files import read_midi
from drumkit_cli.midi.map_file import DrumMap
from drumkit_cli.midi.track import Track
from drumkit_cli.patterns.grid import name_unknown
from drumkit_cli.synth.code_sources import Source, read_code
from drumkit_cli.synth.infer import play_track, require_fitting, require_notes
from drumkit_cli.synth.kits.kit import Kit, changed, draw_kit, kit_text, read_kit, require_voices
from drumkit_cli.synth.kits.rendering import SoundBank
from drumkit_cli.synth.render_options import RenderOptions
from drumkit_cli.synth.requests import KitChoice


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
    destination: Destination,
    choice: KitChoice,
    rendering: RenderOptions,
    drum_map: DrumMap | None = None,
) -> None:
    """Play every input with the same kit.

    Raises:
        DrumkitError: an input, the kit or an output cannot be used.
    """
    parts = _read_parts(choice)

    @cache
    def load() -> SoundBank:
        return _load_bank(choice, parts, rendering)

    def play_one(path: str) -> None:
        song = _read_song(path)
        _play_one(song, load(), destination, choice, rendering, parts.sums, drum_map)

    each(inputs, play_one, destination)


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
            threads=rendering.threads,
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
        source.require(Kind.MIDI, "MIDI", "give a MIDI file")
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
