"""Facts of a file for people, a label and a value a line, and for programs, as JSON."""

import json
import shlex
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Final

from drumkit_cli.audio.loudness import BLOCK_SECONDS
from drumkit_cli.console import escape

Facts = dict[str, Any]
Row = tuple[str, str]

_METERS_SHOWN: Final = 4


def to_text(facts: Facts) -> str:
    """Return the facts that `infer.describe` gives as aligned lines, control characters escaped."""
    rows = [*_ROWS[facts["kind"]](facts), *_origin_rows(facts.get("provenance", []))]
    width = max(len(label) for label, _ in rows)
    lines = [facts["file"], *(f"  {label.ljust(width)}  {value}" for label, value in rows)]
    return "".join(f"{escape(line.rstrip())}\n" for line in lines)


def to_json(facts: Facts) -> str:
    """Return the facts as an object of JSON in one line; NaN and infinities are null."""
    finite = json.loads(json.dumps(facts), parse_constant=lambda _: None)
    return json.dumps(finite, ensure_ascii=False) + "\n"


def _audio_rows(facts: Facts) -> list[Row]:
    stems = [
        (
            stem["name"],
            _count(stem["channels"], "channel"),
            _level(stem["peak_dbfs"], "dBFS"),
            _loudness(stem, facts["seconds"]),
        )
        for stem in facts["stems"]
    ]
    return [
        ("kind", f"{facts['format']}, {facts['encoding'].replace('_', ' ')}"),
        ("length", f"{_time(facts['seconds'])}, {_count(facts['frames'], 'sample')}"),
        ("rate", f"{facts['rate_hz']:,} Hz"),
        ("channels", str(facts["channels"])),
        *_listed("stems", stems),
        ("peak", _level(facts["peak_dbfs"], "dBFS")),
        ("loudness", _loudness(facts, facts["seconds"])),
    ]


def _midi_rows(facts: Facts) -> list[Row]:
    if facts["ticks_per_quarter"] is None:
        resolution = f"{facts['ticks_per_second']:g} ticks a second"
    else:
        resolution = f"{_count(facts['ticks_per_quarter'], 'tick')} a quarter note"
    tempo = f"{facts['tempo_bpm']:.5g} bpm"
    if facts["tempo_changes"]:
        span = f"{facts['tempo_min_bpm']:.5g} to {facts['tempo_max_bpm']:.5g} bpm"
        tempo = f"{span}, {_count(facts['tempo_changes'], 'change')}"
    tracks = [_track_cells(number, track) for number, track in enumerate(facts["tracks"], 1)]
    drums = [(f"{drum['hits']:,}", str(drum["pitch"]), drum["name"]) for drum in facts["drums"]]
    return [
        ("kind", f"MIDI, format {facts['format']}"),
        ("length", _time(facts["seconds"])),
        ("resolution", resolution),
        ("tempo", tempo),
        ("meter", _meters(facts["meters"])),
        ("notes", f"{facts['notes']:,}"),
        *_listed("tracks", tracks),
        *_listed("drums", drums),
    ]


def _track_cells(number: int, track: Facts) -> tuple[str, ...]:
    """Return number, notes, name, and channels with their instruments."""
    from pretty_midi import program_to_instrument_name

    channels = ", ".join(map(str, track["channels"]))
    names = [program_to_instrument_name(program) for program in track["programs"]]
    where = f"channel {channels}" if channels else ""
    return str(number), _count(track["notes"], "note"), track["name"], ", ".join([where, *names])


def _meters(meters: Sequence[Facts]) -> str:
    """Return the first meters and when they begin, of those that differ from the one before."""
    changes = [meters[0]]
    changes += [b for a, b in pairwise(meters) if a["meter"] != b["meter"]]
    shown = [changes[0]["meter"]]
    shown += [f"{m['meter']} at {_time(m['seconds'])}" for m in changes[1:_METERS_SHOWN]]
    more = len(changes) - _METERS_SHOWN
    return ", ".join([*shown, *([_count(more, "more change")] if more > 0 else [])])


