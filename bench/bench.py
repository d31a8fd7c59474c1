"""Measure speed, memory and start-up, each beside its target.

Usage: python bench/bench.py [--quick] [--threads N] [--only NAME]...

The table goes to stdout, what is being measured to stderr; exit status 1 when a target is missed.
--quick takes seconds of sound instead of minutes and only shows that the measurement works: short
runs are all start-up, so it judges nothing.
"""

import argparse
import math
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from folders import cluster_wholeness, folder_speed, workers_speed
from inputs import beats, loop_song, sampled_kit
from measuring import DRUMKIT, TYPER, Figure, Plan, measure, processor_ratio, time_ratio

from drumkit_cli.cli import COMMANDS
from drumkit_cli.errors import ExitStatus
from drumkit_cli.io.tables import Table
from drumkit_cli.midi.files import write_midi
from drumkit_cli.midi.track import Note, empty_track

FULL = Plan(180.0, 180.0, 3600.0, 15, 2)
QUICK = Plan(4.0, 2.0, 4.0, 1, 1, runs_before=0)


def speed(arguments: Sequence[str | Path], plan: Plan, name: str, target: float) -> Figure:
    """How many times faster than real time a command is, start-up included."""
    command = [*DRUMKIT, *arguments, "-q"]
    cost = measure(command, plan.threads)
    return Figure(name, plan.speed_seconds / cost.seconds, target, "x real time")


def separate_speed(folder: Path, plan: Plan) -> Figure:
    """The built-in separator."""
    song = loop_song(folder / "song.wav", plan.speed_seconds)
    arguments = ["separate", "--model", "built-in", song, "--threads", str(plan.threads)]
    return speed(arguments, plan, "separate (built-in), speed", 20.0)


def arrange_speed(folder: Path, plan: Plan) -> Figure:
    """The arranger, on plain audio."""
    song = loop_song(folder / "song.wav", plan.speed_seconds)
    return speed(["arrange", song, "--threads", str(plan.threads)], plan, "arrange, speed", 10.0)


def transcribe_speed(folder: Path, plan: Plan) -> Figure:
    """Drums, beats and tempo heard in plain audio."""
    song = loop_song(folder / "song.wav", plan.speed_seconds)
    return speed(["transcribe", song], plan, "transcribe, speed", 25.0)


def mel_speed(folder: Path, plan: Plan) -> Figure:
    """Analysis."""
    song = loop_song(folder / "song.wav", plan.speed_seconds)
    return speed(["mel", song], plan, "mel, speed", 100.0)


def invert_speed(folder: Path, plan: Plan) -> Figure:
    """Inversion."""
    song = loop_song(folder / "song.wav", plan.speed_seconds)
    mel = folder / "mel.npy"
    measure([*DRUMKIT, "mel", song, "-q", "-o", mel], plan.threads)
    return speed(["mel", "--invert", mel], plan, "mel --invert, speed", 10.0)


def separate_memory(folder: Path, plan: Plan) -> Figure:
    """Peak memory of the built-in separator on a long file over that on a short one."""
    peaks = []
    for seconds in (plan.short_seconds, plan.long_seconds):
        song = loop_song(folder / "length.wav", seconds)
        command = [*DRUMKIT, "separate", "--model", "built-in", song, "-q"]
        peaks.append(measure(command, plan.threads).peak_bytes)
        song.unlink()
    name = (
        f"separate, peak memory of {plan.long_seconds / 60:.3g} over "
        f"{plan.short_seconds / 60:.3g} minutes ({peaks[0] / 2**20:.0f} MiB)"
    )
    return Figure(name, peaks[1] / peaks[0], 1.3, "x", at_most=True)


def start_time(lines: Sequence[str], plan: Plan, name: str, status: int = 0) -> Figure:
    """The slowest of some command lines, beside importing Typer."""
    figures = [
        time_ratio([*DRUMKIT, *line.split()], TYPER, plan, name.format(line), 2.0, status)
        for line in lines
    ]
    return max(figures, key=lambda figure: figure.value)


def help_time(folder: Path, plan: Plan) -> Figure:
    """The overview and the help of each command."""
    del folder
    lines = ["--help", *(f"{command} --help" for command in COMMANDS)]
    return start_time(lines, plan, "drumkit {}, the slowest help, over import typer, time")


def usage_time(folder: Path, plan: Plan) -> Figure:
    """A wrong option and a wrong value."""
    del folder
    lines = [*(f"{command} --nope" for command in COMMANDS), "separate a.wav --overlap 2"]
    name = "drumkit {}, the slowest usage error, over import typer, time"
    return start_time(lines, plan, name, ExitStatus.USAGE)


