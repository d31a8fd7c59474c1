"""The trained network, from NumPy to NumPy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import numpy as np

from drumkit_cli.io.arrays import Floats
from drumkit_cli.kick.codes import typical_codes
from drumkit_cli.kick.config import ModelConfig
from drumkit_cli.kick.curves import pick_hits
from drumkit_cli.kick.hits import likeness
from drumkit_cli.learning.network import Network, open_network

if TYPE_CHECKING:
    from drumkit_cli.learning.checkpoint import Checkpoint

DEFINITION: Final = "drumkit_cli.kick.model"
CHUNK_FRAMES: Final = 4096
"""Frames that the network gets at once, besides the margins."""


class Drummer:
    """Codes out of kicks and contexts, and kicks out of codes and contexts, of any length T.

    A song is given to the network in chunks with margins as wide as it sees: the result is that of
    the whole at once.
    """

    def __init__(self, network: Network, config: ModelConfig, weights_sha256: str = "") -> None:
        self._network = network
        self._margin = config.reach_frames
        self.code_size = config.code_size
        self.weights_sha256 = weights_sha256

    def encode(self, context: Floats, kick: Floats) -> Floats:
        """Codes `[T, Q]` of a context `[4, T]` and a kick `[T]`, standardised curves."""
        made = [np.zeros((self.code_size, 0), np.float32)]
        for wide, kept in self._chunks(len(kick)):
            length = wide.stop - wide.start
            inputs = [context[None, :, wide], kick[None, None, wide]]
            (codes,) = self._network.run("encode", inputs, [(1, self.code_size, length)])
            made.append(codes[0][:, kept])
        return np.concatenate(made, axis=1).T

    def decode(self, context: Floats, codes: Floats) -> Floats:
        """The kick's curve `[T]` in a context `[4, T]` by codes `[T, Q]`, or by one code `[Q]`."""
        frames = context.shape[1]
        codes = np.broadcast_to(np.atleast_2d(codes), (frames, self.code_size))
        made = [np.zeros(0, np.float32)]
        for wide, kept in self._chunks(frames):
            length = wide.stop - wide.start
            inputs = [
                np.ascontiguousarray(context[None, :, wide]),
                codes[None, wide].transpose(0, 2, 1).copy(),
            ]
            (kick,) = self._network.run("decode", inputs, [(1, 1, length)])
            made.append(kick[0, 0, kept])
        return np.concatenate(made)

    def prototype(self, context: Floats, kick: Floats) -> Floats:
        """The code `[Q]` that stands for a song: of the typical ones that which plays most alike.

        The paper takes the centre of the largest cluster (section 4), unseen how it plays.
        """
        truth, _ = pick_hits(kick)
        codes = typical_codes(self.encode(context, kick))
        played = (pick_hits(self.decode(context, code))[0] for code in codes)
        best: Floats = codes[int(np.argmax([likeness(truth, hits) for hits in played]))]
        return best

    def _chunks(self, frames: int) -> Iterator[tuple[slice, slice]]:
        """Parts of a song with their margins, and what of each is kept."""
        for start in range(0, frames, CHUNK_FRAMES):
            stop = min(start + CHUNK_FRAMES, frames)
            first, last = max(start - self._margin, 0), min(stop + self._margin, frames)
            yield slice(first, last), slice(start - first, stop - first)


def open_drummer(checkpoint: Checkpoint, device: str = "cpu") -> Drummer:
    """Open the network of a checkpoint.

    Raises:
        BadDataError: the weights are of another network.
    """
    config = checkpoint.restore(ModelConfig)
    return Drummer(open_network(checkpoint, device, DEFINITION), config, checkpoint.sha256)
