"""`drumkit mel`: audio in, its mel spectrogram out; or the other way round."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drumkit_cli import console, options
from drumkit_cli.audio.encoding import Encoding, Format, format_of
from drumkit_cli.batch.inputs import AUDIO, gather
from drumkit_cli.batch.run import each
from drumkit_cli.errors import BadDataError, UsageError
from drumkit_cli.io.outputs import Destination
from drumkit_cli.io.pictures import check_picture, write_figure
from drumkit_cli.io.provenance import Provenance
from drumkit_cli.io.sniffing import Kind
from drumkit_cli.io.streams import open_input, open_output

if TYPE_CHECKING:
    from drumkit_cli.audio.reader import AudioReader
    from drumkit_cli.io.arrays import Floats
    from drumkit_cli.mel.plot import Overview
    from drumkit_cli.spectral.mel_config import MelConfig

WINDOW_FRAMES = 256
OVERLAP_FRAMES = 50
ITERATIONS = 32


class Preset(StrEnum):
    """Named sizes."""

    ARRANGE = "arrange"
    SYNTH = "synth"


@dataclass(frozen=True)
class Job:
    """Everything about a run that is not the input."""

    destination: Destination
    config: MelConfig
    invert: bool
    stem: str | None
    windows: bool
    width: int
    overlap: int
    discretise: bool
    iterations: int
    seed: int
    form: Format
    output_rate: int
    encoding: Encoding
    plot: str | None
    provenance: bool


def mel(
    files: options.Inputs = None,
    output: options.Output = None,
    invert: Annotated[
        bool, typer.Option("--invert", help="NPY in, WAV out (mono, at the rate of the preset).")
    ] = False,
    preset: Annotated[
        Preset,
        typer.Option(
            "--preset",
            help="Sizes: arrange is 22050 Hz, window 2048, hop 512, 256 bands; synth is 22050 Hz, "
            "window 1024, hop 256, fft 2048, 512 bands. The options below change one each.",
        ),
    ] = Preset.ARRANGE,
    rate: Annotated[
        int | None, typer.Option("--rate", metavar="HZ", show_default=False, help="Sample rate.")
    ] = None,
    window: Annotated[
        int | None,
        typer.Option("--window", metavar="N", show_default=False, help="Hann window, samples."),
    ] = None,
    hop: Annotated[
        int | None, typer.Option("--hop", metavar="N", show_default=False, help="Samples a frame.")
    ] = None,
    fft: Annotated[
        int | None,
        typer.Option(
            "--fft",
            metavar="N",
            show_default=False,
            help="Transform, samples; as long as --window where only that is given.",
        ),
    ] = None,
    mels: Annotated[
        int | None, typer.Option("--mels", metavar="N", show_default=False, help="Bands.")
    ] = None,
    fmin: Annotated[
        float, typer.Option("--fmin", metavar="HZ", help="Lower edge of the lowest band.")
    ] = 0.0,
    fmax: Annotated[
        float | None,
        typer.Option(
            "--fmax",
            metavar="HZ",
            show_default=False,
            help="Upper edge of the highest band. [default: half the rate]",
        ),
    ] = None,
    stem: Annotated[
        str | None,
        typer.Option(
            "--stem",
            metavar="NAME",
            show_default=False,
            help="The stem of a stems stream to take. [default: the mix of all]",
        ),
    ] = None,
    windows: Annotated[
        bool, typer.Option("--windows", help="Write windows (n, mels, width) that overlap.")
    ] = False,
    width: Annotated[
        int, typer.Option("--width", metavar="N", min=1, max=65_536, help="Frames of a window.")
    ] = WINDOW_FRAMES,
    overlap: Annotated[
        int,
        typer.Option(
            "--overlap", metavar="N", min=0, max=32_768, help="Frames that windows share."
        ),
    ] = OVERLAP_FRAMES,
    discretise: Annotated[
        bool,
        typer.Option(
            "--discretise",
            help="Write levels 0..255 (uint8), a third of a dB each: 0 is -80 dB of a full-scale "
            "sine and below, 255 is +5 dB. With --invert: floats are such levels too.",
        ),
    ] = False,
    iterations: options.Iterations = ITERATIONS,
    form: options.FormatOption = None,
    output_rate: Annotated[
        int | None, options.output_rate("that of the spectrogram; of --invert", "--output-rate")
    ] = None,
    encoding: options.EncodingOption = Encoding.FLOAT32,
    plot: options.Plot = None,
    seed: options.Seed = 0,
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
    """Turn audio into a mel spectrogram, and back.

    Gives an NPY array (mels, frames) of float32 power, frames = 1 + samples // hop, in constant
    memory and while it goes. Channels are averaged; a stems stream without --stem is mixed.
    --invert takes such an array, or windows, which it cross-fades, or levels; the sizes must be
    those it was made with. It gives as many samples as the frames may stand for: up to a hop more
    than there were.
    """
    inputs = gather(files, *([Kind.NPY] if invert else AUDIO))
    if not invert and (form or output_rate):
        raise UsageError("--format and --output-rate are of --invert", "a spectrogram is NPY")
    written = format_of(output, form) if invert else Format.WAV
    destination = Destination(output, written.suffix if invert else ".npy")
    destination.check(inputs)
    if invert and (windows or stem):
        raise UsageError("--invert takes neither --windows nor --stem", "windows are told by shape")
    if windows and 2 * overlap > width:
        raise UsageError(f"an overlap of {overlap} is above half the width of {width}")
    if plot is not None and len(inputs) > 1:
        raise UsageError("--plot draws one input to one file")
    check_picture(plot, output)
    config = _config(preset, rate, window, hop, fft, mels, fmin, fmax)
    if invert:
        written.require_rate(output_rate or config.rate)
    job = Job(
        destination, config, invert, stem, windows, width, overlap, discretise, iterations, seed,
        written, output_rate or config.rate, encoding, plot, not no_provenance,
    )  # fmt: skip
    each(inputs, lambda path: (_invert_one if invert else _analyse_one)(path, job), destination)


def _config(
    preset: Preset,
    rate: int | None,
    window: int | None,
    hop: int | None,
    fft: int | None,
    mels: int | None,
    fmin: float,
    fmax: float | None,
) -> MelConfig:
    """Return the preset's sizes with those that are given in their place."""
    from drumkit_cli.spectral.mel_config import PRESETS, MelConfig

    base = PRESETS[preset.value]
    return MelConfig(
        rate=base.rate if rate is None else rate,
        window=base.window if window is None else window,
        hop=base.hop if hop is None else hop,
        fft=fft if fft is not None else base.fft if window is None else window,
        mels=base.mels if mels is None else mels,
        f_min=fmin,
        f_max=fmax,
    )


