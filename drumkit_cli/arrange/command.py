"""`drumkit arrange`: a bass line in, drums out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drumkit_cli import console, options
from drumkit_cli.batch import each
from drumkit_cli.errors import OutputError, UsageError
from drumkit_cli.provenance import Provenance
from drumkit_cli.streams import Encoding, check_output, open_input, open_output, resolve_inputs

if TYPE_CHECKING:
    from drumkit_cli.arrange.infer import Arranger, Floats, Tape
    from drumkit_cli.audio import AudioReader

ITERATIONS = 32
BLOCK_FRAMES = 1 << 16
FULL_SCALE = 1 - 2**-15


class Model(StrEnum):
    """The kinds of generator."""

    CYCLEGAN = "cyclegan"


@dataclass(frozen=True)
class Job:
    """Everything about a run that is not the input."""

    output: str | None
    to_folder: bool
    mix: bool
    gain_db: float
    iterations: int
    seed: int
    encoding: Encoding
    provenance: bool


def arrange(
    files: options.Inputs = None,
    output: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--output",
            metavar="PATH",
            parser=str,
            show_default=False,
            help="A .wav file, or a folder that gets one file an input. [default: stdout]",
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
    model: Annotated[
        Model, typer.Option("--model", help="The kind of generator.")
    ] = Model.CYCLEGAN,
    iterations: Annotated[
        int,
        typer.Option("--iterations", metavar="N", min=0, max=1000, help="Rounds of Griffin-Lim."),
    ] = ITERATIONS,
    encoding: Annotated[
        Encoding, typer.Option("--encoding", help="How samples are stored.")
    ] = Encoding.FLOAT32,
    seed: options.Seed = 0,
    weights: options.Weights = None,
    device: options.DeviceOption = options.Device.CPU,
    threads: options.Threads = 0,
    no_provenance: options.NoProvenance = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Play drums to a bass line.

    Takes a stems stream of `drumkit separate`, of which it hears the bass, or any audio, which it
    takes for a bass line. Gives a mono WAV of the drums, of the input's rate and length, as loud as
    the bass; with --mix the bass's own channels with the drums in them. What would not fit is
    turned down as a whole. Where the bass rests for more than two seconds, so do the drums.
    """
    inputs = resolve_inputs(files or [])
    to_folder = output is not None and output != "-" and not output.endswith(".wav")
    if not to_folder and len(inputs) > 1:
        raise UsageError("several inputs need a folder", "-o DIR")
    if not to_folder and output not in (None, "-"):
        check_output(str(output))
    job = Job(output, to_folder, mix, gain, iterations, seed, encoding, not no_provenance)
    if to_folder:
        _check_names(inputs, job)
    loader = _Loader(model, weights, device, threads)
    each(inputs, lambda path: _arrange_one(path, job, loader))


class _Loader:
    """Loads the generator when the first input has been checked, once."""

    def __init__(
        self, model: Model, weights: str | None, device: options.Device, threads: int
    ) -> None:
        self._model = model
        self._weights = weights
        self._device = device
        self._threads = threads
        self._arranger: Arranger | None = None

    def __call__(self) -> Arranger:
        if self._arranger is None:
            from drumkit_cli.arrange.infer import Arranger
            from drumkit_cli.checkpoint import load_weights
            from drumkit_cli.devices import pick_device

            device = pick_device(self._device, self._threads)
            self._arranger = Arranger(load_weights("arrange", self._weights), device)
        return self._arranger


def _arrange_one(path: str, job: Job, load: _Loader) -> None:
    from drumkit_cli.audio import AudioReader, select_stem

    with open_input(path) as source, AudioReader(source) as reader:
        part = select_stem(reader, "bass") or slice(0, reader.channels)
        reader.check_finite()
        arranger = load()
        comment = ""
        if job.provenance:
            comment = Provenance(job.seed, arranger.weights_sha256, source.sha256()).comment()
        with _play(reader, part, arranger, job) as drums:
            _write(reader, part, drums, job, comment)


def _play(reader: AudioReader, part: slice, arranger: Arranger, job: Job) -> Tape:
    from drumkit_cli.arrange import infer

    reader.seek(0)
    mono = (block[part].mean(0) for block in reader.blocks(BLOCK_FRAMES))
    with console.progress(reader.seconds, reader.name) as bar:
        drums = infer.arrange(
            mono,
            reader.rate,
            arranger,
            iterations=job.iterations,
            seed=job.seed,
            advance=bar.advance,
        )
    if not drums.peak() and reader.frames:
        console.warn(f"{reader.name}: the bass is silent, and so are the drums")
    return drums


def _write(reader: AudioReader, part: slice, drums: Tape, job: Job, comment: str) -> None:
    """Write the drums, or bass and drums, with one gain that makes them fit."""
    from drumkit_cli.audio import WavWriter

    peak = max((float(abs(block).max()) for block in _sound(reader, part, drums, job)), default=0.0)
    gain = min(1.0, FULL_SCALE / peak) if peak else 1.0
    if gain < 1:
        console.detail(f"{reader.name}: all was scaled by {gain:.4f} to fit")
    place = str(_place(reader.name, job)) if job.to_folder else job.output
    if job.to_folder:
        _make_folder(Path(str(job.output)))
    channels = part.stop - part.start if job.mix else 1
    with (
        open_output(place) as sink,
        WavWriter(
            sink,
            reader.rate,
            channels,
            frames=reader.frames,
            encoding=job.encoding,
            comment=comment,
        ) as writer,
    ):
        for block in _sound(reader, part, drums, job):
            writer.write(block * gain if gain < 1 else block)


def _sound(reader: AudioReader, part: slice, drums: Tape, job: Job) -> Iterator[Floats]:
    """The output ``[C, n]`` block by block, before it is made to fit."""
    factor = 10 ** (job.gain_db / 20)
    played = (block[None] * factor for block in drums.blocks(BLOCK_FRAMES))
    if not job.mix:
        yield from played
        return
    reader.seek(0)
    for bass, block in zip(reader.blocks(BLOCK_FRAMES), played, strict=True):
        yield bass[part] + block


def _place(name: str, job: Job) -> Path:
    """The file of an input in the folder of the outputs."""
    stem = "stdin" if name == "<stdin>" else Path(name).stem
    return Path(str(job.output)) / f"{stem}.wav"


def _check_names(inputs: list[str], job: Job) -> None:
    """Refuse two outputs of one name before any work."""
    places: dict[Path, str] = {}
    for path in inputs:
        place = _place("<stdin>" if path == "-" else path, job)
        if place in places:
            raise UsageError(f"{path} and {places[place]} would both write {place}")
        places[place] = path


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {folder}: {error.strerror}") from error
