"""What a file is and how it was made, as plain values."""

import os
from typing import Any

from drumkit_cli.io.sniffing import HEAD_BYTES, Kind
from drumkit_cli.io.streams import Input, open_input

Facts = dict[str, Any]
"""What JSON holds: texts, numbers, None, and lists and dictionaries of them."""


def info(path: str | os.PathLike[str]) -> Facts:
    """Tell what a file is and how it was made.

    Args:
        path: of audio, MIDI, an NPY array, weights, a groove or a kit.

    Returns:
        What ``drumkit info --json`` prints: "file", "kind" and what the kind has. A level or
        loudness is None where there is none, as of silence.

    Raises:
        MissingInputError: it does not exist or may not be read.
        BadDataError: it is damaged, or of none of these kinds.

    Example:
        >>> drumkit.info("song.wav")["loudness_lufs"]
    """
    with open_input(os.fspath(path)) as source:
        return describe(source)


def describe(source: Input) -> Facts:
    """Tell what an open input is; as `info`."""
    return {"file": source.name, **_facts(source)}


def _facts(source: Input) -> Facts:
    if source.kind is Kind.MIDI:
        from drumkit_cli.info.notes import midi_facts

        return midi_facts(source)
    if source.kind is Kind.NPY:
        from drumkit_cli.info.arrays import array_facts

        return array_facts(source)
    if source.kind is Kind.UNKNOWN:
        from drumkit_cli.info import documents

        head = source.file.read(HEAD_BYTES)
        source.file.seek(0)
        if read := documents.reader_of(head):
            return read(source)
    from drumkit_cli.info.sound import audio_facts

    return audio_facts(source)
