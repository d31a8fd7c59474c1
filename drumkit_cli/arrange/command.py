"""`drumkit arrange`: a bass line in, drums out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated

import typer

from drumkit_cli import console, options
from drumkit_cli.arrange.config import WEIGHTS, Model
from drumkit_cli.audio.encoding import Encoding, Format, format_of
from drumkit_cli.batch.inputs import AUDIO, gather
from drumkit_cli.batch.run import each
from drumkit_cli.io.outputs import Destination
from drumkit_cli.io.provenance import Provenance
from drumkit_cli.io.streams import open_input, open_output
from drumkit_cli.learning.devices import Device

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from drumkit_cli.arrange.infer import Arranger
    from drumkit_cli.audio.reader import AudioReader
    from drumkit_cli.audio.tape import Tape
    from drumkit_cli.io.arrays import Floats

ITERATIONS = 32
BLOCK_FRAMES = 1 << 16
FULL_SCALE = 1 - 2**-15


@dataclass(frozen=True)
class Job:
    """Everything about a run that is not the input."""

    destination: Destination
    mix: bool
    gain_db: float
    tempo: tuple[float, float] | None
    iterations: int
    seed: int
    threads: int
    form: Format
    rate: int | None
    encoding: Encoding
    provenance: bool


def arrange(
    files: options.Inputs = None,
    output: Annotated[
        str | None,
        options.output(
            "A .wav, .flac, .ogg or .mp3 file, or a folder that gets one file an input. "
            "[default: stdout]"
        ),
    ] = None,
    mix: Annotated[
        bool, typer.Option("--mix", help="Give the bass and the drums together.")
    ] = False,
    gain: Annotated[
        float,
        typer.Option(
            "--gain", metavar="DB", min=-60.0, max=24.0, help="Level of the drums above the bass."
        ),
    ] = 0.0,
    bpm: options.Bpm = None,
    offset: options.Offset = 0.0,
    model: Annotated[
        Model,
        typer.Option("--model", help="CycleGAN, or the baseline that its paper compares it with."),
    ] = Model.CYCLEGAN,
    iterations: options.Iterations = ITERATIONS,
    form: options.FormatOption = None,
    rate: options.OwnRate = None,
    encoding: options.EncodingOption = Encoding.FLOAT32,
    seed: options.Seed = 0,
    weights: options.Weights = None,
    device: options.DeviceOption = Device.CPU,
    threads: options.Threads = 0,
    no_provenance: options.NoProvenance = False,
    recursive: options.Recursive = False,
    from_file: options.FromFile = None,
    jobs: options.Jobs = 1,
    cluster: options.Cluster = None,
    force: options.Force = False,
    lines: options.FileJson = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Play drums to a bass line.

    Takes a stems stream of `drumkit separate`, of which it hears the bass, or any audio, which it
    takes for a bass line. The drums hold a pattern on the beats, which are heard in all stems of
    the stream, or in the bass line, or given by --bpm and --offset. Gives a mono WAV of the drums,
    of the input's rate and length, as loud as the bass; with --mix the bass's own channels with the
    drums added. Float samples may go beyond full scale; integers that would are turned down as a
    whole, and a warning says by how much. Where the bass rests for more than two seconds, so do the
    drums. The whole input is heard before any drums are written; memory stays constant.
    """
    inputs = gather(files, *AUDIO)
    written = format_of(output, form)
    destination = Destination(output, written.suffix)
    destination.check(inputs)
    tempo = None if bpm is None else (bpm, offset)
    job = Job(
        destination, mix, gain, tempo, iterations, seed, threads, written, rate, encoding,
        not no_provenance,
    )  # fmt: skip

    @cache
    def load() -> Arranger:
        from drumkit_cli.arrange.infer import Arranger
        from drumkit_cli.learning.models import load_model

        return load_model(Arranger, WEIGHTS[model], weights, device)

    each(inputs, lambda path: _arrange_one(path, job, load), destination)


def _arrange_one(path: str, job: Job, load: Callable[[], Arranger]) -> None:
    with open_input(path) as source:
        from drumkit_cli.audio.reader import AudioReader
        from drumkit_cli.audio.stems import select_stem

        with AudioReader(source) as reader:
            job.form.require_rate(job.rate or reader.rate)
            part = select_stem(reader, "bass") or slice(0, reader.channels)
            reader.check_finite()
            arranger = load()
            comment = ""
            if job.provenance:
                comment = Provenance(job.seed, arranger.weights_sha256, source.sha256()).comment()
            with _play(reader, part, arranger, job) as drums:
                if reader.frames and not drums.peak():
                    console.warn(f"{reader.name}: {_why_silent(reader, part)}")
                _write(reader, part, drums, job, comment)


