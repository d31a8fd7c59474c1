"""Composes electronic drum patterns from genre grammars: a corpus that ships as code.

A pattern is float32 `[V=6, T=64]`: velocities 0..1 (0 is a rest) of bass drum, snare, closed hat,
open hat, rimshot and cowbell over four measures of sixteenths. `techno:3` is the same pattern on
every machine: random numbers come from `random.Random` seeded by text, arithmetic is in integers.

Four consecutive numbers are a family of variations on one theme. A theme has one figure from the
genre's tables for each line, an answer to it (measures B and C) and a form such as AAAB. The first
of a family states the theme, the others end on a fill; the third has ornaments, a short fill in the
middle and other accents too, the fourth drops lines and may stutter.

Patterns have 8 to 151 onsets; genres average 60 to 85.
"""

from collections.abc import Sequence
from random import Random
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.patterns.genres import COMMON_FILLS, GENRES, Genre, Line

_VOICES = 6
_STEPS = 64
_MEASURE = 16
_FAMILY_SIZE = 4

_Item = TypeVar("_Item")
_Grid = dict[str, list[str]]  # line name to one symbol for each step

_LINES = "BSHRC"
_VOICE_OF_LINE = {"B": 0, "S": 1, "H": 2, "R": 4, "C": 5}
_OPEN_HAT = 3  # played by line H, which has one symbol a step: never together with a closed hat

# MIDI velocity of a symbol on a step of accent weight 9, and the decrease for each weight below 9.
_LEVELS = {"X": (127, 2), "x": (104, 5), "O": (112, 4), "o": (49, 4)}

_GROUPINGS = (
    (3, 3, 2, 3, 3, 2), (3, 3, 4, 2, 4), (5, 5, 6), (3, 3, 3, 3, 4), (7, 7, 2), (6, 6, 4),
    (5, 3, 5, 3), (3, 5, 3, 5), (7, 9), (4, 3, 3, 4, 2), (2, 3, 2, 3, 2, 4), (5, 2, 5, 4),
    (9, 7), (3, 4, 3, 6), (10, 6), (2, 5, 2, 7),
)  # fmt: skip
"""Irregular measures, as the sixteenths between consecutive hits."""

_EUCLIDEAN_ONSETS = {
    "B": (3, 4, 5, 2, 6), "S": (2, 3, 1, 4), "H": (9, 7, 11, 5, 13, 6), "R": (5, 3, 7, 4),
    "C": (3, 5, 4, 7),
}  # fmt: skip

# Lines that are silenced, first step, step after the last.
_DROPS = (
    ("B", 48, 64), ("H", 48, 64), ("BS", 48, 60), ("B", 32, 64), ("H", 32, 64), ("BH", 48, 56),
    ("SR", 32, 56), ("BC", 48, 64), ("BSC", 56, 64), ("HR", 16, 32), ("BS", 16, 32),
    ("BHC", 32, 48), ("SHRC", 48, 64), ("B", 0, 16), ("H", 0, 32), ("BSR", 24, 32),
)  # fmt: skip


def compose(genre: str, number: int) -> NDArray[np.float32]:
    """The pattern `genre:number`: float32 `[V=6, T=64]`, multiples of 1/127, 0 or at least 0.15.

    Closed and open hat never share a step, and some voice plays on a beat of every measure.

    Raises:
        ValueError: there is no such genre, or the number is not in 1..count.
    """
    theme, place = family(genre, number), (number - 1) % _FAMILY_SIZE
    grammar = GENRES[genre]
    lines, contour = _theme(grammar, _Dice(theme))
    # One seed for the family: each of the four starts at another place of the same list of fills.
    _vary(lines, grammar, place, _Dice(f"{theme} varied"))
    for start in range(0, _STEPS, _MEASURE):
        if all(line[start : start + _MEASURE : 4] == ["."] * 4 for line in lines.values()):
            lines["B"][start] = "X"
    return _velocities(lines, grammar.accents[contour - (place == 2)])