def missing_time(folder: Path, plan: Plan) -> Figure:
    """An input that is not there."""
    del folder
    files = ("separate", "mel", "mel --invert", "arrange", "groove", "groove --extract", "synth")
    lines = [f"{command} no/file" for command in files]
    lines += ["interpolate no/file techno:1", "synth --z no/file", "train synth no/file"]
    name = "drumkit {}, the slowest missing input, over import typer, time"
    return start_time(lines, plan, name, ExitStatus.NO_INPUT)


def interpolate_line(folder: Path) -> list[str | Path]:
    """A transition of six steps between two MIDI files."""
    ends = [folder / "a.mid", folder / "b.mid"]
    for end, genre in zip(ends, ("techno", "electro"), strict=True):
        pattern = [f"{genre}:1"] * 2
        measure([*DRUMKIT, "interpolate", *pattern, "--path", "crossfade", "-o", end, "-q"], 1)
    return ["interpolate", *ends, "-n", "6"]


def groove_line(folder: Path) -> list[str | Path]:
    """32 measures to be played."""
    beat = folder / "beat.mid"
    measure([*DRUMKIT, "swirl", "--measures", "32", "-o", str(beat), "-q"], 1)
    return ["groove", beat]


SWIRL_LINE = ("swirl", "--measures", "124")
KICK_LINE = ("synth", "kick")


def interpolate_time(folder: Path, plan: Plan) -> Figure:
    """Processor time of a transition."""
    return processor_ratio(interpolate_line(folder), plan, "interpolate -n 6", 0.35)


def swirl_time(folder: Path, plan: Plan) -> Figure:
    """Processor time of 124 measures of drums."""
    del folder
    return processor_ratio(SWIRL_LINE, plan, "swirl --measures 124", 0.35)


def groove_time(folder: Path, plan: Plan) -> Figure:
    """Processor time of 32 measures played."""
    return processor_ratio(groove_line(folder), plan, "groove of 32 measures", 0.5)


def kick_time(folder: Path, plan: Plan) -> Figure:
    """Processor time of one sound."""
    del folder
    return processor_ratio(KICK_LINE, plan, "synth kick", 0.35)


def midi_memory(folder: Path, plan: Plan) -> Figure:
    """Peak memory of the commands that make MIDI: the largest."""
    lines = {
        "swirl": SWIRL_LINE,
        "interpolate": interpolate_line(folder),
        "groove": groove_line(folder),
    }
    peaks = {
        name: measure([*DRUMKIT, *line, "-q"], plan.threads).peak_bytes / 1e6
        for name, line in lines.items()
    }
    name = (
        f"swirl, interpolate, groove: the largest peak memory ({max(peaks, key=peaks.__getitem__)})"
    )
    return Figure(name, max(peaks.values()), 120, "MB", at_most=True)


def kick_memory(folder: Path, plan: Plan) -> Figure:
    """Peak memory of one sound."""
    del folder
    peak = measure([*DRUMKIT, *KICK_LINE, "-q"], plan.threads).peak_bytes
    return Figure("synth kick, peak memory", peak / 1e6, 200, "MB", at_most=True)


def kick_track_time(folder: Path, plan: Plan) -> Figure:
    """Processor time of a kick for four minutes of bass in eighths and snares on two and four."""
    track = empty_track(120.0, end_ticks=960 * 240, name="bass and drums")
    bass = [Note(0, 0, 40, 90, 0, 33, False, 240 * n, 200) for n in range(960)]
    snares = [track.note(960 * n + 480, 60, 38, 100) for n in range(240)]
    song = folder / "song.mid"
    song.write_bytes(write_midi(track.with_notes([*bass, *snares])))
    return processor_ratio(["kick", song], plan, "kick, 4 minutes of MIDI", 2.0)


def pipe_time(folder: Path, plan: Plan) -> Figure:
    """Wall time of four commands in a pipe over that of four imports of torch at once.

    With PyTorch in each of them it was twice that of the imports.
    """
    del folder
    lines = ("swirl --measures 8", "interpolate - techno:1", "groove -", "synth")
    ours = " | ".join(f"{' '.join(DRUMKIT)} {line} -q" for line in lines)
    theirs = " | ".join([f"{sys.executable} -c 'import torch'"] * len(lines))
    name = "swirl | interpolate | groove | synth over four imports of torch, time"
    return time_ratio(("bash", "-c", ours), ("bash", "-c", theirs), plan, name, 0.6)


def swirl_memory(folder: Path, plan: Plan) -> Figure:
    """Peak memory of many measures of drums over that of a few."""
    del folder
    peaks = [
        measure([*DRUMKIT, "swirl", "--measures", count, "-q"], plan.threads).peak_bytes
        for count in ("100", "10000")
    ]
    name = f"swirl, peak memory of 10,000 over 100 measures ({peaks[0] / 2**20:.0f} MiB)"
    return Figure(name, peaks[1] / peaks[0], 1.1, "x", at_most=True)


