"""Measure speed, memory and start-up, each beside its target.

Usage: python bench/bench.py [--quick] [--threads N] [--only NAME]...

The table goes to stdout, what is being measured to stderr; exit status 1 when a target is missed.
--quick takes seconds of sound instead of minutes and only shows that the measurement works: short
runs are all start-up, so it judges nothing.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile

from drumkit_cli.cli import COMMANDS
from drumkit_cli.errors import ExitStatus
from drumkit_cli.io.tables import Table
from drumkit_cli.midi.files import write_midi
from drumkit_cli.midi.track import empty_track

ROOT = Path(__file__).resolve().parent.parent
SONG = ROOT / "examples" / "song.flac"
DRUMKIT = (sys.executable, "-m", "drumkit_cli")
TYPER = (sys.executable, "-c", "import typer")
TORCH = (sys.executable, "-c", "import torch")


@dataclass(frozen=True)
class Cost:
    """What a child process took: wall time, and its largest resident set."""

    seconds: float
    peak_bytes: int


@dataclass(frozen=True)
class Figure:
    """One measured figure with its target, which it must reach or stay below."""

    name: str
    value: float
    target: float
    unit: str
    at_most: bool = False

    @property
    def reached(self) -> bool:
        """Whether the target is reached."""
        return self.value <= self.target if self.at_most else self.value >= self.target


@dataclass(frozen=True)
class Plan:
    """Lengths and repetitions of a run."""

    speed_seconds: float
    short_seconds: float
    long_seconds: float
    repeats: int
    threads: int


FULL = Plan(180.0, 180.0, 3600.0, 15, 2)
QUICK = Plan(4.0, 2.0, 4.0, 3, 1)


def measure(command: Sequence[str | Path], threads: int, expected: int = 0) -> Cost:
    """Run a command to its end; raises CalledProcessError when it ends with another status."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONPATH": str(ROOT)}
    start = time.perf_counter()
    child = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert child.stderr is not None
    message = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - start
    child.stderr.close()
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != expected:
        sys.stderr.buffer.write(message)
        raise subprocess.CalledProcessError(child.returncode, command)
    scale = 1 if sys.platform == "darwin" else 1024  # getrusage's unit
    return Cost(seconds, usage.ru_maxrss * scale)


def loop_song(path: Path, seconds: float) -> Path:
    """Write the example song over and over, as 16-bit stereo WAV of a length."""
    samples, rate = soundfile.read(SONG, dtype="int16")
    left = round(seconds * rate)
    with soundfile.SoundFile(path, "w", rate, samples.shape[1], "PCM_16") as file:
        while left > 0:
            file.write(samples[:left])
            left -= len(samples)
    return path


def speed(arguments: Sequence[str | Path], plan: Plan, name: str, target: float) -> Figure:
    """How many times faster than real time a command is, start-up included."""
    cost = measure([*DRUMKIT, *arguments, "-q"], plan.threads)
    return Figure(name, plan.speed_seconds / cost.seconds, target, "x real time")


def separate_speed(folder: Path, plan: Plan) -> Figure:
    """The built-in separator."""
    song = loop_song(folder / "song.wav", plan.speed_seconds)
    arguments = ["separate", "--model", "built-in", song]
    return speed(arguments, plan, "separate (built-in), speed", 12.0)


def arrange_speed(folder: Path, plan: Plan) -> Figure:
    """The arranger, on plain audio."""
    song = loop_song(folder / "song.wav", plan.speed_seconds)
    return speed(["arrange", song], plan, "arrange, speed", 10.0)


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


def time_ratio(
    ours: Sequence[str | Path],
    theirs: Sequence[str],
    plan: Plan,
    name: str,
    target: float,
    status: int = 0,
) -> Figure:
    """Wall time of a command over that of another, in alternation, by medians."""
    taken: tuple[list[float], list[float]] = ([], [])
    for round_number in range(plan.repeats + 1):
        pair = (measure(ours, plan.threads, status).seconds, measure(theirs, plan.threads).seconds)
        if round_number:  # the first fills the caches
            for times, seconds in zip(taken, pair, strict=True):
                times.append(seconds)
    ratio = statistics.median(taken[0]) / statistics.median(taken[1])
    return Figure(name, ratio, target, "x", at_most=True)


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


