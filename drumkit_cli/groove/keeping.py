"""What stays of a template: which notes are added and left out, and how loud and late all are.

The drummers whom the networks learned from play before the beat and their kicks softly. The notes
of the template stay, as loud as they were written and on the grid; the networks say which notes are
likely between them, and how velocities and timing vary.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.groove.inputs.performance import Controls, Performance
from drumkit_cli.groove.network.windowing import CLOSED, CRASH, KICK, OPEN, RIDE, SNARE, VOICES
from drumkit_cli.io.arrays import Floats

MOST_ADDED: Final = 0.5
"""Notes added at most where no density is asked for, for each note of the template."""
MEASURES_WITH: Final[Mapping[str | None, tuple[float, ...]]] = {
    None: (0.95, 0.96, 0.91, 0.28, 0.40, 0.15, 0.35),
    "electronic": (0.99, 0.96, 0.99, 0.38, 0.14, 0.05, 0.10),
    "rock": (0.97, 0.98, 0.83, 0.33, 0.41, 0.23, 0.41),
    "funk": (0.99, 0.99, 0.98, 0.43, 0.26, 0.13, 0.20),
    "jazz": (0.79, 0.81, 0.84, 0.13, 0.56, 0.12, 0.39),
    "blues": (0.98, 1.00, 0.93, 0.28, 0.27, 0.17, 0.24),
    "hip hop": (0.97, 0.98, 0.89, 0.33, 0.16, 0.21, 0.09),
}
"""Share of the measures with each voice, by genre: training split of the Groove MIDI Dataset.

`tools/measure_constants.py` prints them.
"""

CYMBALS: Final = [CLOSED, OPEN, RIDE, CRASH]

Marks = NDArray[np.bool_]


def addable_voices(played: Marks, genre: str | None, density: float | None) -> Marks:
    """Which voices ``[V]`` may get notes in a template that plays some ``[V]``.

    Its own, and those that at least 1 - density of the genre's measures have. These only if it has
    kick, snare and cymbals, as all templates of the training data, or cymbals if it has kick and
    snare: to kicks alone, say, the networks would add toms or snares on every sixteenth.
    """
    asked = MOST_ADDED if density is None else density
    likely = np.array(MEASURES_WITH[genre]) >= 1 - asked
    cymbals = np.isin(np.arange(len(VOICES)), CYMBALS)
    if not (played[KICK] and played[SNARE]):
        return played
    return played | likely & (cymbals | (played & cymbals).any())


def choose_notes(
    sketch: Marks,
    logits: Floats,
    voices: Marks,
    density: float | None = None,
    most: float = MOST_ADDED,
) -> Floats:
    """Choose the notes ``[V, T]``: those of a template, with some added or left out.

    Args:
        sketch: where the template has notes, ``[V, T]``.
        logits: of the notes that the networks would play, ``[V, T]``.
        voices: those that may change, ``[V]``.
        density: for each note of these in the template, how many are added (0 to 1), the likeliest
            first, or left out (down to -1), the unlikeliest first, kicks and snares last. None:
            those are added that are more likely than not.
        most: how many are added at most then, for each note.
    """
    chosen, own = sketch.copy(), sketch & voices[:, None]
    count = min(most if density is None else abs(density), sketch.size) * int(own.sum())
    if density is not None and density < 0:
        backbone = own & np.isin(np.arange(len(VOICES)), (KICK, SNARE))[:, None]
        order = np.lexsort((logits.ravel(), backbone.ravel(), ~own.ravel()))
        chosen.flat[order[: round(count)]] = False
        return chosen.astype(np.float32)
    free = voices[:, None] & ~sketch
    # A hi-hat is open or closed: the likelier one, but what the template has.
    free[CLOSED] &= ~sketch[OPEN] & ~(free[OPEN] & (logits[OPEN] > logits[CLOSED]))
    free[OPEN] &= ~sketch[CLOSED] & ~free[CLOSED]
    if density is None:
        free &= logits > 0
    order = np.lexsort((-logits.ravel(), ~free.ravel()))
    chosen.flat[order[: min(round(count), int(free.sum()))]] = True
    return chosen.astype(np.float32)


def keep_level(template: Performance, played: Performance, controls: Controls) -> Performance:
    """Shape velocities around the template's level, and centre timing, unless asked otherwise.

    A note of the template gets its own velocity times what the networks make of it relative to the
    mean of its voice, to the power of ``controls.dynamics``. An added note is as much softer than
    the template's as the networks play it. Where a velocity pattern tells the cymbals' loudness
    they are as played. The mean timing is 0 where no feel is asked for, and no swing comes of it.
    """
    notes = played.velocities > 0
    kept = notes & (template.velocities > 0)
    if not kept.any():
        return played
    level = _level(template.velocities, kept)
    shape = played.velocities / _level(played.velocities, kept)
    shaped = np.where(kept, template.velocities * shape**controls.dynamics, 0)
    shaped *= level / _level(shaped, kept)
    velocities = np.where(kept, shaped, level * shape)
    if controls.velocity_pattern:
        told = np.resize(np.array(controls.velocity_pattern) > 0, notes.shape[1])
        velocities[CYMBALS] = np.where(told, played.velocities[CYMBALS], velocities[CYMBALS])
    offsets = played.offsets
    if not controls.feel:
        offsets = _centred(offsets, notes, kept, controls)
    velocities = np.where(notes, velocities.clip(1 / 127, 1), 0)
    return Performance(velocities.astype(np.float32), offsets.astype(np.float32))


def _centred(offsets: Floats, notes: Marks, kept: Marks, controls: Controls) -> Floats:
    """Offsets whose mean is 0: of beats, of eighths and of sixteenths between, that swing may move.

    Kept notes and added ones each have that mean, so that these do not change the swing of those.
    """
    moved = notes & np.array([[controls.plays(voice)] for voice in range(len(notes))])
    columns = np.arange(notes.shape[1])
    centred = np.zeros_like(offsets)
    for place in (columns % 4 == 0, columns % 4 == 2, columns % 2 == 1):
        for part in (place & kept, place & notes & ~kept):
            chosen = offsets[part & moved]
            mean = chosen.mean() if len(chosen) else np.float32(0)
            centred[part] = (offsets[part] - mean).clip(-0.5, 0.5)
    return centred


def _level(velocities: NDArray[np.floating[Any]], kept: Marks) -> NDArray[np.float64]:
    """Mean velocity of each voice's kept notes, ``[V, 1]``; of all where a voice has none."""
    of_kept = np.where(kept, velocities, 0).astype(np.float64)
    counts = kept.sum(1)
    means = of_kept.sum(1) / np.maximum(counts, 1)
    levels: NDArray[np.float64] = np.where(counts, means, of_kept.sum() / counts.sum())[:, None]
    return levels