def family(genre: str, number: int) -> str:
    """The theme that a pattern varies, such as `electro/12`: keep a family on one side of a split.

    Raises:
        ValueError: there is no such genre, or the number is not in 1..count.
    """
    if genre not in GENRES:
        raise ValueError(f"no genre {genre!r}: there are {', '.join(GENRES)}")
    if not 1 <= number <= GENRES[genre].count:
        raise ValueError(f"no pattern {genre}:{number}: there are 1 to {GENRES[genre].count}")
    return f"{genre}/{(number - 1) // _FAMILY_SIZE + 1}"


def euclid(onsets: int, steps: int, rotation: int = 0) -> str:
    """Euclidean rhythm: `onsets` spread as evenly as possible over `steps`, turned by `rotation`.

    Bjorklund's algorithm. Source: G. Toussaint, "The Euclidean algorithm generates traditional
    musical rhythms", 2005.

    Raises:
        ValueError: there are more onsets than steps, or the number of onsets is negative.
    """
    if not 0 <= onsets <= steps:
        raise ValueError(f"cannot spread {onsets} onsets over {steps} steps")
    heads, tails = ["x"] * onsets, ["."] * (steps - onsets)
    while heads and len(tails) > 1:
        pairs = [head + tail for head, tail in zip(heads, tails, strict=False)]
        heads, tails = pairs, heads[len(pairs) :] + tails[len(pairs) :]
    figure, start = "".join(heads + tails), rotation % max(steps, 1)
    return figure[start:] + figure[:start]


class _Dice:
    """Reproducible draws: each takes one `random()` from a generator seeded by text."""

    def __init__(self, seed: str) -> None:
        self._random = Random(seed).random

    def chance(self, probability: float) -> bool:
        return self._random() < probability

    def below(self, stop: int) -> int:
        return int(self._random() * stop)

    def pick(self, table: Sequence[_Item]) -> _Item:
        return table[self.below(len(table))]

    def pick_common(self, table: Sequence[_Item]) -> _Item:
        """Pick an item; those at the front of the table are likelier."""
        return table[int(self._random() * self._random() * len(table))]


def _theme(grammar: Genre, dice: _Dice) -> tuple[_Grid, int]:
    """The lines of a family's theme, and the index of its accent weights."""
    form = dice.pick_common(grammar.forms)
    lines = {name: list(_line(name, grammar, form, dice)) for name in _LINES}
    if dice.chance(0.12):  # a line enters only in measure 2 or 3
        name, stop = dice.pick("SHHRC"), dice.pick((_MEASURE, 2 * _MEASURE))
        lines[name][:stop] = "." * stop
    return lines, dice.below(len(grammar.accents))


def _line(name: str, grammar: Genre, form: str, dice: _Dice) -> str:
    """One line of a theme, `[T]`."""
    line = grammar.lines[name]
    if not dice.chance(line.presence):
        return "." * _STEPS
    odd = dice.chance(line.odd)
    if odd and dice.chance(0.35):
        return _polymeter(name, dice)
    first = _odd_figure(name, dice) if odd else _figure(line, grammar.splice, dice)
    measures = {"A": first, "B": first, "C": first}
    if dice.chance(line.answer):
        for letter in "BC":
            other = _odd_figure(name, dice) if odd else _figure(line, grammar.splice, dice)
            cut = dice.pick((8, 8, 8, 12, 12, 4))
            measures[letter] = first[:cut] + other[cut:]
    return "".join(measures[letter] for letter in form)


def _figure(line: Line, splice: float, dice: _Dice) -> str:
    figure = dice.pick_common(line.figures)
    if dice.chance(splice):
        figure = figure[:8] + dice.pick_common(line.figures)[8:]
    return figure


