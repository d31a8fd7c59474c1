"""`drumkit transcribe`: audio in, the MIDI of its drums out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from drumkit_cli import console, options
from drumkit_cli.batch.inputs import AUDIO, gather
from drumkit_cli.batch.run import each
from drumkit_cli.errors import UsageError
from drumkit_cli.io.outputs import Destination
from drumkit_cli.io.pictures import check_picture, write_figure
from drumkit_cli.io.provenance import Provenance
from drumkit_cli.io.streams import open_input, open_output, write_text
from drumkit_cli.learning.devices import Device

if TYPE_CHECKING:
    from drumkit_cli.audio.reader import AudioReader
    from drumkit_cli.io.arrays import Floats
    from drumkit_cli.listening.ear import Listener
    from drumkit_cli.transcribe.infer import Transcription
    from drumkit_cli.transcribe.plot import Overview

BLOCK_FRAMES: Final = 1 << 16
QUANTIZE_MAX: Final = 192


class Voices(StrEnum):
    """How many drums are told apart."""

    THREE = "3"
    SIX = "6"


@dataclass(frozen=True)
class Job:
    """Everything about a run that is not the input."""

    destination: Destination
    voices: int
    threshold: float | None
    quantize: int | None
    plot: str | None
    provenance: bool


def transcribe(
    files: options.Inputs = None,
    output: Annotated[
        str | None,
        options.output(
            "A .mid file (.txt with --beats, .json with --json), or a folder that gets one file an "
            "input. [default: stdout]"
        ),
    ] = None,
    voices: Annotated[
        Voices,
        typer.Option(
            "--voices",
            help="6: kick, snare, closed and open hat, tom, cymbal. 3: kick, snare, hat.",
        ),
    ] = Voices.SIX,
    threshold: Annotated[
        float | None,
        options.number(
            "--threshold",
            "SHARE",
            "How sure the model must be of a hit; lower gives more hits. [default: what suits each "
            "voice]",
            low=0.0,
            high=1.0,
        ),
    ] = None,
    quantize: Annotated[
        int | None,
        options.number(
            "--quantize",
            "N",
            "Move hits to the nearest of N parts of a whole note: 16 are sixteenths.",
            low=1,
            high=QUANTIZE_MAX,
        ),
    ] = None,
    beats: Annotated[
        bool,
        typer.Option("--beats", help="Write the beats as text: seconds, a tab, number in the bar."),
    ] = False,
    json: options.Json = False,
    plot: options.Plot = None,
    weights: options.Weights = None,
    device: options.DeviceOption = Device.CPU,
    threads: options.Threads = 1,
    no_provenance: options.NoProvenance = False,
    recursive: options.Recursive = False,
    from_file: options.FromFile = None,
    jobs: options.Jobs = 1,
    cluster: options.Cluster = None,
    force: options.Force = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Write down the drums of a song as MIDI.

    Takes any audio, or a stems stream of `drumkit separate`: hits are then heard in its drums, and
    beats in the sum of its stems. The MIDI has the song's tempo, meter, bar lines and length, and
    drum notes of General MIDI on channel 10, where they are heard.
    The whole song is heard before anything is written.
    """
    if beats and json:
        raise UsageError("--beats and --json are two outputs", "leave one out")
    suffix = ".txt" if beats else ".json" if json else ".mid"
    inputs = gather(files, *AUDIO)
    destination = Destination(output, suffix)
    destination.check(inputs)
    if plot is not None and len(inputs) > 1:
        raise UsageError("--plot draws one input to one file")
    check_picture(plot, output)
    job = Job(destination, int(voices), threshold, quantize, plot, not no_provenance)

    @cache
    def load() -> Listener:
        from drumkit_cli.learning.models import load_model
        from drumkit_cli.listening.ear import Listener

        return load_model(Listener, "transcribe", weights, device)

    each(inputs, lambda path: _transcribe_one(path, job, load), destination)


def _transcribe_one(path: str, job: Job, load: Callable[[], Listener]) -> None:
    with open_input(path) as source:
        from drumkit_cli.audio.reader import AudioReader

        with AudioReader(source) as reader:
            drums = _drums(reader)
            reader.check_finite()
            listener = load()
            comment = ""
            if job.provenance:
                sums = listener.weights_sha256, source.sha256()
                comment = Provenance(None, *sums).comment()
            overview = _overview(reader, job)
            heard = _hear(reader, drums, listener, job, overview)
            _write(reader.name, heard, job, comment)
            if overview is not None and job.plot is not None:
                write_figure(overview.draw(Path(reader.name).name, heard), job.plot)


def _drums(reader: AudioReader) -> slice | None:
    """The channels of the drums in a stems stream; None for audio of another kind."""
    from drumkit_cli.audio.stems import select_stem

    return select_stem(reader, "drums")


def _hear(
    reader: AudioReader,
    drums: slice | None,
    listener: Listener,
    job: Job,
    overview: Overview | None,
) -> Transcription:
    from drumkit_cli.transcribe import infer

    def song() -> Iterator[Floats]:
        reader.rewind()
        sides = 1 if drums is None else reader.channels // (drums.stop - drums.start)
        return (block.mean(0) * sides for block in reader.blocks(BLOCK_FRAMES))

    def alone(part: slice) -> Iterator[Floats]:
        reader.rewind()
        yield from (block[part].mean(0) for block in reader.blocks(BLOCK_FRAMES))

    with console.progress(reader.seconds, reader.name) as bar:
        heard = infer.hear(
            song(),
            reader.rate,
            listener,
            None if drums is None else alone(drums),
            threshold=job.threshold,
            advance=bar.advance,
            watch=(lambda _levels, _activations: None) if overview is None else overview.add,
        )
    if reader.frames and not heard.hits:
        console.warn(f"{reader.name}: no drums are heard; --threshold hears more")
    return heard


def _write(name: str, heard: Transcription, job: Job, comment: str) -> None:
    place = job.destination.place(name)
    from drumkit_cli.transcribe import drum_track, infer, texts

    hits = infer.keep_voices(heard.hits, job.voices)
    if job.destination.suffix == ".txt":
        write_text(texts.beat_text(heard.beats), place)
    elif job.destination.suffix == ".json":
        write_text(texts.json_text(name, hits, heard.beats, heard.seconds, job.voices), place)
    else:
        from drumkit_cli.midi.files import write_midi

        track = drum_track.drum_track(hits, heard.beats, heard.seconds, job.quantize)
        with open_output(place) as sink:
            sink.write(write_midi(track, comment))


def _overview(reader: AudioReader, job: Job) -> Overview | None:
    if job.plot is None:
        return None
    from drumkit_cli.transcribe.plot import Overview

    return Overview(reader.seconds)
