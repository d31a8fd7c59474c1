"""A groove as a text file: how loud and how late each drum is at each sixteenth of two measures.

    drumkit groove 1
    # velocity 1 to 127, then how late in percent of a sixteenth, -50 to +85
    step   kick    snare   closed-hat  open-hat  ride    crash   tom
    1.1.1  112+0   .       96-4        .         .       .       .
    1.1.2  .       31+6    41+9        .         .       .       .

A row is a step (measure, beat, sixteenth), a column a drum, "." says nothing. Rows and columns may
be left out, and come in any order; where no row is of the second measure, the first stands for
both. After "#" comes a comment. What is written has all rows and columns, each as wide as its
widest value can be, so that a change of one value changes one line.
"""

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.errors import BadDataError, UsageError
from drumkit_cli.groove.inputs.performance import Performance
from drumkit_cli.groove.inputs.swing import LATEST, STRAIGHT, Swing, find_swing
from drumkit_cli.groove.network.windowing import BEAT_STEPS, HOP_STEPS, VOICES, WINDOW_STEPS
from drumkit_cli.io.arrays import Integers

MAGIC: Final = "drumkit groove"
VERSION: Final = 1
VELOCITY_MAX: Final = 127
EARLIEST_PERCENT: Final = -50
LATEST_PERCENT: Final = round(100 * LATEST)
"""Eighths may be as late as in triplets, +67."""
REGULAR_SHARE: Final = 1 / 4
COLUMNS: Final = tuple(voice.replace("hi-hat", "hat").replace(" ", "-") for voice in VOICES)
"""The voices, each in one word."""
_COMMENT: Final = "# velocity 1 to 127, then how late in percent of a sixteenth, -50 to +85"
_SILENT: Final = "."
_QUOTED: Final = 20
"""How much of a wrong word messages quote."""
_STEP_WIDTH: Final = len("1.1.1")
_CELL_WIDTH: Final = len("127+50")
_CELL: Final = re.compile(r"(\d{1,3})([+-]\d{1,2})?", re.ASCII)
_STEP: Final = re.compile(r"([12])\.([1-4])\.([1-4])", re.ASCII)


@dataclass(frozen=True)
class GrooveTable:
    """Velocities 0..127 and lateness -50..85 percent of a sixteenth, both ``[V, 32]``.

    Where the velocity is 0 the table says nothing, and the lateness is 0.
    """

    velocities: Integers
    percents: Integers


def extract_groove(performance: Performance) -> GrooveTable:
    """Average the hits of a performance over its pairs of measures, rests left out.

    A step that a drum plays in fewer than a quarter of the pairs is an accident, and left out: one
    stray ghost note would silence every backbeat of a template. A single measure stands for both.
    """
    velocities, offsets = _pairs(performance.velocities), _pairs(performance.offsets)
    struck = velocities > 0
    hits = struck.sum(1)
    kept = (hits > 0) & (hits >= REGULAR_SHARE * struck.any((0, 2)).sum())
    velocity = np.rint(VELOCITY_MAX * velocities.sum(1) / np.maximum(hits, 1))
    percent = np.rint(100 * offsets.sum(1) / np.maximum(hits, 1))
    return GrooveTable(
        np.where(kept, velocity.clip(1, VELOCITY_MAX), 0).astype(np.int64),
        np.where(kept, percent.clip(EARLIEST_PERCENT, LATEST_PERCENT), 0).astype(np.int64),
    )


def swing_of(table: GrooveTable) -> Swing:
    """The swing of a table."""
    voices, steps = np.nonzero(table.velocities)
    return find_swing(steps % BEAT_STEPS + table.percents[voices, steps] / 100.0)


def impose(table: GrooveTable, played: Performance, swing: Swing = STRAIGHT) -> Performance:
    """Give the notes of a performance the velocity and offset of the table where it has one.

    The performance's offsets are from where ``swing`` puts a sixteenth.
    """
    columns = played.velocities.shape[1]
    steps = np.arange(columns) % WINDOW_STEPS
    told = (played.velocities > 0) & (table.velocities[:, steps] > 0)
    velocities = np.where(told, table.velocities[:, steps] / VELOCITY_MAX, played.velocities)
    late = table.percents[:, steps] / 100 - swing.delays(columns)
    offsets = np.where(told, late, played.offsets)
    return Performance(velocities.astype(np.float32), offsets.astype(np.float32))


def write_groove(table: GrooveTable, comment: str = "") -> str:
    """The text of a table; ``comment`` becomes a comment line of it."""
    lines = [f"{MAGIC} {VERSION}", *([f"# {comment}"] if comment else []), _COMMENT]
    lines.append(_row("step", COLUMNS))
    for step in range(WINDOW_STEPS):
        cells = [
            f"{velocity}{percent:+d}" if velocity else _SILENT
            for velocity, percent in zip(
                table.velocities[:, step], table.percents[:, step], strict=True
            )
        ]
        lines.append(_row(_step_name(step), cells))
    return "\n".join(lines) + "\n"


def is_groove(head: bytes) -> bool:
    """Whether a file that starts so is a groove, of whatever version."""
    return head.removeprefix(codecs.BOM_UTF8).startswith(MAGIC.encode())


