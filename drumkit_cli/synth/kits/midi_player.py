"""Plays the drum tracks of MIDI files with a kit, as stereo WAV files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from drumkit_cli import console
from drumkit_cli.batch.run import each
from drumkit_cli.io.outputs import Destination
from drumkit_cli.io.streams import open_output
from drumkit_cli.midi.drum_parts import find_drums
from drumkit_cli.midi.map_file import DrumMap
from drumkit_cli.midi.selection import WHOLE, Selection
from drumkit_cli.patterns.grid import name_unknown
from drumkit_cli.patterns.songs import Song, read_song
from drumkit_cli.sounds.codes import Code
from drumkit_cli.sounds.drum_synth import DrumSynth
from drumkit_cli.synth.code_sources import Source
from drumkit_cli.synth.infer import play_track, require_fitting, require_notes
from drumkit_cli.synth.kits.kit import Kit, changed, draw_kit, kit_text, require_voices
from drumkit_cli.synth.kits.loading import load_kit, read_voice
from drumkit_cli.synth.kits.recordings import Recordings
from drumkit_cli.synth.kits.rendering import SoundBank
from drumkit_cli.synth.render_options import RenderOptions
from drumkit_cli.synth.requests import KitChoice


@dataclass(frozen=True)
class Parts:
    """Inputs of a kit that were read: name and kit of a file, sounds by voice, SHA-256 sums."""

    saved: tuple[str, Kit] | None
    sounds: Mapping[str, Source | Recordings]
    sums: Sequence[str]


def play_songs(
    inputs: Sequence[str],
    destination: Destination,
    choice: KitChoice,
    rendering: RenderOptions,
    part: Selection = WHOLE,
    drum_map: DrumMap | None = None,
) -> None:
    """Play every input, or a part of it, with the same kit.

    Raises:
        DrumkitError: an input, the kit or an output cannot be used.
    """
    parts = _read_parts(choice)

    @cache
    def load() -> SoundBank:
        return _load_bank(choice, parts, rendering)

    def play_one(path: str) -> None:
        song = read_song(path, part, drum_map)
        require_notes(song.track, song.name)
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
    comment = rendering.comment(bank.weights_sha256, song.sha256, *sums)
    rendering.write(destination.place(song.name), 2, played.frames, played.blocks(), comment)


def _read_parts(choice: KitChoice) -> Parts:
    saved, sums = None, []
    if choice.path is not None:
        kit, sha256 = load_kit(choice.path)
        saved = choice.path, kit
        sums.append(sha256)
        require_voices({*kit.voices, *choice.sounds}, [*choice.gains_db, *choice.pans])
    sounds = {}
    for voice, layers in choice.sounds.items():
        sounds[voice], found = read_voice(layers)
        sums += found
    return Parts(saved, sounds, [sha256 for sha256 in sums if sha256])


def _load_bank(choice: KitChoice, parts: Parts, rendering: RenderOptions) -> SoundBank:
    """Build the kit and the bank of its sounds; save the kit if requested."""
    name, saved = parts.saved or ("", None)
    own = {voice for voice, sound in parts.sounds.items() if isinstance(sound, Recordings)}
    has_codes = saved is None or len(own) < len(parts.sounds)
    has_codes |= saved is not None and any(
        not voice.takes for key, voice in saved.voices.items() if key not in own
    )
    synth = rendering.load() if has_codes else None
    if saved is not None and synth is not None:
        require_fitting(saved, name, synth)
        if saved.weights_sha256 not in ("", synth.weights_sha256):
            console.warn(f"{name} was made with other weights: it sounds different")
    if saved is None:
        assert synth is not None
        saved = draw_kit(synth, rendering.seed)
    sounds = {voice: _sound(part, synth) for voice, part in parts.sounds.items()}
    kit = changed(saved, sounds, choice.gains_db, choice.pans)
    bank = SoundBank(
        synth, kit, humanize=choice.humanize, inverter=rendering.inverter, rate=rendering.rate
    )
    if choice.save_path is not None:
        _save(kit, bank.weights_sha256, choice.save_path)
    return bank


def _sound(part: Source | Recordings, synth: DrumSynth | None) -> Code | Recordings:
    if isinstance(part, Recordings):
        return part
    assert synth is not None
    return part.code(synth)


def _save(kit: Kit, weights_sha256: str, path: str) -> None:
    with open_output(path, text=True) as sink:
        sink.write(kit_text(Kit(kit.voices, weights_sha256), Path(path).parent).encode())
