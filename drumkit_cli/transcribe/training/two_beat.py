"""Drums that repeat every second beat, from which nobody can tell the first beat from the third.

Country and rockabilly, train beats, punk and fast metal, house: their bar lines are found by bass,
harmony and form alone, which the network of bars is to learn.
"""

from dataclasses import replace
from typing import Final

import numpy as np

from drumkit_cli.bands.instruments import Note
from drumkit_cli.transcribe.training.music import Music

_KICK, _SNARE, _HAT, _OPEN, _RIDE = 36, 38, 42, 46, 51
_EIGHTHS: Final = tuple((n / 2, _HAT, 70) for n in range(4))
_SIXTEENTHS: Final = tuple((n / 4, _HAT, 60) for n in range(8))
_TWO: Final = ((0, _KICK, 100), (1, _SNARE, 105))
_FOUR: Final = ((0, _KICK, 110), (1, _KICK, 110))

_PATTERNS: Final[tuple[tuple[tuple[float, int, int], ...], ...]] = (
    (*_TWO, *_EIGHTHS),
    (*_TWO, *_SIXTEENTHS),
    (*_TWO, *((at, _RIDE, 70) for at in (0, 2 / 3, 1, 5 / 3))),  # a shuffle
    (*_FOUR, *((n / 4, _SNARE, 100 if n in (2, 6) else 50) for n in range(8))),  # a train beat
    (*_FOUR, (0.5, _SNARE, 110), (1.5, _SNARE, 110), *_EIGHTHS),  # punk at double time
    *(
        (*((n, _SNARE, 110) for n in (0, 1)), *((at, _KICK, 105) for at in kicks), *_EIGHTHS)
        for kicks in ((0.5, 1.5), (0.5, 0.75, 1.5, 1.75))
    ),
    (*((n / 4, _KICK, 100) for n in range(8)), *((n / 2, _SNARE, 110) for n in range(4))),  # blast
    (*_FOUR, (1, _SNARE, 90), (0.5, _OPEN, 70), (1.5, _OPEN, 70)),  # house
    (*_FOUR, (0.5, _HAT, 80), (1.5, _HAT, 80)),
)
"""Hits of two beats: beats from the first, pitch, velocity."""


def with_two_beat_drums(music: Music, generator: np.random.Generator) -> Music:
    """The music with drums of one of the patterns; as it is where it has no bars of four."""
    if not len(music.beats) or music.beats[:, 1].max() != 4:
        return music
    pattern = _PATTERNS[int(generator.integers(len(_PATTERNS)))]
    seconds, numbers = music.beats.T
    notes = []
    for start, end, number in zip(seconds, seconds[1:], numbers, strict=False):
        for beats, pitch, velocity in pattern:
            if int(beats) == (number - 1) % 2:
                onset = start + beats % 1 * (end - start) + generator.normal(0, 0.004)
                loud = int(np.clip(velocity + generator.normal(0, 8), 1, 127))
                notes.append(Note(max(float(onset), 0.0), 0.1, pitch, loud))
    notes.sort(key=lambda note: note.onset_seconds)
    return replace(music, song=replace(music.song, drums=tuple(notes)))
