"""The inputs of the command: songs as MIDI or stems, codes, and songs to imitate."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from drumkit_cli import console
from drumkit_cli.audio.reader import AudioReader
from drumkit_cli.audio.stems import select_stem, sum_stems
from drumkit_cli.errors import BadDataError, UsageError
from drumkit_cli.io.arrays import Floats, read_npy
from drumkit_cli.io.sniffing import Kind
from drumkit_cli.io.streams import Input, open_input
from drumkit_cli.kick.context import Context, context_of_sound, context_of_track, strength_of
from drumkit_cli.kick.ear import hear_snare
from drumkit_cli.kick.infer import as_code
from drumkit_cli.listening.beat_tracker import hear_beats
from drumkit_cli.listening.beats import steady_beats
from drumkit_cli.listening.tempo_map import empty_song, tempo_map
from drumkit_cli.midi.files import read_midi
from drumkit_cli.midi.selection import WHOLE, Selection
from drumkit_cli.midi.track import Track, empty_track
from drumkit_cli.patterns.songs import song_of
from drumkit_cli.spectral.onset_strength import RATE

BLOCK_FRAMES = 1 << 16


@dataclass(frozen=True)
class Source:
    """A song that was read.

    Attributes:
        name: for messages and names of outputs.
        sha256: of its files.
        context: what the kick is played to.
        map: a track with its tempi and meters and of its length.
        track: the song, where it is MIDI.
        rate: samples a second of a WAV of the kick.
        readers: open audio files whose sum is the song; none where it is MIDI.
    """

    name: str
    sha256: str
    context: Context
    map: Track
    track: Track | None = None
    rate: int = RATE
    readers: tuple[AudioReader, ...] = field(default=())


Tempo = tuple[float, float]
"""Beats a minute, and the start of the first bar in seconds."""


@contextmanager
def open_source(
    song: str | None,
    stems: tuple[str | None, str | None],
    tempo: Tempo | None,
    part: Selection = WHOLE,
) -> Iterator[Source]:
    """Open a song, of MIDI a part of it, or a bass and a snare.

    Raises:
        UsageError: a part of audio; measures that are not there.
        BadDataError: neither MIDI nor a stems stream; no bass, or no snare.
        MissingInputError: a file does not exist.
    """
    with ExitStack() as stack:
        bass, snare = stems
        if bass is not None and snare is not None:
            _require_whole(part)
            files = [stack.enter_context(open_input(path)) for path in (bass, snare)]
            readers = [stack.enter_context(AudioReader(file)) for file in files]
            sha256 = ",".join(file.sha256() for file in files)
            yield _of_stems(readers, tempo, sha256)
            return
        source = stack.enter_context(open_input(song or "-"))
        if source.kind is Kind.MIDI:
            yield _of_midi(source, tempo, part)
            return
        _require_whole(part)
        if source.kind is Kind.NPY:
            raise BadDataError(f"{source.name} is NPY, neither MIDI nor audio", "give a song")
        yield _of_stream(stack.enter_context(AudioReader(source)), tempo, source.sha256())


def read_reference(path: str) -> Context:
    """Read the song that `--like` names.

    Raises:
        BadDataError: not MIDI, or without bass or snare.
        MissingInputError: it does not exist.
    """
    with open_input(path) as source:
        source.require(Kind.MIDI, "MIDI", "give a MIDI file with bass, snare and kick")
        return context_of_track(read_midi(source.read_bytes(), source.name), source.name)


def read_code(path: str, size: int) -> Floats:
    """Read a code of `size` numbers.

    Raises:
        BadDataError: not NPY, or of another size.
        MissingInputError: it does not exist.
    """
    with open_input(path) as source:
        return as_code(read_npy(source), size, source.name)


def _require_whole(part: Selection) -> None:
    if part != WHOLE:
        raise UsageError("--bars and --voices are of MIDI, not of audio")


def _of_midi(source: Input, tempo: Tempo | None, part: Selection) -> Source:
    track = song_of(source, part).track
    beats = None if tempo is None else _with_bars(steady_beats(*tempo, track.seconds))
    context = context_of_track(track, source.name, beats)
    return Source(source.name, source.sha256(), context, track, track)


def _of_stream(reader: AudioReader, tempo: Tempo | None, sha256: str) -> Source:
    """A stems stream, in whose drums the ear hears the snare."""
    bass, drums = select_stem(reader, "bass"), select_stem(reader, "drums")
    if bass is None or drums is None:
        raise BadDataError(
            f"{reader.name} is no stems stream",
            f"drumkit separate {reader.name} | drumkit kick, or give --bass and --snare",
        )
    strength = strength_of(_mono(reader, bass), reader.rate)
    curves = hear_snare(_mono(reader, drums), reader.rate, len(strength)), strength
    return _of_sound((reader,), curves, tempo, sha256)


def _of_stems(readers: list[AudioReader], tempo: Tempo | None, sha256: str) -> Source:
    bass, snare = readers
    if bass.rate != snare.rate or bass.frames != snare.frames:
        raise BadDataError(f"{bass.name} and {snare.name} differ in rate or length")
    whole = [slice(0, reader.channels) for reader in readers]
    curves = (
        strength_of(_mono(snare, whole[1]), snare.rate),
        strength_of(_mono(bass, whole[0]), bass.rate),
    )
    return _of_sound(tuple(readers), curves, tempo, sha256)


def _of_sound(
    readers: tuple[AudioReader, ...],
    curves: tuple[Floats, Floats],
    tempo: Tempo | None,
    sha256: str,
) -> Source:
    reader = readers[0]
    if tempo is None:
        heard = hear_beats(_whole(readers), reader.rate)
        if not len(heard):
            console.warn(f"{reader.name}: no beats are heard; --bpm and --offset give them")
        map_of_beats = tempo_map(heard)
        end = map_of_beats.clock.ticks(reader.seconds)
        shape = empty_song(map_of_beats, end, "kick")
    else:
        heard = steady_beats(*tempo, reader.seconds)
        end = empty_track(tempo[0]).clock.ticks(reader.seconds)
        shape = empty_track(tempo[0], end_ticks=end, name="kick")
    context = context_of_sound(*curves, _with_bars(heard), reader.seconds, reader.name)
    return Source(reader.name, sha256, context, shape, None, reader.rate, readers)


def _mono(reader: AudioReader, part: slice) -> Iterator[Floats]:
    reader.rewind()
    return (block[part].mean(0) for block in reader.blocks(BLOCK_FRAMES))


def _whole(readers: tuple[AudioReader, ...]) -> Iterator[Floats]:
    """Mono blocks of the sum of sounds, or of stems."""
    for reader in readers:
        reader.rewind()
    streams = [reader.blocks(BLOCK_FRAMES) for reader in readers]
    for blocks in zip(*streams, strict=True):
        yield np.sum([sum_stems(b, r) for b, r in zip(blocks, readers, strict=True)], axis=0)


def _with_bars(beats: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Seconds of the beats `[n, 2]` and of those that begin a bar."""
    return beats[:, 0], beats[beats[:, 1] == 1, 0]