def interpolate_time(folder: Path, plan: Plan) -> Figure:
    """A transition of six steps between two MIDI files, beside importing torch."""
    ends = [folder / "a.mid", folder / "b.mid"]
    for end, genre in zip(ends, ("techno", "electro"), strict=True):
        pattern = [f"{genre}:1"] * 2
        measure([*DRUMKIT, "interpolate", *pattern, "--path", "crossfade", "-o", end, "-q"], 1)
    command = [*DRUMKIT, "interpolate", *ends, "-n", "6", "-q"]
    return time_ratio(command, TORCH, plan, "interpolate -n 6 over import torch, time", 1.6)


def swirl_time(folder: Path, plan: Plan) -> Figure:
    """124 measures of drums, beside importing torch."""
    del folder
    command = [*DRUMKIT, "swirl", "--measures", "124", "-q"]
    return time_ratio(command, TORCH, plan, "swirl --measures 124 over import torch, time", 1.6)


def swirl_memory(folder: Path, plan: Plan) -> Figure:
    """Peak memory of many measures of drums over that of a few."""
    del folder
    peaks = [
        measure([*DRUMKIT, "swirl", "--measures", count, "-q"], plan.threads).peak_bytes
        for count in ("100", "10000")
    ]
    name = f"swirl, peak memory of 10,000 over 100 measures ({peaks[0] / 2**20:.0f} MiB)"
    return Figure(name, peaks[1] / peaks[0], 1.1, "x", at_most=True)


def groove_time(folder: Path, plan: Plan) -> Figure:
    """32 measures played, beside importing torch."""
    beat = folder / "beat.mid"
    measure([*DRUMKIT, "swirl", "--measures", "32", "-o", str(beat), "-q"], 1)
    command = [*DRUMKIT, "groove", str(beat), "-q"]
    return time_ratio(command, TORCH, plan, "groove of 32 measures over import torch, time", 1.8)


def groove_memory(folder: Path, plan: Plan) -> Figure:
    """Peak memory of twenty minutes at 120 bpm."""
    beat = folder / "long.mid"
    long = ["--measures", "600", "--bpm", "120"]
    measure([*DRUMKIT, "swirl", *long, "-o", str(beat), "-q"], 1)
    peak = measure([*DRUMKIT, "groove", str(beat), "-q"], plan.threads).peak_bytes
    return Figure("groove, peak memory of 20 minutes", peak / 1e6, 600, "MB", at_most=True)


def beats(path: Path, seconds: float) -> Path:
    """Write ten drums that are hit ten times a second in all, at any velocity from 30 on."""
    generator = np.random.default_rng(0)
    track = empty_track(120.0, end_ticks=round(960 * seconds))
    pitches = generator.choice((36, 37, 38, 39, 42, 45, 46, 48, 49, 51), round(10 * seconds))
    ticks = generator.integers(0, track.end_ticks, len(pitches))
    velocities = generator.integers(30, 128, len(pitches))
    hits = zip(ticks.tolist(), pitches.tolist(), velocities.tolist(), strict=True)
    notes = [track.note(tick, 60, pitch, velocity) for tick, pitch, velocity in hits]
    path.write_bytes(write_midi(track.with_notes(notes)))
    return path


def synth_speed(folder: Path, plan: Plan) -> Figure:
    """Five minutes with 3,000 hits on ten drums."""
    plan = replace(plan, speed_seconds=min(300.0, 5 / 3 * plan.speed_seconds))
    song = beats(folder / "beats.mid", plan.speed_seconds)
    name = f"synth, speed, {10 * plan.speed_seconds:,.0f} hits in {plan.speed_seconds:g} s"
    return speed(["synth", song], plan, name, 50.0)


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
    "groove-memory": groove_memory,
    "synth": synth_speed,
    "synth-memory": synth_memory,
    "mel": mel_speed,
    "invert": invert_speed,
    "arrange": arrange_speed,
    "separate": separate_speed,
    "memory": separate_memory,
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
