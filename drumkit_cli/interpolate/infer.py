"""Transitions between drum patterns: paths through latent codes (Eq. 6 and 7), or a crossfade."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from drumkit_cli.arguments import require_known, require_tempo, require_within
from drumkit_cli.interpolate.paths import SILENCE, STEPS, STEPS_MAX, TEMPO_BPM, PathKind
from drumkit_cli.interpolate.sources import Pattern, read_pattern
from drumkit_cli.io.arrays import Floats
from drumkit_cli.learning.models import load_model
from drumkit_cli.learning.network import open_network
from drumkit_cli.midi.drum_maps import VOICE_NAMES
from drumkit_cli.midi.map_file import DrumMap
from drumkit_cli.midi.track import Track
from drumkit_cli.patterns.drum_file import drum_track
from drumkit_cli.patterns.pattern_sets import PATTERN_STEPS

if TYPE_CHECKING:
    from drumkit_cli.learning.checkpoint import Checkpoint

DEFINITION: Final = "drumkit_cli.interpolate.model"


class Autoencoder:
    """The autoencoder of drum patterns with its weights, from NumPy to NumPy."""

    def __init__(self, checkpoint: Checkpoint, device: str = "cpu") -> None:
        """Open the network of a checkpoint; raises as `open_network`."""
        self._network = open_network(checkpoint, device, DEFINITION)
        self.weights_sha256 = checkpoint.sha256

    def encode(self, patterns: Floats) -> Floats:
        """Encode patterns ``[N, V, T]`` as codes ``[N, Z]``; raises as `Network.run`."""
        (codes,) = self._network.run("encode", [patterns], [(len(patterns), None)])
        return codes

    def decode(self, codes: Floats) -> Floats:
        """Decode codes ``[N, Z]`` to velocities ``[N, V, T]`` 0..1; raises as `Network.run`."""
        shape = (len(codes), len(VOICE_NAMES), PATTERN_STEPS)
        (velocities,) = self._network.run("decode", [codes], [shape])
        return velocities


def interpolate(
    start: Pattern,
    goal: Pattern,
    steps: int = STEPS,
    *,
    path: str = "slerp",
    reconstruct: bool = False,
    threshold: float = SILENCE,
    tempo_bpm: float | None = None,
    drum_map: DrumMap | None = None,
    weights: str | Path | None = None,
    device: str = "cpu",
) -> Track:
    """Make a transition from one drum pattern to another.

    A pattern is four measures of 4/4 of six voices: bass drum, snare, closed hat, open hat,
    rimshot and cowbell. The model is loaded once a process.

    Args:
        start: a track; velocities 0 to 1, ``[6, sixteenths]`` or ``[patterns, 6, sixteenths]``; or
            the name of a shipped pattern ("techno:3") or of a MIDI or NPY file, of which "@17" or
            "@1-4" after it takes these measures. What is shorter than four measures repeats; of
            what is longer the last four are taken.
        goal: the same; the first four measures are taken.
        steps: L, 1 to 10,000: L + 1 patterns are made, both ends included.
        path: "slerp", an arc between the codes of the patterns, "lerp", a line, or "crossfade" of
            the patterns themselves, without the model.
        reconstruct: end in the model's reconstructions of `start` and `goal`.
        threshold: velocity, 0 to 1, below which notes between the ends become rests.
        tempo_bpm: quarters a minute, 4 to 1000; None: that of `start`, else of `goal`, else 129.
        drum_map: what the pitches of tracks and MIDI files are; None: those of General MIDI.
        weights: a weights file, or a folder with one, in place of what ships.
        device: "cpu", "cuda", "mps" or "auto".

    Returns:
        A track of General MIDI drums on channel 10, the patterns end to end.

    Raises:
        UsageError: no such pattern, path or device, or a value out of range.
        BadDataError: a pattern without notes of the six voices, in another meter or not of
            velocities, or `weights` of another model.
        MissingInputError: a file or `weights` does not exist.
        UnavailableError: the device is not there.

    Example:
        >>> track = drumkit.interpolate("techno:1", drumkit.read_midi("beat.mid"), steps=4)
    """
    require_within("steps", steps, 1, STEPS_MAX)
    require_known("path", path, [way.value for way in PathKind])
    require_within("threshold", threshold, 0, 1)
    if tempo_bpm is not None:
        require_tempo(tempo_bpm)
    first, last = read_pattern(start, drum_map), read_pattern(goal, drum_map)
    autoencoder = None
    if reconstruct or path != PathKind.CROSSFADE:
        autoencoder = load_model(Autoencoder, "interpolate", weights, device)
    made = transition(
        first.patterns[-1],
        last.patterns[0],
        steps,
        PathKind(path),
        autoencoder,
        reconstruct=reconstruct,
        silence=threshold,
    )
    tempo = tempo_bpm or first.tempo_bpm or last.tempo_bpm or TEMPO_BPM
    return drum_track(((pattern, None) for pattern in made), tempo)


def transition(
    start: Floats,
    goal: Floats,
    steps: int,
    path: PathKind,
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
        assert path is PathKind.CROSSFADE, "a path through codes needs a model"
        assert not reconstruct, "a reconstruction needs a model"
        made = crossfade(start, goal, steps)
    else:
        codes = autoencoder.encode(made_ends)
        if reconstruct:
            made_ends = _silenced(autoencoder.decode(codes), silence)
        if path is PathKind.CROSSFADE:
            made = crossfade(made_ends[0], made_ends[1], steps)
        else:
            between = {PathKind.LERP: lerp, PathKind.SLERP: slerp}[path]
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