def _analyse_one(path: str, job: Job) -> None:
    with open_input(path) as source:
        if source.kind is Kind.NPY:
            raise BadDataError(f"{source.name} is an NPY array, not audio", "--invert takes it")
        from drumkit_cli.audio.reader import AudioReader

        with AudioReader(source) as reader:
            _analyse(reader, job)


def _analyse(reader: AudioReader, job: Job) -> None:
    import numpy as np

    from drumkit_cli.audio.samples import BLOCK_FRAMES
    from drumkit_cli.io.arrays import npy_header
    from drumkit_cli.mel import infer
    from drumkit_cli.spectral.mel_spectrogram import discretise

    weights = infer.mono_weights(reader, job.stem)
    reader.check_finite()
    frames = infer.frame_count(reader, job.config)
    overview = _overview(frames, job)
    power = infer.power_blocks(reader.blocks(BLOCK_FRAMES), reader.rate, job.config, weights)
    watched = _watched(power, overview, job)
    dtype = np.uint8 if job.discretise else np.float32
    blocks = (discretise(b, job.config) if job.discretise else b for b in watched)
    shape: tuple[int, ...] = (job.config.mels, frames)
    if job.windows:
        count = infer.window_count(frames, job.width, job.overlap)
        shape = (count, job.config.mels, job.width)
    console.detail(f"{reader.name}: {' x '.join(map(str, shape))}, {np.dtype(dtype)}")
    with (
        open_output(job.destination.place(reader.name)) as sink,
        console.progress(frames, reader.name) as bar,
    ):
        sink.write(npy_header(shape, dtype, is_fortran=not job.windows))
        if job.windows:
            for window in infer.windows(blocks, job.width, job.overlap):
                sink.write(window.tobytes())
                bar.advance(job.width - job.overlap)
        else:
            for block in blocks:
                sink.write(block.T.tobytes())
                bar.advance(block.shape[1])
    _draw(overview, reader.name, job)


def _invert_one(path: str, job: Job) -> None:
    with open_input(path) as source:
        from drumkit_cli.audio.reader import resampled, resampled_frames
        from drumkit_cli.audio.writing import open_writer
        from drumkit_cli.mel.stored import StoredMel
        from drumkit_cli.spectral.mel_spectrogram import audio_blocks

        stored = StoredMel.open(source, job.config, job.overlap, are_levels=job.discretise)
        stored.check()
        overview = _overview(stored.frames, job)

        def read(start: int, stop: int) -> Floats:
            power = stored.read(start, stop)
            if overview is not None:
                overview.add(start, power)
            return power

        length = job.config.samples(stored.frames)
        blocks = audio_blocks(
            read, stored.frames, job.config, length=length, iterations=job.iterations, seed=job.seed
        )
        comment = ""
        if job.provenance:
            comment = Provenance(job.seed, input_sha256=source.sha256()).comment()
        rates = job.config.rate, job.output_rate
        with (
            open_output(job.destination.place(source.name)) as sink,
            console.progress(length, source.name) as bar,
            open_writer(
                sink,
                job.form,
                job.output_rate,
                1,
                frames=resampled_frames(length, *rates),
                encoding=job.encoding,
                comment=comment,
            ) as writer,
        ):
            for block in resampled(_counted(blocks, bar.advance), *rates):
                writer.write(block[None])
        if writer.clipped_samples:
            console.warn(f"{source.name}: {writer.clipped_samples} samples were clipped")
        _draw(overview, source.name, job)


def _counted(blocks: Iterator[Floats], advance: Callable[[float], None]) -> Iterator[Floats]:
    for block in blocks:
        yield block
        advance(len(block))


def _overview(frames: int, job: Job) -> Overview | None:
    if job.plot is None:
        return None
    from drumkit_cli.mel.plot import Overview

    return Overview(frames, job.config)


def _watched(blocks: Iterator[Floats], overview: Overview | None, job: Job) -> Iterator[Floats]:
    start = 0
    for block in blocks:
        if overview is not None:
            overview.add(start, block)
        start += block.shape[1]
        yield block


def _draw(overview: Overview | None, name: str, job: Job) -> None:
    if overview is not None and job.plot is not None:
        write_figure(overview.draw(Path(name).name), job.plot)
