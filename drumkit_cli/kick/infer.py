"""Kick tracks for a song's bass and snare: codes in, hits out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.arguments import require_seed, require_within
from drumkit_cli.errors import BadDataError
from drumkit_cli.io.arrays import Floats
from drumkit_cli.kick.codes import sample_codes
from drumkit_cli.kick.config import THRESHOLD
from drumkit_cli.kick.context import Context, context_of_track
from drumkit_cli.kick.curves import pick_hits
from drumkit_cli.kick.drummer import Drummer, open_drummer
from drumkit_cli.kick.hits import Hits, kick_track, mixed_track
from drumkit_cli.learning.models import load_model

if TYPE_CHECKING:
    from drumkit_cli.midi.track import Track

LARGEST: Final = 100.0
"""Magnitude beyond which no number of a code lies."""


@dataclass(frozen=True)
class Played:
    """A kick track: the code `[Q]` it came from, its curve `[T]` and its hits."""

    code: Floats
    curve: Floats
    hits: Hits


def kick(
    song: Track,
    *,
    code: NDArray[np.floating[Any]] | None = None,
    like: Track | None = None,
    threshold: float = THRESHOLD,
    mix: bool = False,
    seed: int = 0,
    weights: str | Path | None = None,
    device: str = "cpu",
) -> Track:
    """Play a kick drum to the bass and the snare of a song.

    The model is loaded once a process.

    Args:
        song: a track with a bass (programs 33 to 40 of General MIDI) and a snare on channel 10.
        code: how the kick follows from bass and snare: as many floats as the model's codes have;
            None draws them from `seed`, or takes those of `like`.
        like: a track with bass, snare and kick, whose kick is imitated.
        threshold: share of the highest onset strength below which there is no hit, 0 to 1.
        mix: return the whole song with the new kick in the place of its own.
        seed: of the code that is drawn, 0 or more.
        weights: a weights file, or a folder with one, in place of the shipped ones.
        device: "cpu", "cuda", "mps" or "auto".

    Returns:
        A track of the kick in the song's tempi and meters and of its length; or the song.

    Raises:
        BadDataError: a song without bass or snare, no such code, or weights of another model.
        UsageError: a value out of range, or no such device.
        MissingInputError: `weights` does not exist.
        UnavailableError: this machine has no such device.

    Example:
        >>> song = drumkit.read_midi("song.mid")
        >>> drumkit.write_midi("kick.mid", drumkit.kick(song, seed=3))
    """
    require_within("threshold", threshold, 0, 1)
    require_seed(seed)
    context = context_of_track(song, "the song")
    reference = None if like is None else context_of_track(like, "the reference")
    drummer = load_model(open_drummer, "kick", weights, device)
    if code is not None:
        chosen = as_code(code, drummer.code_size, "the code")
    elif reference is not None:
        chosen = imitate(reference, drummer, "the reference")
    else:
        chosen = sample_codes(1, drummer.code_size, seed)[0]
    hits = play(context, chosen, drummer, threshold).hits
    return mixed_track(song, hits) if mix else kick_track(song, hits)


def play(context: Context, code: Floats, drummer: Drummer, threshold: float) -> Played:
    """Play to a context by one code `[Q]`; nothing where there is neither bass nor snare."""
    if context.is_silent:
        nothing = np.zeros(0)
        return Played(code, np.zeros(context.curves.shape[1], np.float32), (nothing, nothing))
    curve = drummer.decode(context.curves, code)
    times, levels = pick_hits(curve, threshold)
    inside = times < context.seconds
    return Played(code, curve, (times[inside], levels[inside]))


def imitate(reference: Context, drummer: Drummer, name: str) -> Floats:
    """The code `[Q]` of a song with a kick of its own (section 4).

    Raises:
        BadDataError: it has no bass, no snare or no kick.
    """
    if reference.is_silent or not reference.kick.any():
        raise BadDataError(
            f"{name} has no kick to imitate", "give a song with bass, snare and kick"
        )
    return drummer.prototype(reference.curves, reference.kick)


def as_code(array: NDArray[Any], size: int, name: str) -> Floats:
    """A code `[Q]` of an array, which may have further axes of length 1.

    Raises:
        BadDataError: another count of numbers, or numbers that are not within -100 to 100.
    """
    code = np.asarray(array).reshape(-1)
    if len(code) != size:
        raise BadDataError(f"{name} has {len(code)} numbers", f"these weights take {size}")
    if not (np.abs(code) <= LARGEST).all():  # NaN is not
        raise BadDataError(f"{name} holds numbers that are not within -100 to 100")
    return code.astype(np.float32)
