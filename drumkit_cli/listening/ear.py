"""The trained ear: sound in, activations out, in constant memory."""

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np

from drumkit_cli.io.arrays import Floats
from drumkit_cli.learning.checkpoint import Checkpoint
from drumkit_cli.learning.network import open_network
from drumkit_cli.listening.config import OUTPUTS, EarConfig
from drumkit_cli.listening.levels import level_blocks
from drumkit_cli.listening.voices import VOICES

DEFINITION: Final = "drumkit_cli.listening.model"
BEAT, DOWNBEAT = OUTPUTS.index("beat"), OUTPUTS.index("downbeat")
CHUNK_FRAMES: Final = 3000
"""Frames that the network gets at once, besides the margins; divisible by `SLOW`."""


class Listener:
    """The trained network, from NumPy to NumPy."""

    def __init__(self, checkpoint: Checkpoint, device: str = "cpu") -> None:
        """Open the network of a checkpoint.

        Raises:
            BadDataError: the weights are of another network.
        """
        config = checkpoint.restore(EarConfig)
        self._network = open_network(checkpoint, device, DEFINITION)
        self.thresholds = config.thresholds
        self.margin_frames = config.reach_frames
        self.finds_bars = config.bars > 0
        self.weights_sha256 = checkpoint.sha256

    def activations(self, levels: Floats) -> Floats:
        """Levels `[T, F]` to activations `[T, 14]`, 0..1: `OUTPUTS`, then velocities."""
        shape = (1, len(levels), len(OUTPUTS) + len(VOICES))
        (made,) = self._network.run("hear", [levels[None]], [shape])
        activations: Floats = made[0]
        return activations

    def downbeats(self, features: Floats) -> Floats:
        """How likely each beat is the first of a bar, 0..1 `[n]`, by its features `[n, FEATURES]`.

        Only where `finds_bars`.
        """
        (made,) = self._network.run("bars", [features[None]], [(1, len(features))])
        likely: Floats = made[0]
        return likely


def listen(blocks: Iterable[Floats], listener: Listener) -> Iterator[tuple[Floats, Floats]]:
    """Yield levels `[t, F]` and activations `[t, 14]` of a sound of mono blocks at `MEL.rate`.

    Activations are those of the whole sound at once, whatever the blocks: the network is run on
    chunks with margins as wide as it sees.
    """
    margin = listener.margin_frames
    held = np.zeros((0, 0), np.float32)
    before = 0  # frames at the start of `held` that were given already
    for levels in level_blocks(blocks):
        held = np.concatenate([held, levels]) if len(held) else levels
        while len(held) >= before + CHUNK_FRAMES + margin:
            chunk = listener.activations(held[: before + CHUNK_FRAMES + margin])
            given = slice(before, before + CHUNK_FRAMES)
            yield held[given], chunk[given]
            held = held[before + CHUNK_FRAMES - margin :]
            before = margin
    if len(held) > before:
        yield held[before:], listener.activations(held)[before:]
