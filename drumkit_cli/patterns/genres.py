"""The genre grammars of the composer: tables of one-measure figures, in a readable notation.

Figures are strings of sixteenths: `X` accent, `x` hit, `o` ghost note, `O` open hat, `.` rest.
Lines are B bass drum, S snare (or clap), H both hats, R rimshot, C cowbell. An ornament (`S:..o.`)
names the line that it is added to; a fill (`S:xxXX+B:....`) names each line whose end it replaces.
Tables list their commonest figures first, and draws favour the front.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class Line:
    """The grammar of one line of a genre: probabilities, and a table of one-measure figures."""

    presence: float
    figures: tuple[str, ...]
    odd: float = 0.0
    """Probability of a Euclidean, irregular or polymetric line in place of a figure."""
    answer: float = 0.35
    """Probability that measures B and C differ from A."""


@dataclass(frozen=True, slots=True)
class Genre:
    """A genre: a description, the number of its patterns, its tempo, and its grammar."""

    about: str
    count: int
    tempo_bpm: float
    lines: Mapping[str, Line] = field(repr=False)
    forms: tuple[str, ...] = field(repr=False)
    accents: tuple[str, ...] = field(repr=False)
    """Accent weights 0..9 of the sixteen steps of a measure; a theme takes one of these rows."""
    ornaments: tuple[str, ...] = field(repr=False)
    fills: tuple[str, ...] = field(repr=False)
    splice: float = field(repr=False)
    """Probability that a figure joins the halves of two."""
    stutter: float = field(repr=False)
    """Probability that the fourth pattern of a family ends by repeating a few steps."""


def _figures(table: str) -> tuple[str, ...]:
    return tuple(table.split())


COMMON_FILLS: Final = _figures("""
    S:xxXX S:x.xX S:..xxxxXX S:ooooxxXX S:x..x..X. B:x.xx B:....+S:.xxX H:x.O. S:oxoxxXxX
    S:xxxxxxxxXXXX S:X..X..X.+B:........ R:x.xx.x.x R:xxxx B:x..x..x.+S:..x..x.X H:xxxx
    S:X.XX+H:.... C:x.x.x.xx B:........+S:x.x.xxXX H:O...O... S:..x...XX R:..x..x.x+B:........
    B:........+S:........+H:........ B:x.x.xxxx S:X...X.X.+B:..x...xx
""")
"""Fills of every genre, beside its own."""

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

GENRES: Final[Mapping[str, Genre]] = {
    "electro": _ELECTRO,
    "techno": _TECHNO,
    "idm": _IDM,
    "house": _HOUSE,
    "breakbeat": _BREAKBEAT,
    "dnb": _DNB,
}
"""The genres by name, in the order of the corpus."""
