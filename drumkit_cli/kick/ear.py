"""What the ear of `transcribe` hears for a kick: snares in drums."""

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np

from drumkit_cli.audio.reader import resampled
from drumkit_cli.io.arrays import Floats
from drumkit_cli.kick.curves import note_curve
from drumkit_cli.learning.models import load_model
from drumkit_cli.listening.ear import Listener, listen
from drumkit_cli.listening.hits import hits_of
from drumkit_cli.listening.levels import MEL
from drumkit_cli.listening.voices import VOICES

SNARE: Final = VOICES.index("snare")


def hear_snare(drums: Iterable[Floats], rate: int, frames: int) -> Floats:
    """Onset strength `[T]` of the snares in mono blocks of drums; zeros where there are none.

    It is that of notes, which the network was trained on as well, and follows snares more closely
    than the onset strength of the drums above the kick's band does.

    Raises:
        UnavailableError, BadDataError: as `load_model`.
    """
    ear = _ear()
    hits = hits_of(_activations(drums, rate, ear), ear.thresholds)
    snares = [(hit.seconds, hit.velocity) for hit in hits if hit.voice == SNARE]
    onsets, velocities = np.array(snares).reshape(-1, 2).T
    return note_curve(onsets, np.maximum(velocities, 1 / 127), frames)


def _ear() -> Listener:
    return load_model(Listener, "transcribe")


def _activations(blocks: Iterable[Floats], rate: int, ear: Listener) -> Iterator[Floats]:
    """Activations `[t, 14]`, block by block."""
    return (activations for _, activations in listen(resampled(blocks, rate, MEL.rate), ear))