def _odd_figure(name: str, dice: _Dice) -> str:
    """A measure of an irregular grouping or a Euclidean rhythm, its first hit accented."""
    if dice.chance(0.4) and name != "S":
        figure = "".join("x" + "." * (steps - 1) for steps in dice.pick(_GROUPINGS))
    else:
        # Snares are always turned off the downbeat, the other lines now and then.
        turns = (4, 8, 12, 12, 6, 10) if name == "S" else (0, 0, 0, 2, 3, 6, 14)
        figure = euclid(dice.pick(_EUCLIDEAN_ONSETS[name]), _MEASURE, dice.pick(turns))
    if name == "H" and dice.chance(0.4):
        figure = "O".join(figure.rsplit("x", 1))
    return figure.replace("x", "X", 1)


def _polymeter(name: str, dice: _Dice) -> str:
    """A phrase of a length other than 16 steps, repeated over two measures or over four."""
    steps, span = dice.pick((7, 5, 6, 9, 12, 10, 11, 14, 3)), dice.pick((32, 32, 64))
    most = steps // 2 + 1 if name == "H" else (steps + 2) // 3
    onsets = max(1, most - dice.below(2))
    phrase = euclid(onsets, steps).replace("x", "X", 1)
    return (phrase * span)[:span] * (_STEPS // span)


def _vary(lines: _Grid, grammar: Genre, place: int, dice: _Dice) -> None:
    """Turn the theme into the pattern at a place (0 to 3) of its family, in place."""
    fills = COMMON_FILLS + grammar.fills
    first = dice.below(len(fills))
    fills = fills[first:] + fills[:first]
    if place == 0:
        return
    if place == 2:
        every, ornament = dice.pick((1, 1, 2)), dice.below(len(grammar.ornaments))
        for chosen in (grammar.ornaments[ornament], grammar.ornaments[ornament - 1]):
            _ornament(lines, chosen, every)
        _fill(lines, fills[10:], _STEPS // 2, 4)
    if place == 3:
        silent, start, stop = dice.pick(_DROPS)
        for name in silent:
            lines[name][start:stop] = "." * (stop - start)
        if dice.chance(grammar.stutter):
            _stutter(lines, dice)
    _fill(lines, fills[place:], _STEPS, _MEASURE)


def _ornament(lines: _Grid, ornament: str, every: int) -> None:
    """Add the hits of an ornament to every `every`-th measure, on steps where the line rests."""
    name, figure = ornament.split(":")
    for measure in range(every - 1, _STEPS // _MEASURE, every):
        for step, symbol in enumerate(figure, measure * _MEASURE):
            if lines[name][step] == ".":
                lines[name][step] = symbol


def _fill(lines: _Grid, fills: Sequence[str], stop: int, longest: int) -> None:
    """Write the first of the fills that changes an onset, so that it ends before step `stop`."""
    for fill in fills:
        parts = [part.split(":") for part in fill.split("+")]
        ends = {name: figure[-longest:] for name, figure in parts}
        if any(
            (symbol == ".") != (now == ".")
            for name, end in ends.items()
            for symbol, now in zip(end, lines[name][stop - len(end) : stop], strict=True)
        ):
            for name, end in ends.items():
                lines[name][stop - len(end) : stop] = end
            return


def _stutter(lines: _Grid, dice: _Dice) -> None:
    """Repeat one to four steps until the end of the pattern."""
    steps, start = dice.pick((2, 3, 4, 3, 1, 2)), _STEPS - dice.pick((8, 8, 12, 16, 6))
    for line in lines.values():
        line[start:] = (line[start : start + steps] * _STEPS)[: _STEPS - start]


def _velocities(lines: _Grid, accents: str) -> NDArray[np.float32]:
    pattern = np.zeros((_VOICES, _STEPS), np.float32)
    for name, line in lines.items():
        for step, symbol in enumerate(line):
            if symbol != ".":
                voice = _OPEN_HAT if symbol == "O" else _VOICE_OF_LINE[name]
                full, loss = _LEVELS[symbol]
                pattern[voice, step] = full - loss * (9 - int(accents[step % _MEASURE]))
    return pattern / np.float32(127)
