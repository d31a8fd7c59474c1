"""`drumkit separate`: a song in, its stems out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drumkit_cli import console, options
from drumkit_cli.batch import each
from drumkit_cli.errors import OutputError, UnavailableError, UsageError
from drumkit_cli.provenance import Provenance
from drumkit_cli.streams import (
    Encoding,
    Input,
    check_output,
    open_input,
    open_output,
    resolve_inputs,
)

if TYPE_CHECKING:
    from drumkit_cli.audio import AudioReader
    from drumkit_cli.separate.infer import Samples, Separator

BUILT_IN = "built-in"
DEFAULT_TEMPLATE = "{song}/{stem}.wav"
VOCAL_MODEL = "htdemucs"


class Clip(StrEnum):
    """What to do with stems beyond full scale when the samples are integers."""

    RESCALE = "rescale"
    CLAMP = "clamp"


@dataclass(frozen=True)
class Layout:
    """Which stems come out of those that a model makes.

    Attributes:
        names: of the output.
        combine: `[S, C, n]` of the model -> `[len(names), C, n]`.
    """

    names: tuple[str, ...]
    combine: Callable[[Samples], Samples]


@dataclass(frozen=True)
class Job:
    """Everything about a run that is not the input."""

    output: str | None
    to_folder: bool
    template: str
    stem: str | None
    two_stems: str | None
    segment: float | None
    overlap: float
    encoding: Encoding
    clip: Clip
    provenance: bool


def separate(
    files: options.Inputs = None,
    output: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--output",
            metavar="PATH",
            parser=str,
            show_default=False,
            help="A .wav file, or a folder that gets one file a stem. [default: stdout]",
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
    stem: Annotated[
        str | None,
        typer.Option("--stem", metavar="NAME", show_default=False, help="Only this stem."),
    ] = None,
    two_stems: Annotated[
        str | None,
        typer.Option(
            "--two-stems", metavar="NAME", show_default=False, help="This stem, and all the rest."
        ),
    ] = None,
    template: Annotated[
        str,
        typer.Option("--template", metavar="TEXT", help="Names of the files in a folder."),
    ] = DEFAULT_TEMPLATE,
    segment: Annotated[
        float | None,
        typer.Option(
            "--segment",
            metavar="SECONDS",
            min=1.0,
            max=600.0,
            show_default=False,
            help="Length of the pieces that are separated one by one. [default: the model's]",
        ),
    ] = None,
    overlap: Annotated[
        float,
        typer.Option("--overlap", min=0.0, max=0.9, help="Share of a piece that is cross-faded."),
    ] = 0.25,
    shifts: Annotated[
        int,
        typer.Option(
            "--shifts", metavar="N", min=0, max=20, help="Average N time-shifted estimates."
        ),
    ] = 0,
    encoding: Annotated[
        Encoding, typer.Option("--encoding", help="How samples are stored.")
    ] = Encoding.FLOAT32,
    clip: Annotated[
        Clip,
        typer.Option(
            "--clip",
            help="For integer encodings: rescale all stems by one gain, or clamp each sample.",
        ),
    ] = Clip.RESCALE,
    weights: options.Weights = None,
    device: options.DeviceOption = options.Device.CPU,
    threads: options.Threads = 0,
    no_provenance: options.NoProvenance = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Split music into drums, bass and other (and vocals, with a pretrained Demucs).

    Audio of any rate and length in; the same rate and length out, in constant memory. On a pipe
    or in a .wav file the stems travel as one WAV of two channels a stem, named in its iXML chunk;
    any audio tool opens it, and drumkit's commands pick the stem that they need. In a folder each
    stem is a file with the input's channels. The stems sum to the mix.
    """
    if stem and two_stems:
        raise UsageError("--stem and --two-stems exclude each other")
    inputs = resolve_inputs(files or [])
    to_folder = output is not None and output != "-" and not output.endswith(".wav")
    if not to_folder and len(inputs) > 1:
        raise UsageError("several inputs need a folder", "-o DIR")
    if not to_folder and output not in (None, "-"):
        check_output(str(output))
    job = Job(
        output, to_folder, template, stem, two_stems, segment, overlap, encoding, clip,
        not no_provenance,
    )  # fmt: skip
    if to_folder:
        _check_names(inputs, job)
    loader = _Loader(model, model_repo, weights, device, shifts, threads)
    each(inputs, lambda path: _separate_one(path, job, loader))


