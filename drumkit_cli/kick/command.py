"""`drumkit kick`: bass and snare in, a kick drum out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from drumkit_cli import console, options
from drumkit_cli.audio.encoding import AUDIO_SUFFIXES, Encoding, format_of
from drumkit_cli.errors import BadDataError, UsageError
from drumkit_cli.io.outputs import check_file, kind_of
from drumkit_cli.io.pictures import check_picture, write_figure
from drumkit_cli.io.provenance import Provenance
from drumkit_cli.io.streams import check_input, resolve_inputs
from drumkit_cli.kick.config import THRESHOLD
from drumkit_cli.learning.devices import Device
from drumkit_cli.midi.selection import parse_selection
from drumkit_cli.patterns.names import shipped_pattern

if TYPE_CHECKING:
    from drumkit_cli.kick.drummer import Drummer
    from drumkit_cli.kick.infer import Played
    from drumkit_cli.kick.sources import Source

VARIATIONS_MAX = 1000


@dataclass(frozen=True)
class Job:
    """What a run is asked for, beside its input."""

    output: str | None
    sample: str | None
    code: str | None
    like: str | None
    variations: int | None
    keep: int | None
    threshold: float
    mix: bool
    encoding: Encoding
    seed: int
    provenance: bool

    @property
    def is_sound(self) -> bool:
        """Whether the output is sound."""
        return kind_of(self.output or "") in AUDIO_SUFFIXES


def kick(
    song: Annotated[
        str | None,
        typer.Argument(
            metavar="[SONG]",
            show_default=False,
            help="MIDI or a stems stream; - is stdin, which is also read when no SONG is given.",
        ),
    ] = None,
    bass: Annotated[
        str | None, options.text("--bass", "AUDIO", "The bass, in place of SONG; with --snare.")
    ] = None,
    snare: Annotated[
        str | None, options.text("--snare", "AUDIO", "The snare, in place of SONG; with --bass.")
    ] = None,
    bars: options.Bars = None,
    voices: options.Voices = None,
    bpm: options.Bpm = None,
    offset: options.Offset = 0.0,
    like: Annotated[
        str | None,
        options.text("--like", "MIDI", "A song with bass, snare and kick: imitate its kick."),
    ] = None,
    code: Annotated[
        str | None,
        options.text("--code", "NPY", "The code that is played; -v tells those of a run."),
    ] = None,
    variations: Annotated[
        int | None,
        typer.Option(
            "--variations",
            metavar="N",
            min=1,
            max=VARIATIONS_MAX,
            show_default=False,
            help="Draw so many codes, and write a file each into the folder -o DIR.",
        ),
    ] = None,
    keep: Annotated[
        int | None,
        typer.Option(
            "--keep",
            metavar="N",
            min=1,
            max=VARIATIONS_MAX,
            show_default=False,
            help="Of the variations, write only so many: those that differ most.",
        ),
    ] = None,
    threshold: Annotated[
        float,
        typer.Option(
            "--threshold",
            metavar="SHARE",
            min=0.0,
            max=1.0,
            help="Share of the highest onset strength below which there is no hit.",
        ),
    ] = THRESHOLD,
    mix: Annotated[
        bool, typer.Option("--mix", help="Give the whole song, with this kick as its kick.")
    ] = False,
    sample: Annotated[
        str | None,
        options.text("--sample", "AUDIO", "For sound: that of a hit. [default: synthesised]"),
    ] = None,
    output: Annotated[
        str | None,
        options.output(
            "A MIDI file, sound where it ends in .wav, .flac, .ogg or .mp3, or a folder. "
            "[default: MIDI to stdout]"
        ),
    ] = None,
    encoding: options.EncodingOption = Encoding.FLOAT32,
    plot: options.Plot = None,
    seed: options.Seed = 0,
    weights: options.Weights = None,
    device: options.DeviceOption = Device.CPU,
    threads: options.Threads = 1,
    no_provenance: options.NoProvenance = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Play a kick drum to a song's bass and snare.

    Takes MIDI with a bass (programs 33 to 40) and a snare on channel 10, a stems stream of `drumkit
    separate`, or audio of the bass and of the snare; gives the kick as MIDI (pitch 36 on channel
    10) or as sound. A code of random numbers, drawn by --seed, decides how the kick follows from
    bass, snare and beats; the same code plays alike in other songs and at other tempi. A song's own
    kick is not heard. Where there is neither bass nor snare there is no kick. The whole
    song is heard before anything is written.
    """
    job = Job(
        output,
        sample,
        code,
        like,
        variations,
        keep,
        threshold,
        mix,
        encoding,
        seed,
        provenance=not no_provenance,
    )
    part = parse_selection(bars, voices)
    _check(job, song, bass, snare)
    check_picture(plot, output)
    if bass is None:
        (song,) = resolve_inputs([] if song is None else [song])
    for path in (song, like):
        if path is not None and shipped_pattern(path) is not None:
            raise BadDataError(f"the pattern {path} has no bass", "give a song with bass and snare")
    for path in (song, bass, snare, like, code, sample):
        if path is not None:
            check_input(path)

    from drumkit_cli.kick.sources import open_source

    with open_source(song, (bass, snare), None if bpm is None else (bpm, offset), part) as source:
        if source.track is None and mix and not job.is_sound:
            raise UsageError("--mix of audio gives audio", "-o mix.wav")
        if job.is_sound:
            format_of(output).require_rate(source.rate)
        if source.context.is_silent:
            console.warn(f"{source.name}: there is neither bass nor snare, and so no kick")

        from drumkit_cli.kick.drummer import open_drummer
        from drumkit_cli.learning.models import load_model

        drummer = load_model(open_drummer, "kick", weights, device)
        tracks = _play(source, job, drummer)
        _write(source, job, tracks, drummer)
    if plot is not None:
        from drumkit_cli.kick.plot import draw_tracks

        write_figure(draw_tracks(source.context, tracks), plot)


