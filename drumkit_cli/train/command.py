"""The `train` command: parse, check what can be checked at once, hand over to the feature."""

import importlib
from pathlib import Path
from typing import Annotated, Final, cast

import typer

from drumkit_cli import options
from drumkit_cli.errors import UsageError
from drumkit_cli.io import streams
from drumkit_cli.io.extras import require_extra
from drumkit_cli.io.outputs import check_file
from drumkit_cli.learning.devices import Device

DEFAULT_TIME_LIMIT: Final = "1h"


def train(
    feature: options.Feature,
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="[DATA]", help="Folder of data; the README says which.", show_default=False
        ),
    ] = None,
    output: Annotated[
        str | None,
        options.output("Weights file to write. [default: FEATURE.safetensors]", metavar="WEIGHTS"),
    ] = None,
    preset: Annotated[
        str, typer.Option("--preset", metavar="NAME", help="Recipe of the feature: cpu, gpu, ...")
    ] = "cpu",
    time_limit: Annotated[
        float,
        typer.Option(
            "--time-limit",
            metavar="TIME",
            parser=options.parse_duration,
            help="Train this long in all (90m, 1h30m, 5400s), resumed time included; rendering and "
            "validation do not count.",
        ),
    ] = cast(float, DEFAULT_TIME_LIMIT),  # Typer parses a default as it does a value
    start: Annotated[
        str | None,
        options.text(
            "--from",
            "WEIGHTS",
            "Start from these weights in place of random ones: a file, or a folder of them, of the "
            "sizes of the preset. They are validated first.",
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the last checkpoint in the run folder.")
    ] = False,
    run_dir: Annotated[
        str | None,
        options.text(
            "--run-dir", "DIR", "Folder for checkpoint, log and curves. [default: runs/FEATURE]"
        ),
    ] = None,
    convert: Annotated[
        str | None,
        options.text(
            "--convert", "OLD", "Only write the weights OLD, of an older drumkit, as it reads now."
        ),
    ] = None,
    grades: Annotated[
        str | None,
        options.text(
            "--grades",
            "CSV",
            "Of score: only fit its regressions to the grades of this table (drums, grade, perhaps "
            "reference and bass).",
        ),
    ] = None,
    device: options.DeviceOption = Device.CPU,
    seed: options.Seed = 0,
    threads: Annotated[
        int,
        typer.Option(
            "--threads", metavar="N", min=0, max=1024, help="CPU threads; 0 is PyTorch's choice."
        ),
    ] = 0,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Train the model of a command on your own data.

    The output file holds the best weights that were validated: after the first minute (or a tenth
    of a shorter time limit), every 10 minutes, and at the end; Ctrl-C or a kill leaves it. Use it
    with --weights. With --resume the same command goes on.
    """
    require_extra("train", "train")
    if sum(given is not None for given in (data, convert, grades)) != 1:
        raise UsageError("give one of DATA, --convert OLD and --grades CSV", "drumkit train --help")
    if grades is not None and feature != "score":
        raise UsageError(f"--grades is of score, not of {feature}", "leave it out")
    if start is not None and data is None:
        raise UsageError("--from goes with DATA, to train on", "leave it out")
    target = output if output is not None else f"{feature}.safetensors"
    if convert is not None:
        from drumkit_cli.train.convert import convert as write_anew

        check_file(target, ".safetensors")
        write_anew(feature, Path(convert), Path(target))
        return
    if grades is not None:
        check_file(target, ".safetensors")
        module = importlib.import_module(f"drumkit_cli.{feature}.grades")
        module.fit_grades(Path(grades), Path(target))
        return
    assert data is not None
    folder = streams.require_folder(data)
    check_file(target, ".safetensors")

    from drumkit_cli.learning.training import Run

    run = Run(
        folder=Path(run_dir if run_dir is not None else f"runs/{feature}"),
        output=Path(target),
        time_limit_seconds=time_limit,
        resume=resume,
        device=device.value,
        seed=seed,
        threads=threads,
        preset=preset,
        start=None if start is None else Path(start),
    )
    importlib.import_module(f"drumkit_cli.{feature}.train").train(folder, run)
