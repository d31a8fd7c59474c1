"""Bytes as inputs of the reader, and what it reads of them."""

import tempfile

from drumkit_cli.audio.reader import AudioReader
from drumkit_cli.io.sniffing import sniff
from drumkit_cli.io.streams import Input


def as_input(data):
    file = tempfile.TemporaryFile(buffering=0)
    file.write(data)
    return Input("song", file, sniff(data))


def read(data):
    with AudioReader(as_input(data)) as reader:
        reader.check_finite()
        samples = reader.read()
        assert samples.shape == (reader.channels, reader.frames)
        return samples


def of_unknown_length(flac):
    """A FLAC as it is streamed: the 36 bits of its sample count are 0."""
    assert flac[4] & 0x7F == 0  # STREAMINFO
    return flac[:21] + bytes([flac[21] & 0xF0]) + bytes(4) + flac[26:]