def read_groove(data: bytes, name: str) -> GrooveTable:
    """Read the text of a table; ``name`` is for messages.

    Raises:
        BadDataError: no groove file; the message names the line.
    """
    try:
        lines = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        number = data.count(b"\n", 0, error.start) + 1
        raise BadDataError(f"{name}, line {number}: not UTF-8 text") from error
    _check_version(lines[0] if lines else "", name)
    table = GrooveTable(*(np.zeros((len(VOICES), WINDOW_STEPS), np.int64) for _ in range(2)))
    columns: list[int] = []
    seen: set[int] = set()
    for number, line in enumerate(lines[1:], 2):
        words = line.partition("#")[0].split()
        try:
            if words and not columns:
                columns = _read_columns(words)
            elif words:
                step = _read_step(words[0], seen)
                _read_cells(words[1:], columns, step, table)
        except ValueError as error:
            raise BadDataError(f"{name}, line {number}: {error}") from error
    if not table.velocities.any():
        raise BadDataError(f"{name} has no values", "a groove needs a step with a velocity")
    if max(seen) < HOP_STEPS:
        for values in (table.velocities, table.percents):
            values[:, HOP_STEPS:] = values[:, :HOP_STEPS]
    return table


def read_drums(text: str) -> tuple[int, ...]:
    """The voices of a list such as ``kick,closed-hat``, by the names of a table's columns.

    Raises:
        UsageError: it names no voice.
    """
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in COLUMNS:
            raise UsageError(f"no drum {_quote(name)}", f"one of {', '.join(COLUMNS)}")
    return tuple(COLUMNS.index(name) for name in names)


def _pairs(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """A grid ``[V, T]`` as pairs of measures ``[V, N, 32]``, filled up with rests."""
    if values.shape[1] == HOP_STEPS:
        values = np.tile(values, 2)
    whole = np.pad(values, ((0, 0), (0, -values.shape[1] % WINDOW_STEPS)))
    return whole.reshape(len(values), -1, WINDOW_STEPS).astype(np.float64)


def _check_version(line: str, name: str) -> None:
    words = line.partition("#")[0].split()
    if words[:2] != MAGIC.split() or len(words) != 3:
        raise BadDataError(f"{name}, line 1: not '{MAGIC} {VERSION}'")
    if words[2] != str(VERSION):
        raise BadDataError(
            f"{name}, line 1: a groove of version {words[2][:_QUOTED]}",
            f"this drumkit reads {VERSION}",
        )


def _read_columns(words: list[str]) -> list[int]:
    """The voices of a head line."""
    if words[0] != "step" or len(words) == 1:
        raise ValueError(f"no head line such as 'step {COLUMNS[0]} {COLUMNS[1]}'")
    for word in words[1:]:
        if word not in COLUMNS:
            raise ValueError(f"{_quote(word)} is not one of {', '.join(COLUMNS)}")
        if words.count(word) > 1:
            raise ValueError(f"{word} has two columns")
    return [COLUMNS.index(word) for word in words[1:]]


def _read_step(word: str, seen: set[int]) -> int:
    """The step that a row is of, which must be new; it is put among those seen."""
    match = _STEP.fullmatch(word)
    if match is None:
        raise ValueError(f"{_quote(word)} is no step from 1.1.1 to 2.4.4")
    measure, beat, sixteenth = (int(digit) - 1 for digit in match.groups())
    step = HOP_STEPS * measure + BEAT_STEPS * beat + sixteenth
    if step in seen:
        raise ValueError(f"step {word} stands here a second time")
    seen.add(step)
    return step


def _read_cells(words: list[str], columns: list[int], step: int, table: GrooveTable) -> None:
    """Put the values of a row into the table."""
    if len(words) != len(columns):
        raise ValueError(f"{len(words)} values under {len(columns)} drums")
    for voice, word in zip(columns, words, strict=True):
        if word == _SILENT:
            continue
        match = _CELL.fullmatch(word)
        if match is None:
            raise ValueError(f"{_quote(word)} is no velocity and lateness such as 96-4")
        velocity, percent = int(match[1]), int(match[2] or 0)
        if not 1 <= velocity <= VELOCITY_MAX:
            raise ValueError(f"velocity {velocity} is not within 1 and {VELOCITY_MAX}")
        if not EARLIEST_PERCENT <= percent <= LATEST_PERCENT:
            raise ValueError(
                f"{percent:+d} percent is not within {EARLIEST_PERCENT} and {LATEST_PERCENT}"
            )
        table.velocities[voice, step], table.percents[voice, step] = velocity, percent


def _quote(word: str) -> str:
    return repr(word[:_QUOTED])


def _step_name(step: int) -> str:
    measure, within = divmod(step, HOP_STEPS)
    beat, sixteenth = divmod(within, BEAT_STEPS)
    return f"{measure + 1}.{beat + 1}.{sixteenth + 1}"


def _row(first: str, cells: Sequence[str]) -> str:
    """A line whose columns are as wide as their widest value can be."""
    columns = (
        cell.ljust(max(len(column), _CELL_WIDTH))
        for cell, column in zip(cells, COLUMNS, strict=True)
    )
    return "  ".join([first.ljust(_STEP_WIDTH), *columns]).rstrip()