def _play(reader: AudioReader, part: slice, arranger: Arranger, job: Job) -> Tape:
    from drumkit_cli.arrange import infer

    beats = _beats(reader, part, arranger, job)
    with console.progress(reader.seconds, reader.name) as bar:
        return infer.play(
            _mono(reader, part),
            reader.rate,
            arranger,
            beats,
            iterations=job.iterations,
            seed=job.seed,
            threads=job.threads,
            advance=bar.advance,
        )


def _beats(reader: AudioReader, part: slice, arranger: Arranger, job: Job) -> NDArray[np.float64]:
    """The beats that are given, or heard in all stems; none where the model does not need them."""
    from drumkit_cli.arrange.translation import NO_BEATS
    from drumkit_cli.audio.stems import sum_stems
    from drumkit_cli.listening.beat_tracker import hear_beats
    from drumkit_cli.listening.beats import steady_beats

    if not arranger.needs_metre:
        return NO_BEATS
    if job.tempo is not None:
        return steady_beats(*job.tempo, reader.seconds)
    reader.rewind()
    blocks = (sum_stems(block, reader) for block in reader.blocks(BLOCK_FRAMES))
    beats = hear_beats(blocks, reader.rate)
    if not len(beats) and any(block.any() for block in _mono(reader, part)):
        console.warn(f"{reader.name}: no beats are heard; --bpm and --offset give them")
    return beats


def _why_silent(reader: AudioReader, part: slice) -> str:
    """Say what is true of a bass that got silent drums."""
    from drumkit_cli.spectral.onsets import gated_level

    if gated_level(_mono(reader, part), reader.rate) > -math.inf:
        return "the bass sounds, but the drums that were made for it are silent"
    if any(block.any() for block in _mono(reader, part)):
        return "the bass is too soft to play to, so the drums are silent"
    return "the bass is silent, and so are the drums"


def _mono(reader: AudioReader, part: slice) -> Iterator[Floats]:
    reader.rewind()
    return (block[part].mean(0) for block in reader.blocks(BLOCK_FRAMES))


def _write(reader: AudioReader, part: slice, drums: Tape, job: Job, comment: str) -> None:
    """Write the drums, or bass and drums: floats as they are, integers so that they fit."""
    from drumkit_cli.audio.reader import resampled_frames
    from drumkit_cli.audio.writing import open_writer

    gain, rate = 1.0, job.rate or reader.rate
    if not job.form.keeps_levels(job.encoding):
        peaks = (float(abs(block).max()) for block in _sound(reader, part, drums, job))
        gain = FULL_SCALE / max(FULL_SCALE, max(peaks, default=0.0))
    if gain < 1:
        console.warn(
            f"{reader.name}: turned down by {-20 * math.log10(gain):.1f} dB to fit "
            f"{job.encoding if job.form is Format.WAV else job.form.upper()}; "
            f"a WAV with --encoding {Encoding.FLOAT32} keeps the level"
        )
    with (
        open_output(job.destination.place(reader.name)) as sink,
        open_writer(
            sink,
            job.form,
            rate,
            _channels(part, job),
            frames=resampled_frames(reader.frames, reader.rate, rate),
            encoding=job.encoding,
            comment=comment,
        ) as writer,
    ):
        for block in _sound(reader, part, drums, job):
            writer.write(block * gain if gain < 1 else block)


def _channels(part: slice, job: Job) -> int:
    return part.stop - part.start if job.mix else 1


def _sound(reader: AudioReader, part: slice, drums: Tape, job: Job) -> Iterator[Floats]:
    """The output ``[C, n]`` block by block, at its own level."""
    from drumkit_cli.audio.reader import resampled_channels

    sound = _played(reader, part, drums, job)
    rate = job.rate or reader.rate
    return resampled_channels(sound, _channels(part, job), reader.rate, rate)


def _played(reader: AudioReader, part: slice, drums: Tape, job: Job) -> Iterator[Floats]:
    """The output at the input's rate."""
    factor = 10 ** (job.gain_db / 20)
    played = (block[None] * factor for block in drums.blocks(BLOCK_FRAMES))
    if not job.mix:
        yield from played
        return
    reader.rewind()
    for bass, block in zip(reader.blocks(BLOCK_FRAMES), played, strict=True):
        yield bass[part] + block
