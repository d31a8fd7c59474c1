"""How measures of any meter lie in the model's measures of four quarters, so that beats align.

The networks know measures of sixteen sixteenths. A shorter measure begins one and leaves its end
empty; a longer one is shared out among several by whole beats (5/4: three and two). The beat of
6/8, 9/8 and 12/8 is a dotted quarter: it begins a half note of the model, whose last quarter of
sixteenths stays empty, so that 6/8 fills one measure and 12/8 two.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from drumkit_cli.groove.network.windowing import BEAT_STEPS, HOP_STEPS
from drumkit_cli.midi.measures import Stretch

_DOTTED_QUARTER_STEPS: Final = 6


def model_measures(stretches: Sequence[Stretch]) -> list[Sequence[int]]:
    """The layout of a file's measures for `Ruler`.

    A single measure between others that has not the length of most of the file, such as a pickup
    or an odd bar, is left out: a window of the model is two measures. So are measures whose length
    is no whole number of sixteenths.
    """
    lengths: Counter[int] = Counter()
    for stretch in stretches:
        lengths[stretch.steps] += stretch.measures * stretch.steps
    usual = lengths.most_common(1)[0][0]
    return [
        () if stretch.measures == 1 and stretch.steps != usual else _places(stretch)
        for stretch in stretches
    ]


def is_compound(stretch: Stretch) -> bool:
    """Whether the beat of a meter is dotted, as in 6/8."""
    return stretch.meter.numerator % 3 == 0 and stretch.meter.denominator in (8, 16)


def _places(stretch: Stretch) -> list[int]:
    """The model's sixteenths that those of a measure are played on."""
    beat = 3 * HOP_STEPS // stretch.meter.denominator if is_compound(stretch) else BEAT_STEPS
    room = 2 * BEAT_STEPS if beat == _DOTTED_QUARTER_STEPS else BEAT_STEPS
    beats = -(-stretch.steps // beat)
    measures = max(-(-beats * room // HOP_STEPS), 1)
    shared = max(-(-beats // measures), 1)  # beats that a measure of the model gets
    return [
        step // beat // shared * HOP_STEPS + step // beat % shared * room + step % beat
        for step in range(stretch.steps)
    ]