def _check(job: Job, song: str | None, bass: str | None, snare: str | None) -> None:
    """Refuse what does not go together, and outputs that cannot be made."""
    if (bass is None) != (snare is None) or (bass is not None and song is not None):
        raise UsageError("give either SONG, or both --bass and --snare", "drumkit kick --help")
    if sum(given is not None for given in (job.like, job.code, job.variations)) > 1:
        raise UsageError("--like, --code and --variations exclude each other")
    if job.keep is not None and (job.variations is None or job.keep > job.variations):
        raise UsageError("--keep takes some of more --variations")
    readings = [song if bass is None and song is not None else bass or "-"]
    if [*readings, snare, job.like, job.code, job.sample].count("-") > 1:
        raise UsageError("stdin (-) can be read only once")
    if job.variations is not None:
        if job.output is None or job.is_sound or kind_of(job.output) == ".mid":
            raise UsageError("several variations need a folder", "-o DIR")
    else:
        check_file(job.output, ".mid", *AUDIO_SUFFIXES)
    if job.sample is not None and not job.is_sound:
        raise UsageError("--sample is for sound", "-o kick.wav")


def _play(source: Source, job: Job, drummer: Drummer) -> list[Played]:
    """The kick tracks that are asked for."""
    from drumkit_cli.kick import infer
    from drumkit_cli.kick.codes import sample_codes
    from drumkit_cli.kick.hits import most_varied
    from drumkit_cli.kick.sources import read_code, read_reference

    if job.code is not None:
        codes = [read_code(job.code, drummer.code_size)]
    elif job.like is not None:
        codes = [infer.imitate(read_reference(job.like), drummer, job.like)]
    else:
        codes = list(sample_codes(job.variations or 1, drummer.code_size, job.seed))
    with console.progress(len(codes), source.name) as bar:
        tracks = []
        for code in codes:
            tracks.append(infer.play(source.context, code, drummer, job.threshold))
            bar.advance(1)
    if job.keep is not None:
        tracks = [tracks[i] for i in most_varied([t.hits[0] for t in tracks], job.keep)]
    if not source.context.is_silent and not any(len(track.hits[0]) for track in tracks):
        console.warn(f"{source.name}: the model plays no hit; another --seed may")
    for track in tracks:
        console.detail(f"code {track.code.tolist()}: {len(track.hits[0])} hits")
    return tracks


def _write(source: Source, job: Job, tracks: list[Played], drummer: Drummer) -> None:
    from drumkit_cli.io.outputs import Destination
    from drumkit_cli.kick import results

    comment = ""
    if job.provenance:
        comment = Provenance(job.seed, drummer.weights_sha256, source.sha256).comment()
    if job.output is not None and job.is_sound:
        one_shot = results.one_shot(job.sample, source.rate, job.seed)
        results.write_sound(
            source, tracks[0], one_shot, job.output, comment, encoding=job.encoding, mix=job.mix
        )
        return
    destination = Destination(job.output, ".mid", "{song}-{variation}")
    for number, track in enumerate(tracks, 1):
        place = job.output
        if job.variations is not None:
            place = destination.place(source.name, variation=f"{number:02d}")
        results.write_notes(source, track, place, comment, mix=job.mix)