class _Loader:
    """Loads the separator when the first input has been checked, once."""

    def __init__(
        self,
        model: str,
        repo: Path | None,
        weights: str | None,
        device: options.Device,
        shifts: int,
        threads: int,
    ) -> None:
        self._model = model
        self._repo = repo
        self._weights = weights
        self._device = device
        self._shifts = shifts
        self._threads = threads
        self._separator: Separator | None = None

    def __call__(self) -> Separator:
        if self._separator is None:
            self._separator = self._load()
        return self._separator

    def _load(self) -> Separator:
        from drumkit_cli.devices import pick_device
        from drumkit_cli.separate import pretrained

        device = pick_device(self._device, self._threads)
        name = self._model
        if name == "auto":
            use_pretrained = not self._weights and pretrained.is_cached(pretrained.PREFERRED)
            name = pretrained.PREFERRED if use_pretrained else BUILT_IN
        if name != BUILT_IN:
            separator = pretrained.Pretrained(name, self._repo, device, self._shifts)
            console.info(f"model: {name}")
            return separator
        from drumkit_cli.checkpoint import load_weights
        from drumkit_cli.separate.infer import BuiltIn

        built_in = BuiltIn(load_weights("separate", self._weights), device, self._shifts)
        console.info(
            f"model: {BUILT_IN}; {pretrained.PREFERRED} is better and larger: "
            f"--model {pretrained.PREFERRED} fetches it once"
        )
        return built_in


def _separate_one(path: str, job: Job, load: _Loader) -> None:
    from drumkit_cli.audio import AudioReader

    with open_input(path) as source, AudioReader(source) as reader:
        reader.check_finite()
        separator = load()
        layout = _layout(separator.sources, job.stem, job.two_stems, separator.name)
        comment = ""
        if job.provenance:
            comment = Provenance(None, separator.weights_sha256, source.sha256()).comment()
        channels = _channels(reader, job)
        blocks = _stems(reader, separator, layout, job, channels)
        gain = 1.0
        with ExitStack() as stack:
            if job.encoding is not Encoding.FLOAT32 and job.clip is Clip.RESCALE:
                spool = stack.enter_context(_Spool((len(layout.names), channels)))
                gain = spool.fill(blocks)
                blocks = spool.blocks()
            _write(blocks, gain, source, reader, layout, channels, job, comment)


def _stems(
    reader: AudioReader, separator: Separator, layout: Layout, job: Job, channels: int
) -> Iterator[Samples]:
    """The stems of a file `[S, C, n]`, block by block; tells how deep they null."""
    import numpy as np

    from drumkit_cli.separate.infer import stream

    segment = max(round((job.segment or separator.segment_seconds) * reader.rate), 64)
    hop = max(round(segment * (1 - job.overlap)), 1)
    rest = mix_energy = 0.0
    reader.seek(0)

    def split(mix: Samples) -> Samples:
        nonlocal rest, mix_energy
        stems = separator.split(mix, reader.rate)
        mix_energy += float(np.square(mix, dtype=np.float64).sum())
        rest += float(np.square(mix - stems.sum(0), dtype=np.float64).sum())
        return stems

    folded = (_fold(block, reader.track_names, channels) for block in reader.blocks(hop))
    with console.progress(reader.frames / reader.rate, reader.name) as bar:
        for stems in stream(folded, segment, hop, split):
            yield layout.combine(stems)
            bar.advance(stems.shape[2] / reader.rate)
    if mix_energy > 0:
        depth = 10 * np.log10(max(rest, 1e-30) / mix_energy)
        console.detail(f"{reader.name}: the stems sum to the mix, null depth {depth:.1f} dB")


def _write(
    blocks: Iterator[Samples],
    gain: float,
    source: Input,
    reader: AudioReader,
    layout: Layout,
    channels: int,
    job: Job,
    comment: str,
) -> None:
    """Write the stems where the job says, whole or not at all."""
    from drumkit_cli.audio import WavWriter, stem_track_names

    with ExitStack() as stack:

        def open_writer(path: str | None, count: int, tracks: Sequence[str] = ()) -> WavWriter:
            sink = stack.enter_context(open_output(path))
            writer = WavWriter(
                sink,
                reader.rate,
                count,
                frames=reader.frames,
                encoding=job.encoding,
                track_names=tracks,
                comment=comment,
            )
            return stack.enter_context(writer)

        if job.to_folder:
            places = [_place(source.name, name, job) for name in layout.names]
            for place in places:
                _make_folder(place.parent)
            writers = [open_writer(str(place), channels) for place in places]
        else:
            tracks = stem_track_names(layout.names) if len(layout.names) > 1 else ()
            writers = [open_writer(job.output, channels * len(layout.names), tracks)]
        for stems in blocks:
            scaled = stems * gain if gain != 1.0 else stems
            if job.to_folder:
                for writer, stem in zip(writers, scaled, strict=True):
                    writer.write(stem)
            else:
                writers[0].write(scaled.reshape(-1, scaled.shape[2]))
    clipped = sum(writer.clipped_samples for writer in writers)
    if clipped:
        console.warn(f"{source.name}: {clipped} samples were clipped; --clip rescale avoids it")
    if gain != 1.0:
        console.detail(f"{source.name}: all stems were scaled by {gain:.4f} to fit")


