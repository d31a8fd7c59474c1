"""The ladder: drums that are damaged by rules, and the grade from 0 to 9 that each rule implies.

CycleDRUMS had 400 clips graded by four listeners, which are not public. The rules take the place of
the listeners: they say, of each kind of damage, from which measure on drums are those of its lower
buckets. README and MODELS.md print the table of this module.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from drumkit_cli.grading.features import WINDOW_SAMPLES
from drumkit_cli.grading.songs import Song
from drumkit_cli.io.arrays import Floats
from drumkit_cli.score import damage
from drumkit_cli.score.damage import Chance
from drumkit_cli.spectral.onsets import MEL, gated_level

LATER: Final = "real drums of other bars"


class Scene(NamedTuple):
    """A clip of a song, samples `[N]`.

    Attributes:
        song: its name.
        drums: the drums.
        bass: the bass.
        rest: all other stems together.
        later: the drums some bars later or earlier; empty where the bars are not known.
    """

    song: str
    drums: Floats
    bass: Floats
    rest: Floats
    later: Floats


@dataclass(frozen=True)
class Rule:
    """A kind of damage.

    Attributes:
        name: of the kind.
        measure: what the levels count.
        apply: damages the drums of a scene by a level.
        levels: from hardly any to all.
        grades: of each level.
    """

    name: str
    measure: str
    apply: Callable[[Scene, float, Chance], Floats]
    levels: tuple[float, ...]
    grades: tuple[float, ...]

    def fits(self, scene: Scene) -> bool:
        """Whether the scene has what the rule needs."""
        return self.name != LATER or len(scene.later) > 0


RULES: Final = (
    Rule(
        "noise",
        "its level, dB re the drums",
        lambda scene, level, chance: damage.add(
            scene.drums, damage.noise(len(scene.drums), chance), level
        ),
        (-46, -38, -27, -20, -10, -4, 8, 18),
        (9, 8, 7, 6, 5, 4, 3, 1),
    ),
    Rule(
        "dropouts",
        "share of the time that is silent",
        lambda scene, level, chance: damage.drop_out(scene.drums, level, chance),
        (0.02, 0.12, 0.22, 0.45, 0.6, 0.85, 0.95),
        (8, 7, 6, 5, 4, 2, 1),
    ),
    Rule(
        "missing hits",
        "share of the hits that are left out",
        lambda scene, level, chance: damage.miss_hits(scene.drums, level, chance),
        (0.03, 0.18, 0.28, 0.5, 0.7, 0.92),
        (8, 7, 6, 5, 4, 2),
    ),
    Rule(
        "missing voices",
        "bands of kick, toms, snare, cymbals that are taken away",
        lambda scene, level, chance: damage.mute_voices(scene.drums, int(level), chance),
        (1, 2, 3),
        (7, 5, 4),
    ),
    Rule(
        "bleed",
        "level of all other stems, dB re the drums",
        lambda scene, level, _chance: damage.add(scene.drums, scene.bass + scene.rest, level),
        (-42, -34, -22, -16, -7, -2, 9, 18),
        (9, 8, 7, 6, 5, 4, 3, 2),
    ),
    Rule(
        "timing drift",
        "deviation of the hits, seconds",
        lambda scene, level, chance: damage.drift(scene.drums, level, chance),
        (0.003, 0.02, 0.03, 0.09, 0.2),
        (8, 7, 6, 5, 4),
    ),
    Rule(
        "wrong tempo",
        "how much faster or slower, as a share",
        lambda scene, level, chance: damage.change_tempo(scene.drums, level, chance),
        (0.002, 0.01, 0.015, 0.08, 0.2),
        (8, 7, 6, 5, 4),
    ),
    Rule(
        "following the bass",
        "share of the hits that are on notes of the bass",
        lambda scene, level, chance: damage.follow(scene.drums, scene.bass, level, chance),
        (0.4, 0.6, 0.8, 1.0),
        (7, 7, 6, 6),
    ),
    Rule(
        "blur",
        "frames (23 ms) over which a mel round trip smears",
        lambda scene, level, chance: damage.blur(scene.drums, level, chance),
        (0.3, 1, 1.8, 4, 7, 30),
        (8, 7, 6, 5, 4, 3),
    ),
)
"""The kinds of damage."""
INSTEAD: Final = (
    Rule("silence", "", lambda scene, _l, _c: np.zeros_like(scene.drums), (1,), (0,)),
    Rule("noise alone", "", lambda scene, _l, c: damage.noise(len(scene.drums), c), (1,), (0,)),
    Rule("the bass itself", "", lambda scene, _l, _c: scene.bass, (1,), (1,)),
    Rule("the other stems", "", lambda scene, _l, _c: scene.bass + scene.rest, (1,), (1,)),
    Rule("real drums", "", lambda scene, _l, _c: scene.drums, (1,), (9,)),
    Rule(LATER, "", lambda scene, _l, _c: scene.later, (1,), (8,)),
)
"""What stands in the place of the drums."""


def scenes_of(song: Song) -> Iterator[Scene]:
    """The clips of a song in which the drums and the bass sound."""
    rest = song.mix - song.drums - song.bass
    for start in range(0, len(song.drums) - WINDOW_SAMPLES + 1, WINDOW_SAMPLES):
        part = slice(start, start + WINDOW_SAMPLES)
        drums, bass = song.drums[part], song.bass[part]
        if np.isfinite([gated_level([drums]), gated_level([bass])]).all():
            yield Scene(song.name, drums, bass, rest[part], _bars_later(song, start))


def _bars_later(song: Song, start: int) -> Floats:
    """The drums of a clip that starts some bars later or earlier; empty where there are no bars."""
    bars = song.beats[song.beats[:, 1] == 1, 0] if len(song.beats) else song.beats
    if len(bars) < 3:
        return song.drums[:0]
    for count in (2, 1, -2, -1):
        shift = round(float(np.median(np.diff(bars))) * count * MEL.rate)
        if start + shift >= 0 and start + shift + WINDOW_SAMPLES <= len(song.drums):
            return song.drums[start + shift : start + shift + WINDOW_SAMPLES]
    return song.drums[:0]
