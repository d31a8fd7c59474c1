"""Samples that tests give to functions, and what the commands write for comparison."""

import numpy as np

from drumkit_cli import cli
from drumkit_cli.midi.files import read_midi
from tests.contract import midi_files

TRACK = read_midi(midi_files.WHOLE, "beat")


def noise(*shape):
    return np.random.default_rng(0).normal(0, 0.1, shape).astype(np.float32)


def written(tmp_path, *arguments):
    """The MIDI file that a command writes."""
    output = tmp_path / "out.mid"
    assert cli.run([*arguments, "--no-provenance", "--threads", "1", "-o", str(output)]) == 0
    return output.read_bytes()