def groove_memory(folder: Path, plan: Plan) -> Figure:
    """Peak memory of a third of the long time, at 120 bpm: of twenty minutes."""
    beat = folder / "long.mid"
    seconds = plan.long_seconds / 3
    long = ["--measures", str(math.ceil(seconds / 2)), "--bpm", "120"]
    measure([*DRUMKIT, "swirl", *long, "-o", str(beat), "-q"], 1)
    peak = measure([*DRUMKIT, "groove", str(beat), "-q"], plan.threads).peak_bytes
    name = f"groove, peak memory of {seconds / 60:.3g} minutes"
    return Figure(name, peak / 1e6, 600, "MB", at_most=True)


def synth_speed(folder: Path, plan: Plan) -> Figure:
    """Five minutes with 3,000 hits on ten drums."""
    plan = replace(plan, speed_seconds=min(300.0, 5 / 3 * plan.speed_seconds))
    song = beats(folder / "beats.mid", plan.speed_seconds)
    name = f"synth, speed, {10 * plan.speed_seconds:,.0f} hits in {plan.speed_seconds:g} s"
    return speed(["synth", song, "--threads", str(plan.threads)], plan, name, 100.0)


def samples_speed(folder: Path, plan: Plan) -> Figure:
    """The same five minutes with a kit of samples: decaying noise, stereo, of a second each."""
    plan = replace(plan, speed_seconds=min(300.0, 5 / 3 * plan.speed_seconds))
    song = beats(folder / "beats.mid", plan.speed_seconds)
    name = f"synth --kit of samples, speed, {10 * plan.speed_seconds:,.0f} hits"
    kit = ["--kit", sampled_kit(folder / "kit")]
    return speed(["synth", song, *kit, "--threads", str(plan.threads)], plan, name, 100.0)


def synth_memory(folder: Path, plan: Plan) -> Figure:
    """Peak memory of a long track over that of a short one, of as many hits a second."""
    peaks = []
    for seconds in (plan.short_seconds, plan.long_seconds):
        song = beats(folder / "length.mid", seconds)
        peaks.append(measure([*DRUMKIT, "synth", song, "-q"], plan.threads).peak_bytes)
    name = (
        f"synth, peak memory of {plan.long_seconds / 60:.3g} over "
        f"{plan.short_seconds / 60:.3g} minutes ({peaks[0] / 2**20:.0f} MiB)"
    )
    return Figure(name, peaks[1] / peaks[0], 1.3, "x", at_most=True)


MEASURES: dict[str, Callable[[Path, Plan], Figure]] = {
    "help": help_time,
    "usage": usage_time,
    "missing": missing_time,
    "interpolate": interpolate_time,
    "swirl": swirl_time,
    "swirl-memory": swirl_memory,
    "groove": groove_time,
    "kick": kick_time,
    "kick-track": kick_track_time,
    "pipe": pipe_time,
    "midi-memory": midi_memory,
    "kick-memory": kick_memory,
    "groove-memory": groove_memory,
    "synth": synth_speed,
    "synth-samples": samples_speed,
    "synth-memory": synth_memory,
    "transcribe": transcribe_speed,
    "mel": mel_speed,
    "invert": invert_speed,
    "arrange": arrange_speed,
    "separate": separate_speed,
    "memory": separate_memory,
    "workers": workers_speed,
    "folder": folder_speed,
    "cluster": cluster_wholeness,
}


def table(figures: Sequence[Figure], plan: Plan, *, judge: bool) -> Table:
    """The figures as a table."""
    rows = [
        [
            figure.name,
            figure.value,
            f"{'<=' if figure.at_most else '>='} {figure.target:g} {figure.unit}",
            ("pass" if figure.reached else "FAIL") if judge else "not judged",
        ]
        for figure in figures
    ]
    notes = [
        f"{plan.threads} threads, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
        f"speed on {plan.speed_seconds:g} s of stereo at 44.1 kHz, start-up included",
    ]
    return Table("drumkit, measured", ["what", "figure", "target", ""], rows, notes)


def main() -> int:
    """Measure what the command line asks for and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="short sounds; judge nothing")
    parser.add_argument("--threads", type=int, help="CPU threads (default: 2; 1 with --quick)")
    parser.add_argument("--only", action="append", choices=MEASURES, help="measure only this")
    arguments = parser.parse_args()
    plan = QUICK if arguments.quick else FULL
    if arguments.threads:
        plan = replace(plan, threads=arguments.threads)
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.only or MEASURES:
            print(f"measuring {name}", file=sys.stderr)
            figures.append(MEASURES[name](Path(folder), plan))
    print(table(figures, plan, judge=not arguments.quick).to_text(), end="")
    return 0 if arguments.quick or all(figure.reached for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
