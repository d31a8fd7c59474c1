"""`drumkit evaluate pipeline`: `separate SONG | arrange` as a user runs it, on whole songs.

Each song goes through two real processes and a pipe. Its new drums are compared with its own, as
the separator hears them: there are no other stems of a finished song.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, BinaryIO

from drumkit_cli import console
from drumkit_cli.audio.reader import AudioReader, resample
from drumkit_cli.audio.stems import select_stem
from drumkit_cli.errors import DrumkitError, MissingInputError, StreamError
from drumkit_cli.io.arrays import Floats
from drumkit_cli.io.sniffing import AUDIO_SUFFIXES
from drumkit_cli.io.streams import open_input
from drumkit_cli.io.tables import Cell, Table
from drumkit_cli.spectral.onsets import (
    MEL,
    SECONDS_PER_FRAME,
    gated_level,
    normalised_image,
    onset_frames,
    onset_scores,
)

PROGRAM = (sys.executable, "-m", "drumkit_cli")
GRACE_SECONDS = 5.0
"""How long a command that is told to end may clear up."""


def evaluate(data: Path, weights: str | None) -> Table:
    """Run the pipeline on every audio file of a folder.

    Args:
        data: the folder of songs.
        weights: a folder of weights files, in place of those that ship.

    Raises:
        MissingInputError: the folder holds no audio file.
        StreamError: a process of the pipeline failed.
    """
    songs = sorted(path for path in data.iterdir() if path.suffix.lower() in AUDIO_SUFFIXES)
    if not songs:
        raise MissingInputError(f"{data}: no audio files")
    rows: list[list[Cell]] = []
    with console.progress(len(songs), "evaluating") as bar, tempfile.TemporaryDirectory() as folder:
        for song in songs:
            rows.append([song.name, *_run(song, Path(folder), weights)])
            bar.advance(1)
    return Table(
        title="Pipeline: drumkit separate SONG | drumkit arrange > drums.wav",
        columns=[
            "song",
            "seconds",
            "frames more",
            "level dB",
            "onsets/s",
            "F",
            "precision",
            "recall",
            "x real time",
        ],
        rows=rows,
        notes=[
            f"data: {data.name}; both exit statuses were 0, or this table would not be here",
            "frames more: of the drums than of the song; level: of the drums, re full scale",
            "F: mir_eval onsets within 50 ms of those of the song's own drums, as separated",
            "x real time: both commands together, start-up included",
        ],
    )


def _run(song: Path, folder: Path, weights: str | None) -> list[Cell]:
    """Separate and arrange one song; its row."""
    stems, drums = folder / "stems.wav", folder / "drums.wav"
    options = ["--weights", weights] if weights else []
    began = time.monotonic()
    separate = [*PROGRAM, "separate", "-q", "--model", "built-in", *options, str(song)]
    arrange = [*PROGRAM, "arrange", "-q", *options]
    with drums.open("wb") as output:
        statuses = _chain([separate, ["tee", str(stems)], arrange], output)
    elapsed = time.monotonic() - began
    if any(statuses):
        raise StreamError(f"{song}: the pipeline ended with statuses {statuses}")
    with open_input(str(song)) as source, AudioReader(source) as reader:
        seconds, frames = reader.seconds, reader.frames
    made, made_frames = _load(drums)
    own, _ = _load(stems, "drums")
    onsets, own_onsets = (
        onset_frames(normalised_image(sound)) * SECONDS_PER_FRAME for sound in (made, own)
    )
    return [
        round(seconds, 2),
        made_frames - frames,
        round(gated_level([made]), 1),
        round(len(onsets) / max(seconds, 1e-9), 2),
        *(round(score, 3) for score in onset_scores(own_onsets, onsets)),
        round(seconds / elapsed, 1),
    ]


def _chain(commands: list[list[str]], output: BinaryIO) -> list[int]:
    """Run commands with a pipe from each to the next; their statuses. None outlives this."""
    processes: list[subprocess.Popen[bytes]] = []
    source: IO[bytes] | None = None
    try:
        for command in commands:
            is_last = len(processes) == len(commands) - 1
            process = subprocess.Popen(
                command, stdin=source, stdout=output if is_last else subprocess.PIPE
            )
            processes.append(process)
            if source is not None:
                source.close()  # ours: so that the writer notices when its reader ends
            source = process.stdout
        return [process.wait() for process in processes]
    finally:
        _end(processes)


def _end(processes: list[subprocess.Popen[bytes]]) -> None:
    """End what still runs; in vain where all went well."""
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _load(path: Path, stem: str = "") -> tuple[Floats, int]:
    """Mono samples at the rate of the mel analysis, of one stem or of all; frames of the file."""
    try:
        with open_input(str(path)) as source, AudioReader(source) as reader:
            part = select_stem(reader, stem) if stem else None
            samples, rate = reader.read(), reader.rate
    except DrumkitError as failure:
        raise StreamError(f"the pipeline wrote no sound: {failure}") from failure
    mono = (samples if part is None else samples[part]).mean(0, keepdims=True)
    return resample(mono, rate, MEL.rate)[0], samples.shape[1]
