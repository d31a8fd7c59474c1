"""The options that commands share, so that a name means the same thing everywhere.

Each is an annotated type for a command's signature: ``def mel(files: Inputs = None, ...)``.
`Quiet` and `Verbose` take effect by being parsed; a command only has to declare them.
"""

import re
from typing import Annotated, Final, Literal, get_args

import typer
from typer.models import OptionInfo

from drumkit_cli import console
from drumkit_cli.arguments import RATE, RATE_MAX_HZ, RATE_MIN_HZ, SEED_MAX
from drumkit_cli.audio.encoding import Encoding, Format
from drumkit_cli.learning.devices import Device
from drumkit_cli.midi.drum_maps import DRUM_MAPS

TrainedFeature = Literal[
    "separate", "arrange", "interpolate", "swirl", "groove", "kick", "score", "synth", "transcribe"
]
"""Commands with a model: each has a `train` and an `evaluate` module in its package."""
MeasuredFeature = Literal[TrainedFeature, "pipeline"]
"""What can be measured: packages with an `evaluate` module."""
_DURATION: Final = re.compile(
    r"(?:(?P<h>\d+(?:\.\d+)?)h)?(?:(?P<m>\d+(?:\.\d+)?)m)?(?:(?P<s>\d+(?:\.\d+)?)s?)?"
)
_DURATION_MAX_SECONDS: Final = 366 * 86400.0


def parse_duration(text: str) -> float:
    """Return the seconds of a duration such as ``90m``, ``1h30m``, ``5400s`` or ``5400``.

    Raises:
        BadParameter: it is no duration, or not within (0, 366 days].
    """
    match = _DURATION.fullmatch(text.strip().lower())
    if not text.strip() or match is None:
        raise typer.BadParameter(f"{text!r} is no duration such as 90m, 1h30m or 5400s")
    hours, minutes, seconds = (float(match[unit] or 0) for unit in "hms")
    total = 3600 * hours + 60 * minutes + seconds
    if not 0 < total <= _DURATION_MAX_SECONDS:
        raise typer.BadParameter(f"{text!r} is not between 1 second and 366 days")
    return total


def text(name: str, metavar: str, description: str) -> OptionInfo:
    """An optional text or path; a path is kept as it is, since it need not be UTF-8."""
    option: OptionInfo = typer.Option(name, metavar=metavar, show_default=False, help=description)
    return option


def number(name: str, metavar: str, description: str, *, low: float, high: float) -> OptionInfo:
    """An optional number within bounds, both included."""
    option: OptionInfo = typer.Option(
        name, metavar=metavar, min=low, max=high, show_default=False, help=description
    )
    return option


def share(name: str, description: str) -> OptionInfo:
    """A share of 0 to 1."""
    option: OptionInfo = typer.Option(name, metavar="SHARE", min=0.0, max=1.0, help=description)
    return option


def output(description: str, metavar: str = "PATH") -> OptionInfo:
    """The option ``-o`` of a command, with what it writes."""
    option: OptionInfo = typer.Option(
        "-o", "--output", metavar=metavar, show_default=False, help=description
    )
    return option


def _apply_quiet(value: bool) -> bool:
    console.configure(quiet=value)
    return value


def _apply_verbose(value: bool) -> bool:
    console.configure(verbose=value)
    return value


