"""Composes electronic drum patterns from genre grammars: a corpus that ships as code.

A pattern is float32 `[V=6, T=64]`: velocities 0..1 (0 is no onset) of bass drum, snare, closed hat,
open hat, rimshot and cowbell over four measures of sixteenths. `techno:3` is the same pattern on
every machine: the draws are `random.Random` seeded by text, the arithmetic is in integers.

Four numbers in a row are a family. It draws a theme: one figure a line out of its genre's tables,
an answer to it (measures B and C) and a form such as AAAB. The first of the family states the
theme, the second ends on a fill, the third adds ornaments, a pickup and other accents, the fourth
drops lines, may stutter, and ends on a fill too.

Figures are for reading: `X` accent, `x` hit, `o` ghost note, `O` open hat, `.` rest. Lines are B
bass drum, S snare (or clap), H both hats, R rimshot, C cowbell. Tables list their commonest
figures first, and draws favour the front. Patterns have 8 to 151 onsets; genres average 60 to 85.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from types import MappingProxyType
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

_VOICES = 6
_STEPS = 64
_MEASURE = 16
_FAMILY_SIZE = 4

_Item = TypeVar("_Item")
_Grid = dict[str, list[str]]  # a symbol a step, by line

_LINES = "BSHRC"
_VOICE_OF_LINE = {"B": 0, "S": 1, "H": 2, "R": 4, "C": 5}
_OPEN_HAT = 3  # of line H: never on a step of a closed hat

# MIDI velocity of a symbol on a step of full weight (9), and what each weight below that takes off.
_LEVELS = {"X": (127, 2), "x": (104, 5), "O": (112, 4), "o": (49, 4)}

_GROUPINGS = (
    (3, 3, 2, 3, 3, 2), (3, 3, 4, 2, 4), (5, 5, 6), (3, 3, 3, 3, 4), (7, 7, 2), (6, 6, 4),
    (5, 3, 5, 3), (3, 5, 3, 5), (7, 9), (4, 3, 3, 4, 2), (2, 3, 2, 3, 2, 4), (5, 2, 5, 4),
    (9, 7), (3, 4, 3, 6), (10, 6), (2, 5, 2, 7),
)  # fmt: skip
"""Irregular measures: sixteenths from one hit to the next."""

_EUCLIDEAN_ONSETS = {
    "B": (3, 4, 5, 2, 6), "S": (2, 3, 1, 4), "H": (9, 7, 11, 5, 13, 6), "R": (5, 3, 7, 4),
    "C": (3, 5, 4, 7),
}  # fmt: skip

_COMMON_FILLS = """
    S:xxXX S:x.xX S:..xxxxXX S:ooooxxXX S:x..x..X. B:x.xx B:....+S:.xxX H:x.O. S:oxoxxXxX
    S:xxxxxxxxXXXX S:X..X..X.+B:........ R:x.xx.x.x R:xxxx B:x..x..x.+S:..x..x.X H:xxxx
    S:X.XX+H:.... C:x.x.x.xx B:........+S:x.x.xxXX H:O...O... S:..x...XX R:..x..x.x+B:........
    B:........+S:........+H:........ B:x.x.xxxx S:X...X.X.+B:..x...xx