def _layout(
    sources: tuple[str, ...], stem: str | None, two_stems: str | None, model: str
) -> Layout:
    """Which stems go out.

    Raises:
        UnavailableError: the model does not make the stem that is asked for.
    """
    import numpy as np

    wanted = stem or two_stems
    if not wanted:
        return Layout(sources, lambda stems: stems)
    if wanted not in sources:
        remedy = (
            f"vocals need --model {VOCAL_MODEL}"
            if wanted == "vocals"
            else f"stems: {', '.join(sources)}"
        )
        raise UnavailableError(f"the {model} model makes no stem {wanted!r}", remedy)
    index = sources.index(wanted)
    if stem:
        return Layout((wanted,), lambda stems: stems[index : index + 1])
    return Layout(
        (wanted, f"no_{wanted}"),
        lambda stems: np.stack([stems[index], stems.sum(0) - stems[index]]),
    )


def _channels(reader: AudioReader, job: Job) -> int:
    """Channels of a stem: two in a stems stream, the input's otherwise."""
    if reader.track_names or (not job.to_folder and not job.stem):
        return 2
    return reader.channels


def _fold(block: Samples, track_names: tuple[str, ...], channels: int) -> Samples:
    """Bring a block `[C, n]` to the channels of a stem; a stems stream is summed to its mix."""
    import numpy as np

    if track_names:
        return np.stack([block[0::2].sum(0), block[1::2].sum(0)])
    if len(block) == channels:
        return block
    if len(block) == 1:
        return np.repeat(block, 2, axis=0)
    # Left and right, and every further channel to both at -3 dB; one gain keeps it in range.
    shared = block[2:].sum(0) * np.float32(0.5**0.5)
    gain = np.float32(1 / (1 + (len(block) - 2) * 0.5**0.5))
    return np.stack([block[0] + shared, block[1] + shared]) * gain


def _place(name: str, stem: str, job: Job) -> Path:
    song = "stdin" if name == "<stdin>" else Path(name).stem
    try:
        relative = job.template.format(song=song, stem=stem)
    except (KeyError, IndexError, ValueError) as error:
        raise UsageError(f"--template {job.template!r}: only {{song}} and {{stem}}") from error
    return Path(str(job.output)) / relative


def _check_names(inputs: list[str], job: Job) -> None:
    """Refuse two outputs of one name before any work."""
    places: dict[Path, str] = {}
    for path in inputs:
        name = "<stdin>" if path == "-" else path
        for stem in ("a", "b"):
            place = _place(name, stem, job)
            if place in places:
                raise UsageError(
                    f"{path} and {places[place]} would write the same file", "change --template"
                )
            places[place] = path


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {folder}: {error.strerror}") from error


class _Spool:
    """Float stems on disk, so that one gain can be found before the first sample is written."""

    def __init__(self, shape: tuple[int, int]) -> None:
        import tempfile

        self._shape = shape
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by __exit__

    def __enter__(self) -> _Spool:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def fill(self, blocks: Iterator[Samples]) -> float:
        """Keep all blocks; the gain that brings their peak to full scale, at most one."""
        peak = 0.0
        for block in blocks:
            peak = max(peak, float(abs(block).max(initial=0.0)))
            self._file.write(block.transpose(2, 0, 1).tobytes())
        return min(1.0, (1 - 2**-15) / peak) if peak else 1.0

    def blocks(self) -> Iterator[Samples]:
        """The blocks again."""
        import numpy as np

        self._file.seek(0)
        frame_bytes = 4 * self._shape[0] * self._shape[1]
        while data := self._file.read(frame_bytes * 65_536):
            frames = np.frombuffer(data, np.float32).reshape(-1, *self._shape)
            yield np.ascontiguousarray(frames.transpose(1, 2, 0))