Inputs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="FILE",
        show_default=False,
        help="Inputs, by path or URL; - is stdin, which is also read when no FILE is given. What "
        "comes from a pipe or URL is read to its end first, into a temporary file.",
    ),
]
Songs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="FILE",
        show_default=False,
        help="MIDI by path or URL, or a pattern that ships, such as techno:3 (a file called so is "
        "./techno:3); - is stdin, which is also read when no FILE is given. What comes from a pipe "
        "or URL is read to its end first, into a temporary file.",
    ),
]
Output = Annotated[
    str | None,
    output(
        "Write to this file, or one file an input into this folder; a path or URL. "
        "[default: stdout]"
    ),
]
Bpm = Annotated[
    float | None,
    number(
        "--bpm",
        "BPM",
        "Beats a minute, in bars of four. [default: the song's]",
        low=30.0,
        high=300.0,
    ),
]
Offset = Annotated[
    float,
    typer.Option(
        "--offset",
        metavar="SECONDS",
        min=0.0,
        max=3600.0,
        help="With --bpm: where the first bar begins.",
    ),
]
Recursive = Annotated[
    bool,
    typer.Option(
        "-r",
        "--recursive",
        help="A FILE that is a folder stands for the files below it that the command reads, by "
        "their first bytes; outputs keep their sub-folders.",
    ),
]
FromFile = Annotated[
    str | None,
    text(
        "--from-file",
        "LIST",
        "Take inputs from a text file too, one path a line; - is stdin. Outputs of relative paths "
        "keep their sub-folders.",
    ),
]
Jobs = Annotated[
    int,
    typer.Option(
        "-j",
        "--jobs",
        metavar="N",
        min=0,
        max=1024,
        help="Processes that work on inputs side by side; 0: as many as there are cores.",
    ),
]
Cluster = Annotated[
    str | None,
    text(
        "--cluster",
        "ADDRESS",
        "Work on the Dask cluster of this scheduler, such as tcp://host:8786, which sees the same "
        "files.",
    ),
]
Force = Annotated[
    bool, typer.Option("--force", help="Make again what the same command made of the same input.")
]
FileJson = Annotated[
    bool, typer.Option("--json", help="Print a line of JSON for every input, when it is done.")
]
Feature = Annotated[
    TrainedFeature,
    typer.Argument(metavar="FEATURE", help=f"One of {', '.join(get_args(TrainedFeature))}."),
]
EvaluatedFeature = Annotated[
    MeasuredFeature,
    typer.Argument(metavar="FEATURE", help=f"One of {', '.join(get_args(MeasuredFeature))}."),
]
DataFolder = Annotated[
    str, typer.Argument(metavar="DATA", help="Folder of data; the README says which.")
]
EncodingOption = Annotated[
    Encoding,
    typer.Option(
        "--encoding", help="How the samples of a WAV are stored; a FLAC has 16 or 24 bits."
    ),
]
FormatOption = Annotated[
    Format | None,
    typer.Option(
        "--format",
        show_default=False,
        help="Of the sound that is written. [default: what the name of the output says, else wav]",
    ),
]


def output_rate(default: str, name: str = "--rate") -> OptionInfo:
    """The sample rate of an output."""
    return number(
        name,
        "HZ",
        f"Samples a second of the output. [default: {default}]",
        low=RATE_MIN_HZ,
        high=RATE_MAX_HZ,
    )


Rate = Annotated[int | None, output_rate(str(RATE))]
OwnRate = Annotated[int | None, output_rate("the input's")]
Iterations = Annotated[
    int, typer.Option("--iterations", metavar="N", min=0, max=1000, help="Rounds of Griffin-Lim.")
]
Quiet = Annotated[
    bool,
    typer.Option("-q", "--quiet", callback=_apply_quiet, is_eager=True, help="Tell only errors."),
]
Verbose = Annotated[
    bool,
    typer.Option(
        "-v",
        "--verbose",
        callback=_apply_verbose,
        is_eager=True,
        help="Explain what happens; show the traceback of an error.",
    ),
]
Seed = Annotated[
    int, typer.Option("--seed", metavar="N", min=0, max=SEED_MAX, help="Seed of all randomness.")
]
DeviceOption = Annotated[
    Device,
    typer.Option("--device", help="Where the model runs; auto takes a GPU when there is one."),
]
Weights = Annotated[
    str | None,
    text(
        "--weights",
        "PATH",
        "Weights file, or folder of them, in place of the shipped ones. [env: DRUMKIT_WEIGHTS]",
    ),
]
DrumMap = Annotated[
    str | None,
    text(
        "--map",
        "MAP",
        f"How MIDI inputs number their drums: {', '.join(DRUM_MAPS)}, or a text file of lines "
        "such as '36 kick'. [default: gm, and the further pitches of roland]",
    ),
]
Bars = Annotated[
    str | None,
    text("--bars", "BARS", "Read these measures of MIDI alone, from 1: 5, 5-8, 5- or 1-4,9."),
]
Voices = Annotated[
    str | None,
    text(
        "--voices",
        "DRUMS",
        "Read these drums of MIDI alone, such as kick,closed-hat,tom; other instruments stay.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
NoProvenance = Annotated[
    bool, typer.Option("--no-provenance", help="Leave out of the output how it was made.")
]
Threads = Annotated[
    int,
    typer.Option(
        "--threads",
        metavar="N",
        min=0,
        max=1024,
        help="Parts of the input computed at once; 0: as many as there are cores, up to 4.",
    ),
]
Plot = Annotated[str | None, text("--plot", "PICTURE", "Draw it to this .png, .pdf or .svg file.")]
