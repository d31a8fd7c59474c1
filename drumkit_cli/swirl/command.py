"""`drumkit swirl`: drums without end."""

from __future__ import annotations

import math
import os.path
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from drumkit_cli import console, options
from drumkit_cli.errors import UsageError
from drumkit_cli.io.provenance import Provenance
from drumkit_cli.io.streams import check_output, open_output
from drumkit_cli.learning.devices import Device

if TYPE_CHECKING:
    from drumkit_cli.patterns.grid import Floats

    Block = tuple[Floats, Floats | None]

MEASURES = 16
SPEED = 2 * math.pi / 1984
TEMPO_BPM = 129.0
MEASURES_MAX = 1_000_000
OMEGA_MAX = 1e6
FIRST_MAX = 1e12
"""Measures to where a path may begin: beyond, numbers no longer tell one from the next."""
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
    ] = (2.0, 19.0, -20.0, 20.0),
    speed: Annotated[
        float,
        typer.Option(
            "--speed",
            metavar="T",
            min=-10.0,
            max=10.0,
            show_default="2 pi / 1984",
            help="How far the path goes in a measure; the paper's is 0.0127.",
        ),
    ] = SPEED,
    start: Annotated[
        float,
        typer.Option(
            "--from",
            metavar="T",
            min=-1e9,
            max=1e9,
            help="Where on the path to begin; -v tells where a run ended.",
        ),
    ] = 0.0,
    humanize: Annotated[
        bool,
        typer.Option("--humanize", help="Vary onsets and velocities a little, as hands do."),
    ] = False,
    bpm: Annotated[
        float, typer.Option("--bpm", metavar="BPM", min=4.0, max=1000.0, help="The tempo.")
    ] = TEMPO_BPM,
    output: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--output",
            metavar="PATH",
            parser=str,
            show_default=False,
            help="A MIDI file, or an array [measures, 6, 16] where it ends in .npy. "
            "[default: MIDI to stdout]",
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
    for option, values in (("--omegas", omegas), ("--speed", (speed,)), ("--from", (start,))):
        if not all(map(math.isfinite, values)):
            raise UsageError(f"{option} must be finite")
    if max(map(abs, omegas)) > OMEGA_MAX:
        raise UsageError(f"--omegas must be within {-OMEGA_MAX:,.0f} and {OMEGA_MAX:,.0f}")
    if speed and abs(start / speed) > FIRST_MAX:
        raise UsageError("--from is too many measures away at that --speed", "raise --speed")
    if plot == "-" or (plot and output and os.path.realpath(plot) == os.path.realpath(output)):
        raise UsageError("--plot needs a file of its own")
    for path in (output, plot):
        if path is not None and path != "-":
            check_output(path)

    from drumkit_cli.learning.checkpoint import load_weights
    from drumkit_cli.learning.devices import pick_device
    from drumkit_cli.patterns.drum_file import write_drums
    from drumkit_cli.swirl import infer

    place = pick_device(device, threads)
    drummer = infer.Drummer(load_weights("swirl", weights), place)
    comment = ""
    if not no_provenance:
        comment = Provenance(seed, drummer.weights_sha256).comment()
    played = infer.measures(drummer, measures, omegas=omegas, speed=speed, start=start, seed=seed)
    first = infer.measure_number(start, speed)
    with console.progress(measures, "playing") as bar:
        blocks = (
            infer.humanize(played, math.floor(first), seed)
            if humanize
            else ((velocities, None) for velocities in played)
        )
        write_drums(output, _watched(blocks, bar.advance), (measures, 6, 16), bpm, comment)
    end = (first + measures) * speed if speed else start
    if plot is not None:
        _draw(plot, start, end, omegas, seed)
    if speed:
        console.detail(f"the path is at {end!r} now: --from {end!r} goes on")
    else:
        console.detail(f"the path stays at {end!r}: --from {end!r} begins the same phrase again")


def _watched(blocks: Iterable[Block], advance: Callable[[float], None]) -> Iterator[Block]:
    for block in blocks:
        yield block
        advance(1)


def _draw(plot: str, start: float, end: float, omegas: Sequence[float], seed: int) -> None:
    import numpy as np

    from drumkit_cli.swirl.infer import swirl
    from drumkit_cli.swirl.plot import path_png

    whole = swirl(np.linspace(0, 2 * np.pi, PLOT_POINTS), omegas, seed)
    walked = swirl(np.linspace(start, end, PLOT_POINTS), omegas, seed)
    with open_output(plot) as sink:
        sink.write(path_png(whole, walked))
