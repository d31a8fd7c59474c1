"""The outputs of the command: the kick as notes or as sound, alone or in its song."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from drumkit_cli import console
from drumkit_cli.audio.encoding import Encoding, format_of
from drumkit_cli.audio.reader import AudioReader, resample
from drumkit_cli.audio.stems import stem_owners
from drumkit_cli.audio.writing import open_writer
from drumkit_cli.errors import BadDataError, UsageError
from drumkit_cli.io.arrays import Floats
from drumkit_cli.io.streams import open_input, open_output
from drumkit_cli.kick.hits import kick_track, mixed_track, render_hits
from drumkit_cli.kick.infer import Played
from drumkit_cli.kick.sources import BLOCK_FRAMES, Source
from drumkit_cli.midi.files import write_midi

ONE_SHOT_MAX_SECONDS: Final = 10.0


def write_notes(
    source: Source, played: Played, place: str | None, comment: str, *, mix: bool
) -> None:
    """Write MIDI: the kick alone, or the song with it."""
    if mix and source.track is not None:
        track = mixed_track(source.track, played.hits)
    else:
        track = kick_track(source.map, played.hits)
    with open_output(place) as sink:
        sink.write(write_midi(track, comment))


def write_sound(
    source: Source,
    played: Played,
    one_shot: Floats,
    place: str,
    comment: str,
    *,
    encoding: Encoding,
    mix: bool,
) -> None:
    """Write the sound of the kick, mono, or the song's with the kick in every channel.

    Raises:
        UsageError: a mix of a song that has no audio.
    """
    if mix and not source.readers:
        raise UsageError("a MIDI song has no sound to mix a kick into", "leave out --mix")
    frames = source.readers[0].frames if source.readers else round(source.map.seconds * source.rate)
    blocks = (block[None] for block in render_hits(played.hits, one_shot, source.rate, frames))
    channels = 1
    if mix:
        songs = [_song(reader) for reader in source.readers]
        channels = max(2 if _is_stereo(reader) else 1 for reader in source.readers)
        blocks = (sum(parts[1:], parts[0]) for parts in zip(blocks, *songs, strict=True))
    with (
        open_output(place) as sink,
        open_writer(
            sink,
            format_of(place),
            source.rate,
            channels,
            frames=frames,
            encoding=encoding,
            comment=comment,
        ) as writer,
    ):
        for block in blocks:
            writer.write(np.broadcast_to(block, (channels, block.shape[1])))
    if writer.clipped_samples:
        console.warn(f"{source.name}: {writer.clipped_samples} samples were clipped")


def one_shot(path: str | None, rate: int, seed: int) -> Floats:
    """The sound `[N]` of a hit, mono at a rate: of a file, or synthesised.

    Raises:
        BadDataError: the file is longer than 10 seconds, or not audio.
        MissingInputError: there is no such file.
        UnavailableError: the synthesiser's weights are not installed.
    """
    if path is None:
        from drumkit_cli.learning.models import load_model
        from drumkit_cli.sounds.drum_synth import DrumSynth
        from drumkit_cli.sounds.mel_image import MEL

        synth = load_model(DrumSynth, "synth")
        sound = synth.play(synth.space.sample("kick", 1, seed)[0], seed=seed)
        return _mono(sound[None], MEL.rate, rate)
    with open_input(path) as source, AudioReader(source) as reader:
        if reader.seconds > ONE_SHOT_MAX_SECONDS:
            raise BadDataError(
                f"{path} lasts {reader.seconds:.0f} s", "give a one-shot of 10 seconds at most"
            )
        return _mono(reader.read(), reader.rate, rate)


def _mono(sound: Floats, from_rate: int, rate: int) -> Floats:
    mono: Floats = resample(sound.mean(0, keepdims=True), from_rate, rate)[0]
    return mono


def _is_stereo(reader: AudioReader) -> bool:
    """Whether a song has two channels, or its stems have."""
    owners = stem_owners(reader.track_names)
    return max(owners.count(name) for name in owners) > 1 if owners else reader.channels > 1


def _song(reader: AudioReader) -> Iterator[Floats]:
    """Blocks `[1 or 2, n]` of a sound, or of the sum of stems."""
    reader.rewind()
    owners = stem_owners(reader.track_names)
    names = sorted(set(owners))
    for block in reader.blocks(BLOCK_FRAMES):
        if owners:
            stems = [block[[i for i, owner in enumerate(owners) if owner == n]] for n in names]
            yield np.sum([np.broadcast_to(s, (2, s.shape[1])) for s in stems], axis=0)
        else:
            yield block if block.shape[0] <= 2 else block.mean(0, keepdims=True)