"""

# The lines that fall silent, from one step to another.
_DROPS = (
    ("B", 48, 64), ("H", 48, 64), ("BS", 48, 60), ("B", 32, 64), ("H", 32, 64), ("BH", 48, 56),
    ("SR", 32, 56), ("BC", 48, 64), ("BSC", 56, 64), ("HR", 16, 32), ("BS", 16, 32),
    ("BHC", 32, 48), ("SHRC", 48, 64), ("B", 0, 16), ("H", 0, 32), ("BSR", 24, 32),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """How a genre plays one line: its chances and its table of measures."""

    presence: float
    figures: tuple[str, ...]
    odd: float = 0.0
    """Chance of a Euclidean, irregular or polymetric line in place of a figure."""
    answer: float = 0.35
    """Chance that measures B and C differ from A on this line."""


@dataclass(frozen=True, slots=True)
class Genre:
    """What patterns a genre has: their number, typical tempo and a line on them; its grammar."""

    about: str
    count: int
    tempo_bpm: float
    lines: Mapping[str, Line] = field(repr=False)
    forms: tuple[str, ...] = field(repr=False)
    accents: tuple[str, ...] = field(repr=False)
    """Weights 0..9 of the sixteen steps of a measure."""
    ornaments: tuple[str, ...] = field(repr=False)
    fills: tuple[str, ...] = field(repr=False)
    splice: float = field(repr=False)
    """Chance that a figure is the halves of two."""
    stutter: float = field(repr=False)
    """Chance that the fourth of a family ends by repeating a few steps."""


def _figures(table: str) -> tuple[str, ...]:
    return tuple(table.split())


_ELECTRO = Genre(
    about="syncopated kicks under a backbeat, running hats and cowbell ostinati",
    count=690,
    tempo_bpm=128.0,
    lines={
        "B": Line(0.98, _figures("""
            X.....x...X..... X..x..x...x..... X.....X...x..x.. X.x.......x..... X......x..x.....
            X.....x.X.x..... X..x......x..x.. X.x...x...x..... X.....xx..x..... X......x.xx.....
            X..x..x.X.....x. X.....x....x..x. X.......x.x....x X..x...x..x....x X.x....x.x....x.
            X.xx......x...x. X.........x..... X.....x...xx...x X..x..x..x..x... X..x.......x..x.
            X.....x......... X..xx.....x.x... X...x...x...x... x.x...x.X.....x. X...............
            """), odd=0.03, answer=0.7),
        "S": Line(0.93, _figures("""
            ....X.......X... ....X.......X..x ....X.......X.x. ....X..x....X... ....X......xX...
            ....X..o.o..X... ............X... ....X.......X.xx ....X....x..X..x ........X.......
            ....X.x.....X... ....X.......X..o ....X..x.x..X... ...xX.......X... ....X.....x.X...
            """)),
        "H": Line(0.93, _figures("""
            x.x.x.x.x.x.x.x. xxxxxxxxxxxxxxxx x.xxx.xxx.xxx.xx x.x.x.O.x.x.x.O. x.x.x.x.x.x.x.O.
            xoxoxoxoxoxoxoxo xxx.xxx.xxx.xxx. ..x...x...x...x. x.xxx.O.x.xxx.O. x.x.x.xxx.x.x.xx
            ..O...O...O...O. xx.xxx.xxx.xxx.x x.x.xxx.x.x.xxx. x..xx.x.x..xx.x. xxOxxxOxxxOxxxOx
            ..xx..xx..xx..xx x...x...x...x... x.xxx.x.x.xxx.O. xxxxxxO.xxxxxxO. x..x..x.x..x..O.
            """), odd=0.04, answer=0.25),
        "R": Line(0.3, _figures("""
            ...x..x....x..x. ..x..x....x..x.. x..x..x..x..x... ......x.......x. ...x......x..x..
            ..x...x...x..xx. .......x.x...... x.xx.x.xx.xx.x.x ..........x..x.. ...x..x..x..x..x
            """), odd=0.1),
        "C": Line(0.46, _figures("""
            x..x..x...x.x... x..x..x..x..x.x. x.x..x.x.x..x.x. x...x...x...x... ..x..x..x..x..x.
            x..x.x..x..x.x.. ....x.......x.x. x.x.xx.x.x.x.xx. x..x...x..x.x... x.....x.....x...
            x.xx.x.xx.xx.x.x ..x...x...x...x. ..........x.x.x. x.x...x.x.x..... X.ooX.ooX.ooX.oo
            """), odd=0.06, answer=0.3),
    },
    forms=("ABAB", "AAAB", "ABAC", "AABA", "AAAA", "AABB", "ABAA", "ABCB"),
    accents=("9575857595758575", "9373937393739373", "9557855795578557", "8888888888888888"),
    ornaments=_figures("""
        S:...o..o..o.....o S:.......o.o...... R:...x..x......... B:...............x
        C:......x...x.x... S:..........o....o R:..........x..x.. B:.......x........
        H:...........x...x C:x.x...........x. H:..............O. B:..x.............
        S:......o........o R:.x.x............
        """),
    fills=_figures("""
        S:x.xx.xXX C:x.xx.xxx B:x.xxx.x.+S:....X.XX S:xxx.xxX. S:X..X..X...X.X.XX
        R:x..x..x.+S:......XX C:..xxx.x.+B:........ S:..x.xxXX+H:........ B:x..x.x..+S:..X.X.XX
        """),
    splice=0.4,
    stutter=0.2,
)  # fmt: skip

_TECHNO = Genre(
    about="four on the floor with offbeat open hats and syncopated rimshots; some broken kicks",
    count=484,
    tempo_bpm=132.0,
    lines={
        "B": Line(0.98, _figures("""
            X...X...X...X... X...X...X...X..x X...X...X...X.x. X...X...X..xX... X...X..xX...X...
            X..oX...X..oX... X.o.X.o.X.o.X.o. X...X...X.x.X... X..xX...X...X... X...X.x.X...X.x.
            X...X...X...X.xx X.oxX...X.oxX... X..x..X...x.X... X..x..x..x..x... X.....x...X..x..
            X...X.....x.X... X..x..x.X..x..x. X......xX....... X.x...x...X...x. X...x..x..x.x...
            """), odd=0.04, answer=0.3),
        "S": Line(0.58, _figures("""
            ....X.......X... ............X... ....X.......X..o ....X..o....X... ....X.......X.x.
            ....x.......x... ....X....o..X..o .......x........ ....X......oX... ..........x.....
            ...x......x..... ....x..x....x..x ....X..x......x. .......o......x.
            """)),
        "H": Line(0.93, _figures("""
            ..O...O...O...O. x.O.x.O.x.O.x.O. xxOxxxOxxxOxxxOx ..x...x...x...x. xoxoxoxoxoxoxoxo
            ooXoooXoooXoooXo x.x.x.x.x.x.x.x. xxxxxxxxxxxxxxxx ..Oo..Oo..Oo..Oo ..Ox..O...Ox..O.
            .xOx.xOx.xOx.xOx ..xx..xx..xx..xx x.xxx.xxx.xxx.xx ..O...O...O..xO. .x.x.x.x.x.x.x.x
            ..x..xx...x..xx. ..O.......O..... oxOooxOooxOooxOo x..x..x..x..x..x ......O.......O.
            """), odd=0.07, answer=0.3),
        "R": Line(0.52, _figures("""
            ...x..x...x..x.. x..x..x.x..x..x. ..x..x..x..x..x. ...x...x..x...x. x..x..x..x..x..x
            .x..x..x..x..x.. ......x......x.. ..x..x....x..x.. ...x.......x.... x.xx.xx.x.xx.xx.
            .......x.x....x. ..xx.....xx..... x..x.x.x..x.x..x ...X.o.X.o.X.o.X ..........x.x..x
            """), odd=0.25),
        "C": Line(0.16, _figures("""
            ...x.....x...... ..x.....x.....x. x..x..x..x..x... ......x......x.. ....x..x....x..x
            x.......x....... ..........x..x.. ...x..x...x..x..
            """), odd=0.3),
    },
    forms=("AAAB", "AAAA", "AABA", "ABAB", "ABAC", "AABB", "AABC"),
    accents=("7395739573957395", "9575957595759575", "8888888888888888", "6384638463846384"),
    ornaments=_figures("""
        R:...o..x...o..... H:.o.o.o.o.o.o.o.o S:.......o........ R:..........x..x..
        H:...x.......x.... S:...............x B:..............o. C:......x.........
        R:.x.....x.x...... S:..o....o......o. H:o..o....o..o.... R:....x.....x....x
        C:...x..........x. B:...o............
        """),
    fills=_figures("""
        B:........+H:..O...O. B:....+H:.... S:o.o.x.x.X.X.XXXX R:x..x..x.x.x.xxxx H:xxxxxxxx
        B:X...X.X.+H:........ B:X..X..X.X..X..X. R:xx.xx.xx+S:......xX S:..x..x.X+B:X.......
        """),
    splice=0.2,
    stutter=0.2,
)  # fmt: skip

_IDM = Genre(
    about="Euclidean rhythms, irregular groupings, polymetre, stutters, drops and dense fills",
    count=608,
    tempo_bpm=110.0,
    lines={
        "B": Line(0.95, _figures("""
            X.....x..x...... X..x......x..... X......x....x... X..x..x.....x..x X.........x..x..
            X....x....x..... X.x....x........ X..........x.xx. ..x..X....x..... X.xx....x..x....
            X....xx..x...... X...x.....xx..x. x.X......X.x.... X.............x. X..x.x....x.x..x
            """), odd=0.4, answer=0.6),
        "S": Line(0.86, _figures("""
            ....X.......X... ........X....... ....X.....X..... ......X.....X..o ....X..o.o....X.
            ...X......X..o.. ............X... .....X..o....X.. ....X.oo....X.xx .......X.....X..
            ....X...oo..x..X ..........X...oo o..oX..o..o.X..o
            """), odd=0.28, answer=0.5),
        "H": Line(0.88, _figures("""
            x.x.x.x.x.x.x.x. xoxxxoxxxoxxxoxx x.xx.xx.x.xx.xx. ..x...x...x...O. x...xx.x...xx.x.
            xxxxxxxxxxxxxxxx x..x..x..x..O... .x.x.xx..x.x.xx. xooxooxooxooxoox x.....x.O.....xx
            ..O..x..O..x..O. x.xxxx..x.xxxx.. X.ooX.oooX.ooX.o .......O....xxxx xxx.O...xxx.O.x.
            """), odd=0.45),
        "R": Line(0.5, _figures("""
            ..x..x..x....... .x..x.......x..x ...xx.....xx.... .......x..x..x.. x.x..x.x........
            ......xxx....... ..o.x.o...o.x.o. .............xxx
            """), odd=0.55),
        "C": Line(0.27, _figures("""
            ......x......... ..x....x....x... .x...........x.. ..........x.xx.. x....x....x.....
            ...x...x...x...x .........xx.....
            """), odd=0.55),
    },
    forms=("ABAC", "AAAB", "ABAB", "AABC", "ABCB", "ABAA", "AABA", "AAAA"),
    accents=("9464746484647464", "9446944694694469", "9555595555955555", "7979797979797979"),
    ornaments=_figures("""
        S:..o....o..o..o.. S:.oo......oo..... R:...x..x......... H:......ooo.......
        B:.......x......x. C:.........x...... R:............x.xx S:.............ooo
        H:oo......oo...... B:...x......x..... R:.....xx......... C:..x............x
        S:......o.o..o.... B:............x..x
        """),
    fills=_figures("""
        S:xoxoxoxoXoXoXXXX R:x..xx.xxxxxxxxxx+B:................ B:x.xx.xxx+S:.X..X...
        H:xxxxxxxxxxxxxxxx S:X.ooX.ooX.oX.oXX B:................+S:............ooxX
        C:x.xx.x.x+B:........ R:xxx.xxx.xx.xx.xx S:x..x..x..x..X.XX+B:x..x..x..x..x...
        H:........+S:........+R:xxx.xx.x B:X.X.X.XXX.XXXXXX
        """),
    splice=0.4,
    stutter=0.75,
)  # fmt: skip

_HOUSE = Genre(
    about="four on the floor, claps on two and four, offbeat open hats, claves on rim and bell",
    count=300,
    tempo_bpm=124.0,
    lines={
        "B": Line(0.98, _figures("""
            X...X...X...X... X...X...X...X..x X...X...X...X.x. X...X..xX...X... X...X...X.x.X...
            X...X...X..xX... X..oX...X..oX... X...X..x..x.X... X..x..x...x.x... X.....x.X.....x.
            """), answer=0.35),
        "S": Line(0.88, _figures("""
            ....X.......X... ....X.......X..o ....X..o....X... ....X.......X.x. ....X..o.o..X...
            ....X......xX... ............X... ....X.......X.oo ....X..x.....x.. ....X..o....X..o
            """)),
        "H": Line(0.95, _figures("""
            ..O...O...O...O. x.O.x.O.x.O.x.O. xxOxxxOxxxOxxxOx xoOoxoOoxoOoxoOo ..Ox..Ox..Ox..Ox
            x.Oxx.Oxx.Oxx.Ox ..x...x...x...x. .oOo.oOo.oOo.oOo x.x.x.x.x.x.x.x. x.OxxxO.x.OxxxO.
            ..Oo..O.o.Oo..O. xxxxxxxxxxxxxxxx ..O...O...O..xOx ooXoooXoooXoooXo x.O...O.x.O.x.O.
            """), answer=0.3),
        "R": Line(0.42, _figures("""
            x..x..x...x.x... ..x.x...x..x..x. ...x..x....x..x. x..x...x..x.x... ......x..x......
            ..x..x....x..x.. ...x......x..x.. x..x..x..x..x... .......x.x...... ..xx......xx..x.
            """), odd=0.08),
        "C": Line(0.34, _figures("""
            ...x..x...x..... x.x.xx.xx.x.xx.x ..x..x....x..x.. x..x..x...x..x.. ..x...x...x...x.
            ......x.....x.x. x...x.x.x...x.x. ..xx..x...xx..x. ............x.x.
            """), odd=0.08),
    },
    forms=("AAAB", "ABAB", "AABA", "ABAC", "AAAA", "AABC"),
    accents=("7395739573957395", "9475947594759475", "8697869786978697"),
    ornaments=_figures("""
        S:.......o.o...... R:...x......x..... H:...x.......x...x S:...............o
        C:......x......x.. R:..o..o....o..o.. H:.o...o...o...o.. S:..o......o.....o
        C:..........x.x... B:...............o
        """),
    fills=_figures("""
        B:........ S:x..x..xX S:....x.x.x.xxXXXX B:X...X.X.+S:..x..xXX R:x.x.xx.x H:..O.O.O.
        S:X..X..X.+H:........ C:x.xx.x.x B:....+S:X.XX
        """),
    splice=0.2,
    stutter=0.15,
)  # fmt: skip

_BREAKBEAT = Genre(
    about="a drummer's syncopated kicks, a backbeat with ghost snares, eighths on the hats",
    count=200,
    tempo_bpm=134.0,
    lines={
        "B": Line(0.99, _figures("""
            X.x.......x..... X.....x...x..... X.x....x..x..... X..x......xx.... X......x..x..x..
            X.x.......xx.... X..x..x...x..... X.........x..x.. X.x...x...x..x.. X......x.xx.....
            X.....x.x.x..... X..x.....xx....x X.xx......x..... X.......x.x.....
            """), answer=0.7),
        "S": Line(0.96, _figures("""
            ....X..o....X... ....X..o.o..X... ....X..o.o..X..o ....X....o..X..o ....X.......X...
            .o..X..o....X... ....X.o..o..X.o. ....X..o.o.oX... ....X..o......X. o...X.......X..o
            ....X..x....X..o ...oX..o...oX... ....X.....x.X...
            """), answer=0.6),
        "H": Line(0.95, _figures("""
            x.x.x.x.x.x.x.x. x.x.x.x.x.x.x.O. xoxoxoxoxoxoxoxo x.x.x.O.x.x.x.x. x.x.x.x.x.O.x.x.
            x.xxx.x.x.xxx.x. x...x...x...x... x.xox.xox.xox.xo xxxxxxxxxxxxxxxx O.x.x.x.x.x.x.x.
            ..x...x...x...x. x.x.x.xoOox.x.x. X.x.X.x.X.x.X.O. x.O.x.x.x.O.x.x.
            """), answer=0.3),
        "R": Line(0.2, _figures("""
            ..........x..x.. ...x..x......... ......x........x ..x..x..x....... x..x..x...x.x...
            """)),
        "C": Line(0.24, _figures("""
            x...x...x...x... x.x.x.x.x.x.x.x. ..x...x...x...x. x..x..x...x.x... x.x.xx.x.x.x.xx.
            ......x.......x.
            """)),
    },
    forms=("ABAB", "ABAC", "AAAB", "AABA", "AABC", "ABCB"),
    accents=("9475847594758475", "9373937393739373", "8697869786978697"),
    ornaments=_figures("""
        S:.o.....o.o.....o S:......o....o.... S:...........o..oo B:.......x........
        H:.......x.......x S:o.o............. B:.............x.. H:...........O....
        R:...x......x..... S:...o..o........o
        """),
    fills=_figures("""
        S:x.xxX.xX S:xx.xx.xX+B:..x..x.. S:X.ooX.oX S:..X..X.XX.X.XXXX B:xx..xx..+S:..Xx..XX
        S:x..xx..x+B:.xx..xx. H:O...O...+B:x...x... S:ooxxooxxooxxXXXX
        """),
    splice=0.45,
    stutter=0.45,
)  # fmt: skip

_DNB = Genre(
    about="two-step and chopped breaks: snare on two and four, late kicks, fast hats",
    count=200,
    tempo_bpm=174.0,
    lines={
        "B": Line(0.99, _figures("""
            X.........x..... X.x.......x..... X.........xx.... X......x..x..... X..x......x.....
            X.x........x.... X.x.......x..x.. X.....x...x..... X.........x..x.. X.x....x..x.....
            X............... X..x..x...x..... X.xx......x..... X......x.xx.....
            """), answer=0.6),
        "S": Line(0.96, _figures("""
            ....X.......X... ....X..o....X... ....X..o.o..X..o ....X....o..X... ....X.......X..o
            ....X..o.o..X... ....X.o.....X.o. .o..X..o....X..o ....X..oo...X.oo ....X..o.o..X.x.
            ....X..o.o....X. ....X..x....X...
            """), answer=0.5),
        "H": Line(0.95, _figures("""
            x.x.x.x.x.x.x.x. x.xxx.xxx.xxx.xx xoxoxoxoxoxoxoxo x...x...x...x... xxxxxxxxxxxxxxxx
            x.x.x.O.x.x.x.O. ..x...x...x...x. x.x.x.xxx.x.x.xx x..xx..xx..xx..x ..O...O...O...O.
            x.x.x.x.x.x.x.O. xxx.xxx.xxx.xxx. O.x.x.x.x.x.x.x. x.xox.xxx.xox.xO
            """), answer=0.3),
        "R": Line(0.26, _figures("""
            ...x..x......... ..x..x....x..x.. ......x..x...... ..........x..x.x .......x......x.
            x..x..x..x..x... .x.....x.x......
            """), odd=0.05),
        "C": Line(0.15, _figures("""
            x...x...x...x... ..x...x...x...x. x..x..x..x..x.x. ......x......... ..........x.x...
            """), odd=0.05),
    },
    forms=("ABAB", "ABAC", "AAAB", "AABA", "AABC", "ABCB"),
    accents=("9474847494748474", "9575957595759575", "8373937383739373"),
    ornaments=_figures("""
        S:.......o.o.....o S:..o....o.......o S:......o..o.....o B:...............x
        H:.......x.......x S:.o.......o....o. B:.......x........ R:..x.............
        H:..............O. S:...o......o....o
        """),
    fills=_figures("""
        S:X.xxX.xX S:..X..X.X+B:xx.xx.x. S:xxxxXXXX S:X..X..X.X.X.XXXX B:X..X..X.+S:..X..X.X
        S:ooooxxxxooooXXXX S:x.oxx.oX+B:.x...x.. H:........+B:........+S:x..x..XX
        """),
    splice=0.4,
    stutter=0.5,
)  # fmt: skip

GENRES: Final[Mapping[str, Genre]] = MappingProxyType(
    {
        "electro": _ELECTRO,
        "techno": _TECHNO,
        "idm": _IDM,
        "house": _HOUSE,
        "breakbeat": _BREAKBEAT,
        "dnb": _DNB,
    }
)
"""The genres by name, in the order of the corpus."""


def compose(genre: str, number: int) -> NDArray[np.float32]:
    """The pattern `genre:number`: float32 `[V=6, T=64]`, multiples of 1/127, 0 or at least 0.15.

    Closed and open hat never share a step, and some voice plays on a beat of every measure.

    Raises:
        ValueError: there is no such genre, or the number is not in 1..count.
    """
    theme, place = family(genre, number), (number - 1) % _FAMILY_SIZE
    grammar = GENRES[genre]
    lines, contour = _theme(grammar, _Dice(theme))
    # One seed for the four: their places choose among the same fills, each from another on.
    _vary(lines, grammar, place, _Dice(f"{theme} varied"))
    for start in range(0, _STEPS, _MEASURE):
        if all(line[start : start + _MEASURE : 4] == ["."] * 4 for line in lines.values()):
            lines["B"][start] = "X"
    return _velocities(lines, grammar.accents[contour - (place == 2)])


def family(genre: str, number: int) -> str:
    """Which theme the pattern varies, as `electro/12`: split a corpus by this.

    Raises:
        ValueError: there is no such genre, or the number is not in 1..count.
    """
    if genre not in GENRES:
        raise ValueError(f"no genre {genre!r}: there are {', '.join(GENRES)}")
    if not 1 <= number <= GENRES[genre].count:
        raise ValueError(f"no pattern {genre}:{number}: there are 1 to {GENRES[genre].count}")
    return f"{genre}/{(number - 1) // _FAMILY_SIZE + 1}"


def euclid(onsets: int, steps: int, rotation: int = 0) -> str:
    """`onsets` spread as evenly as can be over `steps`, from the `rotation`-th step of the figure.

    Raises:
        ValueError: there are more onsets than steps, or fewer than none.

    Bjorklund's algorithm; Toussaint, The Euclidean Algorithm Generates Traditional Musical
    Rhythms, 2005.
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
    """Draws that never change: each is one `random()` of a generator seeded by text."""

    def __init__(self, seed: str) -> None:
        self._random = Random(seed).random

    def chance(self, probability: float) -> bool:
        return self._random() < probability

    def below(self, stop: int) -> int:
        return int(self._random() * stop)

    def pick(self, table: Sequence[_Item]) -> _Item:
        return table[self.below(len(table))]

    def pick_common(self, table: Sequence[_Item]) -> _Item:
        """Favours the front of the table."""
        return table[int(self._random() * self._random() * len(table))]


