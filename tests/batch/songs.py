"""Folders of short sounds, and drumkit run over them."""

import subprocess
import sys
from pathlib import Path

import numpy as np

from tests import signals

TIMEOUT_SECONDS = 120


def song(seed):
    """A second of noise as the bytes of a WAV file."""
    noise = np.random.default_rng(seed).standard_normal((1, 22050)).astype(np.float32) / 8
    return signals.encode(noise, 22050)


def make_songs(folder, count):
    """Make songs in a folder and two sub-folders of it; one file there is no sound."""
    for number in range(count):
        path = folder / ("", "a", "a/b")[number % 3] / f"s{number}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(song(number))
    (folder / "notes.txt").write_text("no sound\n")
    return folder


def line(*arguments):
    """The command line of drumkit in a process of its own."""
    return [sys.executable, "-m", "drumkit_cli", *map(str, arguments)]


def start(folder, *arguments, **options):
    """Start drumkit in a folder, at the head of a process group."""
    return subprocess.Popen(
        line(*arguments),
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
        **options,
    )


def finish(process):
    """Wait for a process: its exit status and what it said."""
    out, err = process.communicate(timeout=TIMEOUT_SECONDS)
    return process.returncode, out, err


def environment():
    import os

    return {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}


def tree(folder):
    """The files in and below a folder, but for the records, by path: their bytes."""
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in paths
        if ".drumkit" not in path.parts
    }
