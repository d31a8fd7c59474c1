"""Facts of audio: how it is stored, how long and how loud it is."""

import math
from typing import Any

import numpy as np

from drumkit_cli import console
from drumkit_cli.audio.loudness import LoudnessMeter
from drumkit_cli.audio.reader import AudioReader, Samples
from drumkit_cli.audio.samples import BLOCK_FRAMES
from drumkit_cli.audio.stems import stem_owners
from drumkit_cli.info.origin import provenance_facts
from drumkit_cli.io.streams import Input


class Levels:
    """Peak and loudness of a sound that comes in blocks."""

    def __init__(self, rate: int, channels: int) -> None:
        """Prepare for blocks `[C, n]` at `rate`."""
        self.channels = channels
        self._peak = 0.0
        self._loudness = LoudnessMeter(rate, channels)

    def push(self, block: Samples) -> None:
        """Take float32 `[C, n]`, n > 0."""
        self._peak = max(self._peak, float(np.abs(block).max()))
        self._loudness.push(block)

    def facts(self) -> dict[str, float | None]:
        """End the sound and return its levels; None where there is none."""
        loudness = self._loudness.integrated()
        return {
            "peak_dbfs": 20 * math.log10(self._peak) if self._peak else None,
            "loudness_lufs": None if loudness == -math.inf else loudness,
        }


def audio_facts(source: Input) -> dict[str, Any]:
    """Return format, encoding, rate, channels, length, levels, stems and provenance.

    The levels of a stems stream are those of the sum of its stems.

    Raises:
        BadDataError: as `AudioReader`.
    """
    with AudioReader(source) as reader:
        parts = _stem_channels(reader)
        stems = {name: Levels(reader.rate, len(part)) for name, part in parts.items()}
        widths = {levels.channels for levels in stems.values()}
        # Stems of different widths have no sum: then all channels together are measured.
        total = Levels(reader.rate, widths.pop() if len(widths) == 1 else reader.channels)
        with console.progress(reader.frames, reader.name) as bar:
            for block in reader.blocks(BLOCK_FRAMES):
                for name, levels in stems.items():
                    levels.push(block[parts[name]])
                total.push(block.reshape(-1, total.channels, block.shape[1]).sum(0))
                bar.advance(block.shape[1])
        return {
            "kind": "audio",
            "format": reader.format,
            "encoding": reader.encoding,
            "rate_hz": reader.rate,
            "channels": reader.channels,
            "frames": reader.frames,
            "seconds": reader.seconds,
            **total.facts(),
            "stems": [
                {"name": name, "channels": levels.channels, **levels.facts()}
                for name, levels in stems.items()
            ],
            "provenance": provenance_facts([reader.comment]),
        }


def _stem_channels(reader: AudioReader) -> dict[str, list[int]]:
    """Return the channels of each stem of a stems stream; {} for plain audio."""
    owners = stem_owners(reader.track_names)
    return {
        stem: [channel for channel, owner in enumerate(owners) if owner == stem]
        for stem in dict.fromkeys(owners)
    }
