"""Folders of short songs: what workers and one process for all of them save."""

import json
import os
import shutil
import signal
import subprocess
from collections import Counter
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


def cluster_wholeness(folder: Path, plan: Plan) -> Figure:
    """Songs that come out whole, and once, of two workers on a Dask cluster; one dies half-way."""
    command = ("separate", "--model", "built-in", "--threads", "1", "--stem", "drums")
    command = (*command, "--no-provenance", "--json")
    run(folder, plan, *command)
    alone = (folder / "out").rename(folder / "alone")
    told = _run_on_dying_cluster(
        [*DRUMKIT, *command, "-q", "-r", str(folder / "songs"), "-o", str(folder / "out")],
        len(list((folder / "songs").iterdir())) // 2,
    )
    whole = 0
    for path in alone.rglob("*.wav"):
        there = folder / "out" / path.relative_to(alone)
        is_same = there.is_file() and there.read_bytes() == path.read_bytes()
        whole += is_same and told[path.parent.name] == 1
    shutil.rmtree(alone)
    name = f"separate on a cluster of which a worker dies, whole outputs of {len(told)} songs"
    return Figure(name, whole, len(told), "songs")


def _run_on_dying_cluster(command: list[str | Path], half: int) -> Counter[str]:
    """Run a command on two workers, of which one is killed; how often each song was made."""
    import dask
    from distributed import Client, LocalCluster

    settings = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    environment = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    made: Counter[str] = Counter()
    with (
        dask.config.set({"distributed.worker.daemon": False}),
        LocalCluster(**settings, processes=True, env=environment) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        worker = next(iter(client.run(os.getpid).values()))
        command = [*command, "--cluster", cluster.scheduler_address]
        with subprocess.Popen(
            command, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                outcome = json.loads(line)
                made[Path(outcome["input"]).stem] += outcome["status"] == "done"
                if made.total() == half and outcome["status"] == "done":
                    os.kill(worker, signal.SIGKILL)
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, command)
    return made
