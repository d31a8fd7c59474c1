"""Which voice a name of a file or of an instrument means, and how hard it was hit."""

import re
from typing import Final

from drumkit_cli.synth.kits.voices import VOICES

_WORDS: Final[tuple[tuple[str, str], ...]] = (
    ("rimshot", "rim rims rimshot rimshots sidestick xstick stick clave claves"),
    ("snare", "snare snares sn sd snr"),
    ("kick", "kick kicks kik bd bassdrum bass"),
    ("clap", "clap claps handclap cp clp"),
    ("snap", "snap snaps fingersnap"),
    ("tom", "tom toms floor"),
    ("conga", "conga congas"),
    ("bongo", "bongo bongos"),
    ("ride", "ride rides rd"),
    ("cowbell", "cowbell cowbells cow cb agogo bell"),
    ("tambourine", "tambourine tambourines tamb tambo"),
    ("shaker", "shaker shakers maraca maracas cabasa egg"),
    ("crash", "crash crashes china splash cymbal cym cy"),
)
"""Words by what they mean; of two meanings in one name the first here counts."""
_HATS: Final = "hat hats hihat hihats hh hho hhc oh ohh ch chh"
_OPEN: Final = "open opened op o oh ohh hho half halfopen"
_HEIGHTS: Final = {"low": "low", "lo": "low", "floor": "low", "high": "high", "hi": "high"}
_DYNAMICS: Final = {
    "pp": 1, "p": 2, "soft": 2, "mp": 3, "medium": 3, "med": 3, "mf": 4, "hard": 5, "loud": 5,
    "f": 5, "ff": 6,
}  # fmt: skip
_LEVEL: Final = re.compile(r"\b(?:v|vel|velocity|layer) ?(\d{1,4})\b")


def voice_named(text: str) -> str | None:
    """The voice that a name means: "open-hat" of "Hat_Open 2"; None where it means none.

    Toms that are neither low nor high are of the middle, but those numbered 1 and 3 are the high
    and the low one; congas and bongos that are not low are high.
    """
    words = _plain(text).split()
    name = "-".join(words)
    if name in VOICES:
        return name
    known = set(words)
    if known & {*_HATS.split()} or "hi hat" in " ".join(words):
        return "open-hat" if known & {*_OPEN.split()} else "closed-hat"
    kind = next((name for name, meant in _WORDS if known & {*meant.split()}), None)
    if kind not in ("tom", "conga", "bongo"):
        return kind
    height = next((_HEIGHTS[word] for word in words if word in _HEIGHTS), None)
    if kind == "tom":
        numbered = {"1": "high", "3": "low", "4": "low"}
        height = height or next((numbered[word] for word in words if word in numbered), "mid")
    return f"{height or 'high'}-{kind}"


def dynamics_named(text: str) -> int | None:
    """A number that grows with how hard a hit was, by "soft", "mf", "v3"; None without a word."""
    plain = _plain(text)
    if match := _LEVEL.search(plain):
        return int(match[1])
    return next((_DYNAMICS[word] for word in plain.split() if word in _DYNAMICS), None)


def in_order(text: str) -> list[tuple[int, str]]:
    """A key that sorts names as people do: "kick 2" before "kick 10"."""
    return [
        (int(part), "") if part.isdecimal() else (-1, part)
        for part in re.split(r"(\d+)", text.lower())
        if part
    ]


def _plain(text: str) -> str:
    """Words in lower case: "kick drum 2" of "KickDrum-02"."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])", " ", text)
    words = re.sub(r"[^a-z0-9]+", " ", apart.lower()).split()
    return " ".join(word.lstrip("0") or "0" for word in words)
