"""Transitions between drum patterns: paths through latent codes (Eq. 6 and 7), or a crossfade."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from drumkit_cli.learning.checkpoint import Checkpoint

SILENCE: Final = 0.05
"""Velocity below which a note is not played, by default."""

Floats = NDArray[np.float32]


class Path(StrEnum):
    """Kinds of paths from a start to a goal."""

    SLERP = "slerp"
    LERP = "lerp"
    CROSSFADE = "crossfade"


class Autoencoder:
    """The autoencoder of drum patterns with its weights, from NumPy to NumPy."""

    def __init__(self, checkpoint: Checkpoint, device: str = "cpu") -> None:
        """Build the network of a checkpoint.

        Raises:
            BadDataError: the weights are of another network.
        """
        from drumkit_cli.errors import BadDataError
        from drumkit_cli.interpolate.model import ModelConfig, PatternVAE

        try:
            network = PatternVAE(ModelConfig.of(checkpoint.config))
            network.load_state_dict(checkpoint.state)
        except (TypeError, KeyError, ValueError, RuntimeError) as error:
            raise BadDataError(f"{checkpoint.path}: weights of another interpolate") from error
        self._network = network.eval().to(device)
        self._device = device
        self.weights_sha256 = checkpoint.sha256

    def encode(self, patterns: Floats) -> Floats:
        """Encode patterns ``[N, V, T]`` as codes ``[N, Z]``."""
        import torch

        with torch.inference_mode():
            codes = self._network.encode(torch.from_numpy(patterns).to(self._device))[0]
        made: Floats = codes.cpu().numpy()
        return made

    def decode(self, codes: Floats) -> Floats:
        """Decode codes ``[N, Z]`` to velocities ``[N, V, T]`` 0..1."""
        import torch

        from drumkit_cli.patterns.networks import to_velocities

        with torch.inference_mode():
            logits = self._network.decode(torch.from_numpy(codes).to(self._device))
        made: Floats = to_velocities(logits).cpu().numpy()
        return made


def interpolate(
    start: Floats,
    goal: Floats,
    steps: int,
    path: Path,
    autoencoder: Autoencoder | None = None,
    *,
    reconstruct: bool = False,
    silence: float = SILENCE,
) -> Floats:
    """Make a transition from one pattern to another.

    Args:
        start: velocities ``[V, T]`` 0..1.
        goal: velocities ``[V, T]`` 0..1.
        steps: L, at least 1.
        path: arc or line through the codes, or a crossfade of the patterns.
        autoencoder: the model; None for a crossfade without reconstruction.
        reconstruct: end in the autoencoder's reconstructions of start and goal, as in the paper;
            else the ends are start and goal themselves.
        silence: velocity below which notes of generated patterns become rests.

    Returns:
        Patterns ``[L + 1, V, T]``, both ends included.
    """
    made_ends = np.stack([start, goal])
    if autoencoder is None:
        assert path is Path.CROSSFADE, "a path through codes needs a model"
        assert not reconstruct, "a reconstruction needs a model"
        made = crossfade(start, goal, steps)
    else:
        codes = autoencoder.encode(made_ends)
        if reconstruct:
            made_ends = _silenced(autoencoder.decode(codes), silence)
        if path is Path.CROSSFADE:
            made = crossfade(made_ends[0], made_ends[1], steps)
        else:
            between = {Path.LERP: lerp, Path.SLERP: slerp}[path]
            made = autoencoder.decode(between(codes[0], codes[1], steps))
    made = _silenced(made, silence)
    made[0], made[-1] = made_ends
    return made


def lerp(start: Floats, goal: Floats, steps: int) -> Floats:
    """Codes ``[L + 1, Z]`` on the straight line from start to goal (Eq. 6)."""
    share = (np.arange(steps + 1) / steps)[:, None]
    made: Floats = ((1 - share) * start + share * goal).astype(np.float32)
    return made


def slerp(start: Floats, goal: Floats, steps: int) -> Floats:
    """Codes ``[L + 1, Z]`` on the arc from start to goal (Eq. 7).

    Where they span no angle (equal, opposite or zero codes), it is `lerp`.
    """
    first, last = start.astype(np.float64), goal.astype(np.float64)
    length = np.linalg.norm(first) * np.linalg.norm(last)
    angle = np.arccos(np.clip(first @ last / length, -1, 1)) if length else 0.0
    if np.sin(angle) < 1e-6:
        return lerp(start, goal, steps)
    share = (np.arange(steps + 1) / steps)[:, None]
    arc = first * np.sin(angle * (1 - share)) + last * np.sin(angle * share)
    made: Floats = (arc / np.sin(angle)).astype(np.float32)
    return made


def crossfade(start: Floats, goal: Floats, steps: int) -> Floats:
    """Patterns ``[L + 1, V, T]`` with both at gains of equal power; the louder note counts."""
    turn = (np.arange(steps + 1) / steps * np.pi / 2)[:, None, None]
    made: Floats = np.maximum(np.cos(turn) * start, np.sin(turn) * goal).astype(np.float32)
    return made


def _silenced(patterns: Floats, silence: float) -> Floats:
    """Patterns with the notes below a velocity made rests."""
    made: Floats = np.where(patterns < silence, 0, patterns).astype(np.float32)
    return made