def _theme(grammar: Genre, dice: _Dice) -> tuple[_Grid, int]:
    """What the patterns of a family have in common: the lines, and the number of its accents."""
    form = dice.pick_common(grammar.forms)
    lines = {name: list(_line(name, grammar, form, dice)) for name in _LINES}
    if dice.chance(0.12):  # a line enters in measure 2 or 3
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
        # A snare is turned off the downbeat, as the others are now and then.
        turns = (4, 8, 12, 12, 6, 10) if name == "S" else (0, 0, 0, 2, 3, 6, 14)
        figure = euclid(dice.pick(_EUCLIDEAN_ONSETS[name]), _MEASURE, dice.pick(turns))
    if name == "H" and dice.chance(0.4):
        figure = "O".join(figure.rsplit("x", 1))
    return figure.replace("x", "X", 1)


def _polymeter(name: str, dice: _Dice) -> str:
    """A phrase of other than 16 steps, over and over: for two measures at a time, or for four."""
    steps, span = dice.pick((7, 5, 6, 9, 12, 10, 11, 14, 3)), dice.pick((32, 32, 64))
    most = steps // 2 + 1 if name == "H" else (steps + 2) // 3
    onsets = max(1, most - dice.below(2))
    phrase = euclid(onsets, steps).replace("x", "X", 1)
    return (phrase * span)[:span] * (_STEPS // span)


def _vary(lines: _Grid, grammar: Genre, place: int, dice: _Dice) -> None:
    """Make the theme into the first, second, third or fourth of its family, in place."""
    fills = _figures(_COMMON_FILLS) + grammar.fills
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
    """Add the hits of `S:..o.` to the last of each `every` measures, where the line rests."""
    name, figure = ornament.split(":")
    for measure in range(every - 1, _STEPS // _MEASURE, every):
        for step, symbol in enumerate(figure, measure * _MEASURE):
            if lines[name][step] == ".":
                lines[name][step] = symbol


def _fill(lines: _Grid, fills: Sequence[str], stop: int, longest: int) -> None:
    """End on the first of the fills that changes an onset: `S:xxXX+B:....` up to step `stop`."""
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
    """Repeat one to four steps until the end."""
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
