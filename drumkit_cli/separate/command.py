"""`drumkit separate`: a song in, its stems out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Annotated

import typer

from drumkit_cli import console, options
from drumkit_cli.audio.encoding import Encoding, Format, format_of
from drumkit_cli.batch.inputs import AUDIO, gather
from drumkit_cli.batch.outcomes import is_worker
from drumkit_cli.batch.run import each
from drumkit_cli.errors import UsageError
from drumkit_cli.io.outputs import Destination
from drumkit_cli.io.provenance import Provenance
from drumkit_cli.io.streams import Input, open_input
from drumkit_cli.learning.devices import Device

if TYPE_CHECKING:
    from drumkit_cli.audio.reader import AudioReader
    from drumkit_cli.separate.infer import Samples, Separator
    from drumkit_cli.separate.layout import Layout

BUILT_IN = "built-in"
DEFAULT_TEMPLATE = "{song}/{stem}"
OVERLAP = 0.1
FULL_SCALE = 1 - 2**-15
"""Largest magnitude that every integer encoding holds."""


class Clip(StrEnum):
    """What to do with stems beyond full scale when the samples are integers."""

    RESCALE = "rescale"
    CLAMP = "clamp"


@dataclass(frozen=True)
class Job:
    """Everything about a run that is not the input."""

    destination: Destination
    stem: str | None
    two_stems: str | None
    segment: float | None
    overlap: float
    shifts: int
    threads: int
    form: Format
    rate: int | None
    encoding: Encoding
    clip: Clip
    provenance: bool


def separate(
    files: options.Inputs = None,
    output: Annotated[
        str | None,
        options.output(
            "A .wav file (of one stem also .flac, .ogg or .mp3), or a folder that gets one file a "
            "stem. [default: stdout]"
        ),
    ] = None,
    model: Annotated[
        str,
        typer.Option(
            "--model",
            metavar="NAME",
            help="auto, built-in, or a pretrained Demucs: htdemucs, htdemucs_ft, hdemucs_mmi, "
            "mdx... (downloaded once when named). auto is htdemucs where it is cached, else "
            "built-in.",
        ),
    ] = "auto",
    model_repo: Annotated[
        Path | None,
        typer.Option(
            "--model-repo",
            metavar="DIR",
            show_default=False,
            help="Folder with NAME.yaml and safetensors files, in place of the cache.",
        ),
    ] = None,
    stem: Annotated[str | None, options.text("--stem", "NAME", "Only this stem.")] = None,
    two_stems: Annotated[
        str | None, options.text("--two-stems", "NAME", "This stem, and all the rest.")
    ] = None,
    template: Annotated[
        str,
        typer.Option(
            "--template",
            metavar="TEXT",
            help="Names of the files in a folder; one that ends in .flac, .ogg or .mp3 says the "
            "format, too.",
        ),
    ] = DEFAULT_TEMPLATE,
    segment: Annotated[
        float | None,
        options.number(
            "--segment",
            "SECONDS",
            "Length of the pieces that are separated one by one. [default: the model's]",
            low=1.0,
            high=600.0,
        ),
    ] = None,
    overlap: Annotated[
        float,
        typer.Option(
            "--overlap",
            metavar="SHARE",
            min=0.0,
            max=0.9,
            help="Share of a piece that is cross-faded.",
        ),
    ] = OVERLAP,
    shifts: Annotated[
        int,
        typer.Option(
            "--shifts", metavar="N", min=0, max=20, help="Average N time-shifted estimates."
        ),
    ] = 0,
    form: options.FormatOption = None,
    rate: options.OwnRate = None,
    encoding: options.EncodingOption = Encoding.FLOAT32,
    clip: Annotated[
        Clip,
        typer.Option(
            "--clip",
            help="For all but WAV of floats: rescale all stems by one gain, or clamp each sample.",
        ),
    ] = Clip.RESCALE,
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
    """Split music into drums, bass, other and vocals.

    Audio of any rate and length in; the same rate and length out, in constant memory and while it
    goes (what --clip rescale fits: once all is separated). On a pipe or in a .wav file the
    stems travel as one WAV of two channels a stem, named in its iXML chunk; any audio tool opens
    it, and drumkit's commands pick the stem that they need. In a folder each stem is a file with
    the input's channels. The stems sum to the mix.
    """
    if stem and two_stems:
        raise UsageError("--stem and --two-stems exclude each other")
    if model_repo and model in ("auto", BUILT_IN):
        raise UsageError("--model-repo needs --model NAME", "name a model of that folder")
    if weights and model not in ("auto", BUILT_IN):
        raise UsageError("--weights are the built-in model's", "take --model-repo for others")
    inputs = gather(files, *AUDIO)
    written = _format(output, template, form, is_stream=stem is None)
    destination = Destination(output, written.suffix, template)
    destination.check(
        inputs, *([{"stem": stem}] if stem else [{"stem": "drums"}, {"stem": "bass"}])
    )
    job = Job(
        destination,
        stem,
        two_stems,
        segment,
        overlap,
        shifts,
        threads,
        written,
        rate,
        encoding,
        clip,
        not no_provenance,
    )

    @cache
    def load() -> Separator:
        from drumkit_cli.separate.infer import BuiltIn, load_separator
        from drumkit_cli.separate.pretrained import PREFERRED

        separator = load_separator(model, model_repo, weights, device)
        better = f"; {PREFERRED} is better and larger: --model {PREFERRED} fetches it once"
        if not is_worker():
            console.info(f"model: {separator.name}{better * isinstance(separator, BuiltIn)}")
        return separator

    each(inputs, lambda path: _separate_one(path, job, load), destination)


def _format(output: str | None, template: str, form: Format | None, *, is_stream: bool) -> Format:
    """The format of the files, as the option, the output's name or the template says.

    Raises:
        UsageError: two of them differ, or a stems stream is to be no WAV.
    """
    written = format_of(output, form)
    if Destination(output, written.suffix).is_folder:
        return format_of(template, form)
    if is_stream and written is not Format.WAV:
        raise UsageError(
            f"cannot write {written.suffix} files of several stems", "-o DIR, --stem NAME, or WAV"
        )
    return written


def _separate_one(path: str, job: Job, load: Callable[[], Separator]) -> None:
    with open_input(path) as source:
        from drumkit_cli.audio.reader import AudioReader

        with AudioReader(source) as reader:
            job.form.require_rate(job.rate or reader.rate)
            reader.check_finite()
            _separate_sound(source, reader, job, load())


def _separate_sound(source: Input, reader: AudioReader, job: Job, separator: Separator) -> None:
    from drumkit_cli.audio.tape import Tape
    from drumkit_cli.separate.layout import choose_layout
    from drumkit_cli.separate.results import at_rate, from_tape, write_stems

    layout = choose_layout(separator.sources, job.stem, job.two_stems, separator.name)
    comment = ""
    if job.provenance:
        comment = Provenance(None, separator.weights_sha256, source.sha256()).comment()
    channels = _channels(reader, job)
    stems = _stems(reader, separator, layout, job, channels)
    shape = len(layout.names), channels
    blocks = at_rate(stems, shape, reader.rate, job.rate or reader.rate)
    gain = 1.0
    with ExitStack() as stack:
        if job.clip is Clip.RESCALE and not job.form.keeps_levels(job.encoding):
            tape = stack.enter_context(Tape("the stems"))
            for block in blocks:
                tape.append(block.transpose(2, 0, 1).ravel())
            gain = FULL_SCALE / max(FULL_SCALE, tape.peak())
            blocks = from_tape(tape, len(layout.names), channels)
        write_stems(blocks, gain, source, reader, layout, channels, job, comment)


def _stems(
    reader: AudioReader, separator: Separator, layout: Layout, job: Job, channels: int
) -> Iterator[Samples]:
    """The stems of a file `[S, C, n]`, block by block; tells how deep they null."""
    import numpy as np

    from drumkit_cli.audio.stems import stem_owners
    from drumkit_cli.separate.infer import segment_frames, split_segment, stream
    from drumkit_cli.separate.layout import fold

    segment, hop = segment_frames(separator, reader.rate, job.segment, job.overlap)
    rest = mix_energy = 0.0
    lock = Lock()
    threads = job.threads if separator.concurrent else 1
    owners = stem_owners(reader.track_names)
    reader.rewind()

    def split(mix: Samples) -> Samples:
        nonlocal rest, mix_energy
        stems = split_segment(mix, reader.rate, separator, job.shifts)
        with lock:
            mix_energy += float(np.square(mix, dtype=np.float64).sum())
            rest += float(np.square(mix - stems.sum(0), dtype=np.float64).sum())
        return stems

    folded = (fold(block, channels, owners) for block in reader.blocks(hop))
    with console.progress(reader.frames / reader.rate, reader.name) as bar:
        for stems in stream(folded, segment, hop, split, threads):
            yield layout.combine(stems)
            bar.advance(stems.shape[2] / reader.rate)
    if mix_energy > 0:
        depth = 10 * np.log10(max(rest, 1e-30) / mix_energy)
        console.detail(f"{reader.name}: the stems sum to the mix, null depth {depth:.1f} dB")


def _channels(reader: AudioReader, job: Job) -> int:
    """Channels of a stem: two in a stems stream, the input's otherwise."""
    from drumkit_cli.audio.stems import stem_owners

    if stem_owners(reader.track_names) or (not job.destination.is_folder and not job.stem):
        return 2
    return reader.channels
