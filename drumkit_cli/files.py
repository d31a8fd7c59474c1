"""Files of sound and of notes by their paths, for programs that call drumkit's functions."""

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.arguments import require_known
from drumkit_cli.audio.encoding import Encoding, format_of
from drumkit_cli.audio.reader import AudioReader, Samples
from drumkit_cli.audio.samples import as_channels
from drumkit_cli.audio.writing import open_writer
from drumkit_cli.groove.inputs import groove_file
from drumkit_cli.groove.inputs.groove_file import GrooveTable
from drumkit_cli.io.streams import open_input, open_output
from drumkit_cli.midi import files as midi_files
from drumkit_cli.midi.selection import parse_selection
from drumkit_cli.midi.track import Track
from drumkit_cli.patterns.songs import read_song
from drumkit_cli.synth.kits.kit import Kit
from drumkit_cli.synth.kits.loading import load_kit


def read_audio(path: str | os.PathLike[str]) -> tuple[Samples, int]:
    """Read a WAV, FLAC, Ogg, MP3 or AIFF file.

    Returns:
        Samples, float32 ``[channels, samples]`` with full scale at 1, and the sample rate in Hz.

    Raises:
        MissingInputError: it does not exist or may not be read.
        BadDataError: it is not audio, damaged or truncated, or it holds samples that are NaN,
            infinite or beyond a million times full scale.

    Example:
        >>> song, rate = drumkit.read_audio("song.flac")
    """
    with open_input(os.fspath(path)) as source, AudioReader(source) as reader:
        return reader.read(), reader.rate


def write_audio(
    path: str | os.PathLike[str],
    samples: NDArray[np.floating[Any]],
    rate: int,
    encoding: str = "float32",
) -> None:
    """Write a WAV, FLAC, Ogg or MP3 file; one that is there is replaced as a whole.

    Args:
        path: where to; the end of the name says the format, any other than .flac, .ogg and .mp3
            WAV.
        samples: floats ``[channels, samples]`` or ``[samples]``, full scale at 1.
        rate: samples a second.
        encoding: "float32", "pcm16", "pcm24" or "pcm32"; FLAC has 16 or 24 bits. All but WAV of
            floats clips what is beyond full scale.

    Raises:
        OutputError: the file cannot be made.
        BadDataError: `samples` or `rate` are not as above.
        UsageError: no such encoding, or a rate or channels that the format does not have.

    Example:
        >>> drumkit.write_audio("drums.wav", drums, rate, "pcm24")
    """
    channels = as_channels(samples, rate)
    require_known("encoding", encoding, [name.value for name in Encoding])
    count, frames = channels.shape
    form = format_of(os.fspath(path))
    form.require_rate(rate)
    with (
        open_output(os.fspath(path)) as sink,
        open_writer(sink, form, rate, count, frames=frames, encoding=Encoding(encoding)) as writer,
    ):
        writer.write(channels)


def read_midi(
    path: str | os.PathLike[str], bars: str | None = None, voices: str | None = None
) -> Track:
    """Read a Standard MIDI file, of which nothing is lost, or a part of one.

    Args:
        path: of the file; or a pattern that ships, such as "techno:3".
        bars: measures to read, counted from 1: "5", "5-8", "5-" or "1-4,9"; they come to the
            start.
        voices: drums to read, such as "kick,closed-hat,tom"; other instruments stay.

    Raises:
        MissingInputError: it does not exist or may not be read.
        BadDataError: it is no MIDI file, damaged, or beyond a million events or 24 hours; it has
            none of the drums.
        UsageError: no such pattern, measures or drum.

    Example:
        >>> track = drumkit.read_midi("beat.mid", bars="5-8")
        >>> [(note.onset_seconds, note.pitch, note.velocity) for note in track.notes]
    """
    return read_song(os.fspath(path), parse_selection(bars, voices)).track


def write_midi(path: str | os.PathLike[str], track: Track) -> None:
    """Write a Standard MIDI file; one that is there is replaced as a whole.

    Raises:
        OutputError: the file cannot be made.

    Example:
        >>> drumkit.write_midi("played.mid", drumkit.groove(track))
    """
    data = midi_files.write_midi(track)
    with open_output(os.fspath(path)) as sink:
        sink.write(data)


def read_kit(path: str | os.PathLike[str]) -> Kit:
    """Read a drum kit: one that ``drumkit synth --save-kit`` wrote, or one of samples.

    Args:
        path: of a kit as JSON, of Hydrogen's ``drumkit.xml``, of an SFZ file, or of a folder with
            one of the latter two or with sounds named as voices: ``kick.wav``.

    Raises:
        MissingInputError: it does not exist or may not be read.
        BadDataError: it is no kit, or names sounds that are not there or outside its folder.

    Example:
        >>> sound = drumkit.synth(track, kit=drumkit.read_kit("kit.json"))
    """
    return load_kit(os.fspath(path))[0]


def read_groove(path: str | os.PathLike[str]) -> GrooveTable:
    """Read a groove as text, which ``drumkit groove --extract`` wrote.

    Raises:
        MissingInputError: it does not exist or may not be read.
        BadDataError: it is no groove; the message names the line.

    Example:
        >>> played = drumkit.groove(track, like=drumkit.read_groove("shuffle.groove"))
    """
    with open_input(os.fspath(path)) as source:
        return groove_file.read_groove(source.read_bytes(), source.name)
