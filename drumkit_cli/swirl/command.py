"""`drumkit swirl`: drums without end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from drumkit_cli import console, options
from drumkit_cli.io.outputs import check_file
from drumkit_cli.io.pictures import check_picture, write_figure
from drumkit_cli.io.provenance import Provenance
from drumkit_cli.learning.devices import Device
from drumkit_cli.swirl.walk import (
    MEASURES_MAX,
    OMEGAS,
    SPEED,
    SPEED_MAX,
    START_MAX,
    TEMPO_BPM,
    Walk,
)

if TYPE_CHECKING:
    from drumkit_cli.io.arrays import Floats

    Block = tuple[Floats, Floats | None]

MEASURES = 16
PLOT_POINTS = 5000


def swirl(
    measures: Annotated[
        int,
        typer.Option(
            "--measures", metavar="N", min=1, max=MEASURES_MAX, help="Measures of 4/4 to play."
        ),
    ] = MEASURES,
    omegas: Annotated[
        tuple[float, float, float, float],
        typer.Option("--omegas", metavar="W W W W", help="The four frequencies of the path."),
    ] = OMEGAS,
    speed: Annotated[
        float,
        typer.Option(
            "--speed",
            metavar="T",
            min=-SPEED_MAX,
            max=SPEED_MAX,
            show_default="2 pi / 1984",
            help="How far the path goes in a measure; the paper's is 0.0127.",
        ),
    ] = SPEED,
    start: Annotated[
        float,
        typer.Option(
            "--from",
            metavar="T",
            min=-START_MAX,
            max=START_MAX,
            help="Where on the path to begin; -v tells where a run ended.",
        ),
    ] = 0.0,
    humanize: Annotated[
        bool, typer.Option("--humanize", help="Vary onsets and velocities a little, as hands do.")
    ] = False,
    bpm: Annotated[
        float, typer.Option("--bpm", metavar="BPM", min=4.0, max=1000.0, help="The tempo.")
    ] = TEMPO_BPM,
    output: Annotated[
        str | None,
        options.output(
            "A MIDI file, or an array [measures, 6, 16] where it ends in .npy. "
            "[default: MIDI to stdout]"
        ),
    ] = None,
    plot: options.Plot = None,
    seed: options.Seed = 0,
    weights: options.Weights = None,
    device: options.DeviceOption = Device.CPU,
    threads: options.Threads = 1,
    no_provenance: options.NoProvenance = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Play drums on and on: a smooth walk through the patterns of a generator.

    Takes nothing; gives MIDI (General MIDI drums on channel 10). Each measure is the next one of a
    phrase of four, and the phrase changes all the while. A seed other than 0 turns the path to
    other patterns.
    """
    walk = Walk(omegas, speed, start, seed)
    check_file(output, ".mid", ".npy")
    check_picture(plot, output)

    from drumkit_cli.learning.models import load_model
    from drumkit_cli.patterns.drum_file import write_drums
    from drumkit_cli.swirl import infer

    drummer = load_model(infer.Drummer, "swirl", weights, device)
    comment = "" if no_provenance else Provenance(seed, drummer.weights_sha256).comment()
    with console.progress(measures, "playing") as bar:
        blocks = infer.play(drummer, measures, walk, humanize=humanize)
        write_drums(output, _watched(blocks, bar.advance), (measures, 6, 16), bpm, comment)
    end = walk.end(measures)
    if plot is not None:
        _draw(plot, walk, end)
    if speed:
        console.detail(f"the path is at {end!r} now: --from {end!r} goes on")
    else:
        console.detail(f"the path stays at {end!r}: --from {end!r} begins the same phrase again")


def _watched(blocks: Iterable[Block], advance: Callable[[float], None]) -> Iterator[Block]:
    for block in blocks:
        yield block
        advance(1)


def _draw(plot: str, walk: Walk, end: float) -> None:
    import numpy as np

    from drumkit_cli.swirl.infer import places
    from drumkit_cli.swirl.plot import draw_path

    whole = places(np.linspace(0, 2 * np.pi, PLOT_POINTS), walk)
    walked = places(np.linspace(walk.start, end, PLOT_POINTS), walk)
    write_figure(draw_path(whole, walked), plot)
