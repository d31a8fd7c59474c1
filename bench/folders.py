"""Folders of short songs: what workers and one process for all of them save."""

import shutil
from pathlib import Path

import soundfile
from measuring import DRUMKIT, ROOT, Figure, Plan, measure

SONGS = 40
SONG_SECONDS = 20.0


def songs(folder: Path, plan: Plan) -> Path:
    """Write short songs, each of them a part of the example song."""
    samples, rate = soundfile.read(ROOT / "examples" / "song.flac", dtype="int16")
    length = round(min(SONG_SECONDS, plan.short_seconds) * rate)
    place = folder / "songs"
    place.mkdir(exist_ok=True)
    for number in range(SONGS if plan.repeats > 3 else 4):
        start = (number * rate) % max(len(samples) - length, 1)
        soundfile.write(place / f"{number}.wav", samples[start : start + length], rate)
    return place


def run(folder: Path, plan: Plan, *arguments: str) -> float:
    """Seconds of a command over the songs, which makes everything."""
    shutil.rmtree(folder / "out", ignore_errors=True)
    command = [*DRUMKIT, *arguments, "-q", "-r", str(songs(folder, plan)), "-o", folder / "out"]
    return measure(command, 1).seconds


def workers_speed(folder: Path, plan: Plan) -> Figure:
    """Two workers beside one, each with one thread."""
    command = ("separate", "--model", "built-in", "--threads", "1")
    alone = run(folder, plan, *command, "-j", "1")
    both = run(folder, plan, *command, "-j", "2")
    return Figure("separate -j 2 over -j 1, 40 songs, throughput", alone / both, 1.6, "x")


def folder_speed(folder: Path, plan: Plan) -> Figure:
    """One process for all songs beside one for each."""
    place = songs(folder, plan)
    files = sorted(place.iterdir())
    apart = sum(
        measure([*DRUMKIT, "mel", "-q", path, "-o", folder / "mel.npy"], 1).seconds
        for path in files
    )
    together = run(folder, plan, "mel")
    return Figure("mel, 40 songs at once over one by one, throughput", apart / together, 5.0, "x")
