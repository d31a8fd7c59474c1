"""`drumkit evaluate pipeline`: `separate SONG | arrange` as a user runs it, on whole songs.

Each song goes through two real processes and a pipe. Its new drums are compared with its own, as
the separator hears them: there are no other stems of a finished song.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from drumkit_cli import console, spectral
from drumkit_cli.arrange.evaluate import onset_frames, onset_scores
from drumkit_cli.arrange.infer import MEL, gated_level, normalising_gain, to_image
from drumkit_cli.audio import AudioReader, resample
from drumkit_cli.errors import DrumkitError, MissingInputError, StreamError
from drumkit_cli.stems import select_stem
from drumkit_cli.streams import open_input
from drumkit_cli.tables import Cell, Table

SUFFIXES = {".wav", ".flac", ".ogg", ".mp3", ".aiff", ".aif"}
PROGRAM = (sys.executable, "-m", "drumkit_cli")

Floats = NDArray[np.float32]


def evaluate(data: Path, weights: str | None) -> Table:
    """Run the pipeline on every audio file of a folder.

    Args:
        data: the folder of songs.
        weights: a folder of weights files, in place of those that ship.

    Raises:
        MissingInputError: the folder holds no audio file.
        StreamError: a process of the pipeline failed.
    """
    songs = sorted(path for path in data.iterdir() if path.suffix.lower() in SUFFIXES)
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
    with drums.open("wb") as output:
        separate = subprocess.Popen(
            [*PROGRAM, "separate", "-q", "--model", "built-in", *options, str(song)],
            stdout=subprocess.PIPE,
        )
        copy = subprocess.Popen(["tee", str(stems)], stdin=separate.stdout, stdout=subprocess.PIPE)
        arrange = subprocess.Popen(
            [*PROGRAM, "arrange", "-q", *options], stdin=copy.stdout, stdout=output
        )
        for process in (separate, copy):
            assert process.stdout is not None
            process.stdout.close()  # ours: so that a writer notices when its reader ends
        statuses = [process.wait() for process in (separate, copy, arrange)]
    elapsed = time.monotonic() - began
    if any(statuses):
        raise StreamError(f"{song}: the pipeline ended with statuses {statuses}")
    with open_input(str(song)) as source, AudioReader(source) as reader:
        seconds, frames = reader.seconds, reader.frames
    made, made_frames = _load(drums)
    own, _ = _load(stems, "drums")
    onsets, own_onsets = (onset_frames(_image(sound)) * MEL.hop / MEL.rate for sound in (made, own))
    return [
        round(seconds, 2),
        made_frames - frames,
        round(gated_level([made]), 1),
        round(len(onsets) / max(seconds, 1e-9), 2),
        *(round(score, 3) for score in onset_scores(own_onsets, onsets)),
        round(seconds / elapsed, 1),
    ]


def _load(path: Path, stem: str = "") -> tuple[Floats, int]:
    """Mono samples at the rate of the mel analysis, of one stem or of all; frames of the file."""
    try:
        with open_input(str(path)) as source, AudioReader(source) as reader:
            part = select_stem(reader, stem) if stem else None
            audio = reader.read()
    except DrumkitError as failure:
        raise StreamError(f"the pipeline wrote no sound: {failure}") from failure
    samples = audio.samples[part] if part is not None else audio.samples
    mono = resample(samples.mean(0, keepdims=True), audio.rate, MEL.rate)[0]
    return np.asarray(mono, dtype=np.float32), audio.frames


def _image(samples: Floats) -> Floats:
    gain = np.float32(normalising_gain(gated_level([samples])))
    return to_image(spectral.mel_power(samples * gain, MEL))