def _array_rows(facts: Facts) -> list[Row]:
    shape = " x ".join(map(str, facts["shape"])) or "a single number"
    span = "-" if facts["min"] is None else f"{facts['min']:.6g} to {facts['max']:.6g}"
    rows = [("kind", "NPY array"), ("shape", shape), ("type", facts["dtype"]), ("range", span)]
    if facts["not_finite"]:
        rows.append(("not finite", _count(facts["not_finite"], "number")))
    return rows


def _groove_rows(facts: Facts) -> list[Row]:
    drums = [(drum["name"], _count(drum["steps"], "step")) for drum in facts["drums"]]
    return [("kind", "groove"), *_listed("drums", drums)]


def _kit_rows(facts: Facts) -> list[Row]:
    voices = [
        (voice["name"], f"{voice['gain_db']:+.1f} dB", f"pan {voice['pan']:+.2f}")
        for voice in facts["voices"]
    ]
    rows = [("kind", "kit"), *_listed("voices", voices)]
    return [*rows, ("weights", facts["weights_sha256"])] if facts["weights_sha256"] else rows


def _weights_rows(facts: Facts) -> list[Row]:
    return [
        ("kind", f"weights of {facts['feature']}, format {facts['format']}"),
        ("parameters", f"{facts['parameters']:,}"),
        ("sha256", facts["sha256"]),
        *_tree("card", facts["card"]),
    ]


def _origin_rows(made: Sequence[Facts]) -> list[Row]:
    rows = []
    for origin in made:
        rows.append(("made by", f"drumkit {origin['version']}"))
        rows.append(("command", shlex.join(["drumkit", *origin["arguments"]])))
        for label, key in (("weights", "weights_sha256"), ("input", "input_sha256")):
            rows += _listed(label, [(sha256,) for sha256 in origin[key].split(",") if sha256])
        if origin["seed"] is not None:
            rows.append(("seed", str(origin["seed"])))
    return rows


def _listed(label: str, cells: Sequence[Sequence[str]]) -> list[Row]:
    """Return rows of aligned cells, of which the first has the label."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    values = ("  ".join(map(str.ljust, row, widths)) for row in cells)
    return [(label if index == 0 else "", value) for index, value in enumerate(values)]


def _tree(label: str, value: object) -> list[Row]:
    """Return a row for a plain value, and a row for each value of a dictionary."""
    if isinstance(value, dict):
        cells = [(str(key), _plain(inner)) for key, inner in value.items()]
        return _listed(label, cells)
    return [(label, _plain(value))]


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_word(inner)}" for key, inner in value.items())
    return _word(value)


def _word(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return value if isinstance(value, str) else json.dumps(value)


def _level(level: float | None, unit: str) -> str:
    return f"-inf {unit}" if level is None else f"{round(level, 1) + 0.0:.1f} {unit}"


def _loudness(facts: Facts, seconds: float) -> str:
    if facts["loudness_lufs"] is None and seconds < BLOCK_SECONDS:
        return f"none below {BLOCK_SECONDS} s"
    return _level(facts["loudness_lufs"], "LUFS")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _time(seconds: float) -> str:
    """Return minutes and seconds, and hours where there are some."""
    thousandths = round(seconds * 1000)
    minutes, rest = divmod(thousandths, 60_000)
    hours, minutes = divmod(minutes, 60)
    head = f"{hours}:{minutes:02d}" if hours else str(minutes)
    return f"{head}:{rest // 1000:02d}.{rest % 1000:03d}"


_ROWS: Final[dict[str, Callable[[Facts], list[Row]]]] = {
    "audio": _audio_rows,
    "midi": _midi_rows,
    "array": _array_rows,
    "groove": _groove_rows,
    "kit": _kit_rows,
    "weights": _weights_rows,
}
