"""`drumkit interpolate`: from one drum pattern to another."""

from typing import Annotated

import typer

from drumkit_cli import console, options
from drumkit_cli.errors import UsageError
from drumkit_cli.interpolate.names import split_measures
from drumkit_cli.interpolate.paths import SILENCE, STEPS, STEPS_MAX, TEMPO_BPM, PathKind
from drumkit_cli.io.outputs import check_file
from drumkit_cli.io.provenance import Provenance
from drumkit_cli.io.streams import write_text
from drumkit_cli.learning.devices import Device
from drumkit_cli.midi.map_file import read_drum_map
from drumkit_cli.midi.selection import parse_selection
from drumkit_cli.patterns.names import check_song


def interpolate(
    start: Annotated[
        str | None,
        typer.Argument(
            metavar="START",
            show_default=False,
            help="MIDI or NPY file, - for stdin, or a shipped pattern such as techno:3. "
            "@17 or @1-4 after it takes these measures, before those of --bars.",
        ),
    ] = None,
    goal: Annotated[
        str | None, typer.Argument(metavar="GOAL", show_default=False, help="The same.")
    ] = None,
    steps: Annotated[
        int,
        typer.Option(
            "-n", "--steps", metavar="L", min=1, max=STEPS_MAX, help="Steps: L + 1 patterns."
        ),
    ] = STEPS,
    path: Annotated[
        PathKind,
        typer.Option(
            "--path", help="An arc or a line between codes of the model, or no model at all."
        ),
    ] = PathKind.SLERP,
    reconstruct: Annotated[
        bool, typer.Option("--reconstruct", help="End in the model's versions of START and GOAL.")
    ] = False,
    threshold: Annotated[
        float,
        typer.Option(
            "--threshold",
            metavar="V",
            min=0.0,
            max=1.0,
            help="Velocity (0 to 1) below which a note between the ends is silent.",
        ),
    ] = SILENCE,
    bpm: Annotated[
        float | None,
        options.number(
            "--bpm",
            "BPM",
            "The tempo. [default: START's, else GOAL's, else 129]",
            low=4.0,
            high=1000.0,
        ),
    ] = None,
    names: Annotated[
        bool, typer.Option("--list", help="Name the patterns that ship, with their tempo.")
    ] = False,
    output: Annotated[
        str | None,
        options.output(
            "A MIDI file, or an array [L + 1, 6, 64] where it ends in .npy. "
            "[default: MIDI to stdout]"
        ),
    ] = None,
    bars: options.Bars = None,
    voices: options.Voices = None,
    drum_map: options.DrumMap = None,
    weights: options.Weights = None,
    device: options.DeviceOption = Device.CPU,
    threads: options.Threads = 1,
    no_provenance: options.NoProvenance = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Make a transition from one drum pattern to another.

    Gives START, the patterns between, and GOAL, end to end: four measures of 4/4 each, of six
    voices (bass drum, snare, closed and open hat, rimshot, cowbell). What is shorter than four
    measures repeats; what is longer is cut into windows of four: START's last and GOAL's first are
    taken, unless measures are chosen (song.mid@17). Rides count as closed hats, crashes as open
    ones, claps as snares.
    """
    if names:
        check_file(output, ".txt", ".tsv")
        _list(output)
        return
    if start is None or goal is None:
        raise UsageError("a transition needs START and GOAL", "--list names patterns that ship")
    if [name.partition("@")[0] for name in (start, goal, drum_map or "")].count("-") > 1:
        raise UsageError("stdin (-) can be read only once")
    check_file(output, ".mid", ".npy")
    part = parse_selection(bars, voices)
    for name in (start, goal):
        check_song(split_measures(name)[0])
    pitches = None if drum_map is None else read_drum_map(drum_map)

    from drumkit_cli.interpolate import infer
    from drumkit_cli.interpolate.sources import read_source
    from drumkit_cli.patterns.drum_file import write_drums

    first, last = (read_source(name, pitches, part) for name in (start, goal))
    for remark in first.remarks + last.remarks:
        console.warn(remark)
    autoencoder = None
    if reconstruct or path is not PathKind.CROSSFADE:
        from drumkit_cli.learning.models import load_model

        autoencoder = load_model(infer.Autoencoder, "interpolate", weights, device)
    made = infer.transition(
        first.patterns[-1],
        last.patterns[0],
        steps,
        path,
        autoencoder,
        reconstruct=reconstruct,
        silence=threshold,
    )
    empty = int((~made.any((1, 2))).sum())
    if empty:
        console.warn(f"{empty} of {len(made)} patterns are silent; a lower --threshold plays more")
    comment = ""
    if not no_provenance:
        sums = ",".join(source.sha256 for source in (first, last) if source.sha256)
        weights_sha256 = autoencoder.weights_sha256 if autoencoder else ""
        comment = Provenance(None, weights_sha256, sums).comment()
    tempo = bpm or first.tempo_bpm or last.tempo_bpm or TEMPO_BPM
    write_drums(output, ((pattern, None) for pattern in made), made.shape, tempo, comment)


def _list(output: str | None) -> None:
    from drumkit_cli.interpolate.sources import shipped_names

    rows = (
        f"{name}\t{bpm:g} bpm\t{(pattern > 0).sum()} notes\n"
        for name, pattern, bpm in shipped_names()
    )
    write_text("".join(rows), output)
