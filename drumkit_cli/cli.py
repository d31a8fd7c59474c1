"""The command line: a group that loads its commands lazily, and the boundary for all errors.

`drumkit --help` imports Typer and nothing heavier. A command's module is imported when the command
is named; what the module imports at its top must be as light.
"""

import importlib
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from enum import EnumType
from functools import partial, wraps
from types import FrameType
from typing import Annotated, Any, Final, Literal, NoReturn, get_args, get_origin

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from drumkit_cli import __version__, console
from drumkit_cli.errors import DrumkitError, ExitStatus, Terminated, UsageError
from drumkit_cli.io import calls, places, provenance, streams

PROGRAM: Final = "drumkit"
RECORD_VARIABLE: Final = "DRUMKIT_RECORD"
"""If set, files keep a record of how they were made beside them."""
COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "separate": ("drumkit_cli.separate.command", "Split music into drums, bass, other and vocals."),
    "mel": ("drumkit_cli.mel.command", "Turn audio into a mel spectrogram, and back."),
    "arrange": ("drumkit_cli.arrange.command", "Play drums to a bass line."),
    "interpolate": ("drumkit_cli.interpolate.command", "Go from one drum pattern to another."),
    "swirl": ("drumkit_cli.swirl.command", "Play drums without end."),
    "groove": ("drumkit_cli.groove.command", "Play a stiff drum track as a drummer would."),
    "transcribe": ("drumkit_cli.transcribe.command", "Write down the drums of a song as MIDI."),
    "kick": ("drumkit_cli.kick.command", "Play a kick drum to a song's bass and snare."),
    "score": ("drumkit_cli.score.command", "Grade drums from 0 to 9, as listeners would."),
    "synth": ("drumkit_cli.synth.command", "Make drum sounds, and play drum tracks with them."),
    "serve": ("drumkit_cli.serve.command", "Play drum sounds to OSC messages, as an instrument."),
    "info": ("drumkit_cli.info.command", "Tell what files are and how they were made."),
    "verify": ("drumkit_cli.verify.command", "Make outputs again, and compare."),
    "train": ("drumkit_cli.train.command", "Train the model of a command on your own data."),
    "evaluate": ("drumkit_cli.evaluate.command", "Measure the model of a command."),
}
"""Command name -> its module, whose function of that name it is, and one line for the overview."""

_CONTEXT: Final = {"help_option_names": ["-h", "--help"]}
_NOUNS: Final = {int: "whole number", float: "number"}
_EPILOG: Final = (
    "Commands read and write files or pipes: drumkit separate song.wav | drumkit arrange > "
    "drums.wav. More on a command: drumkit COMMAND --help."
)


class Conversion:
    """Turns words of the command line into values, in the place of Typer's own conversion.

    Typer leaves that to pydantic, whose import takes longer than Typer's.
    """

    def __init__(self, parameter: Any) -> None:  # noqa: ANN401 - Typer's class is private
        self._type = parameter.type_descriptor.annotation
        self._info = parameter.type_descriptor.parameter_info

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:  # noqa: ANN401
        """Return the value of a parameter; Typer calls this.

        Raises:
            BadParameter: it is not one that the parameter takes.
        """
        if value is None:
            return () if param.multiple or param.nargs == -1 else None
        return self._convert(value, self._type)

    def _convert(self, value: Any, kind: Any) -> Any:  # noqa: ANN401
        if get_origin(kind) is list:
            return [self._convert(each, get_args(kind)[0]) for each in value]
        if get_origin(kind) is tuple:
            return tuple(map(self._convert, value, get_args(kind)))
        if self._info.parser is not None:
            return self._info.parser(value)
        choices = tuple(kind) if isinstance(kind, EnumType) else get_args(kind)
        if choices and value not in choices:
            raise typer.BadParameter(f"{value!r} is not one of {', '.join(choices)}")
        if get_origin(kind) is Literal:
            return value
        try:
            converted = places.plain(value) if kind is str else kind(value)
        except ValueError as failure:
            raise typer.BadParameter(f"{value!r} is no {_NOUNS[kind]}") from failure
        low, high = self._info.min, self._info.max
        if None not in (low, high) and not low <= converted <= high:
            raise typer.BadParameter(f"{value} is not within {low} to {high}")
        return converted


class _Light:
    """A group or command that converts its parameters by `Conversion`."""

    def get_params(self, ctx: Any) -> list[Any]:  # noqa: ANN401
        """Return the parameters, the one for help included."""
        params: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for param in params:
            param.get_runtime_param = partial(Conversion, param)
        return params


class LazyGroup(_Light, TyperGroup):
    """A group that knows its commands' names and summaries, and imports a command on use."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401 - Typer's context class is private
        """Return the names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> TyperCommand | None:  # noqa: ANN401
        """Import the command of that name; None when there is none."""
        return load_command(cmd_name) if cmd_name in COMMANDS else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401
        """Find the command that the arguments name, or tell the nearest name."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(name, COMMANDS, n=1)
            remedy = f"did you mean {near[0]}?" if near else f"see {PROGRAM} --help"
            raise UsageError(f"no command {name!r}", remedy)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401
        """Write the overview from the table, without importing the commands."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])


class PlainCommand(_Light, TyperCommand):
    """A command whose help names arguments as a manual does, without Python's types and braces."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:  # noqa: ANN401 - as above
        """Return what follows the name in the usage line."""
        return [piece.strip("{}") for piece in super().collect_usage_pieces(ctx)]

    def format_options(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401
        """Write the arguments, then the options."""
        for title, kind in (("Arguments", "argument"), ("Options", "option")):
            params = [p for p in self.get_params(ctx) if p.param_type_name == kind]
            records = [record for p in params if (record := p.get_help_record(ctx)) is not None]
            if kind == "argument":
                records = [(left.split(" <")[0], right) for left, right in records]
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


def load_command(name: str, run: Callable[[calls.Call], None] | None = None) -> TyperCommand:
    """Import a command and return it as Typer's object, which calls `run` in place of `_run`."""
    module = COMMANDS[name][0]
    function: Callable[..., None] = getattr(importlib.import_module(module), name)

    @wraps(function)
    def called(**parameters: Any) -> None:  # noqa: ANN401 - of any type
        inputs = next((key for key in ("files", "inputs") if key in parameters), "")
        call = calls.Call(module, name, inputs, parameters, provenance.command_line())
        (run or partial(_run, function))(call)

    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(name, cls=PlainCommand, context_settings=_CONTEXT)(called)
    command = get_command(app)
    assert isinstance(command, TyperCommand)
    return command


def _run(function: Callable[..., None], call: calls.Call) -> None:
    calls.record(call)
    calls.take_outputs()
    function(**call.parameters)
    if os.environ.get(RECORD_VARIABLE):
        from drumkit_cli.batch.records import keep_output

        for path in filter(places.state_of, dict.fromkeys(calls.take_outputs())):
            keep_output(path)


def root() -> TyperGroup:
    """Return the whole command line as Typer's object; for the man pages too."""
    app = typer.Typer(
        name=PROGRAM,
        cls=LazyGroup,
        add_completion=False,
        rich_markup_mode=None,
        context_settings=_CONTEXT,
        epilog=_EPILOG,
    )
    app.callback()(_describe)
    group = get_command(app)
    assert isinstance(group, TyperGroup)
    return group


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run drumkit and exit; the entry point.

    Args:
        argv: the arguments without the program's name; None takes the process's own.
    """
    sys.exit(run(sys.argv[1:] if argv is None else argv))


def run(arguments: Sequence[str]) -> int:
    """Run drumkit and return its exit status; every failure is told here, in one line."""
    streams.claim_standard_streams()
    console.configure(quiet=False, verbose=False)
    provenance.record_command_line(arguments)
    with _termination_raises():
        status = _guard(lambda: _invoke(arguments))
        flushed = _guard(_flush)
    return status or flushed


def parse(arguments: Sequence[str]) -> calls.Call:
    """What a command line of drumkit asks for, without running it.

    Raises:
        UsageError: it is none.
    """
    name = arguments[0] if arguments else ""
    if name not in COMMANDS:
        raise UsageError(f"no command {name!r}", f"see {PROGRAM} --help")
    found: list[calls.Call] = []
    command = load_command(name, found.append)
    try:
        with command.make_context(name, list(arguments[1:])) as context:
            command.invoke(context)
    except typer.TyperException as failure:
        raise UsageError(_usage_message(failure)) from failure
    return replace(found[0], arguments=tuple(arguments))


def _show_version(wanted: bool) -> None:
    if wanted:
        streams.write_text(f"{PROGRAM} {__version__}\n")
        raise typer.Exit


def _describe(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Small neural models for drums: MIDI, WAV and NPY in and out, on paths or pipes."""


def _invoke(arguments: Sequence[str]) -> int:
    group = root()
    with group.make_context(PROGRAM, list(arguments)) as context:
        group.invoke(context)
    return ExitStatus.OK


def _flush() -> int:
    streams.flush_stdout()
    return ExitStatus.OK


def _guard(job: Callable[[], int]) -> int:
    """Run a job; turn whatever it raises into one line and an exit status."""
    try:
        return job()
    except typer.Exit as request:
        return request.exit_code
    except typer.TyperException as failure:
        console.error(_usage_message(failure))
        return ExitStatus.USAGE
    except DrumkitError as failure:
        return _tell(failure, str(failure), failure.status)
    except BrokenPipeError:
        streams.abandon_stdout()
        return ExitStatus.PIPE_CLOSED
    except (KeyboardInterrupt, typer.Abort):
        console.error("interrupted")
        return ExitStatus.INTERRUPTED
    except Terminated as request:
        console.error(f"ended by {signal.Signals(request.signal_number).name}")
        return 128 + request.signal_number
    except MemoryError as failure:
        return _tell(failure, "not enough memory", ExitStatus.IO_ERROR)
    except OSError as failure:
        place = failure.filename or "input or output failed"
        return _tell(failure, f"{place}: {failure.strerror or failure}", ExitStatus.IO_ERROR)
    except Exception as failure:  # noqa: BLE001 - the boundary: a bug of ours, told in one line too
        kind = type(failure).__name__
        hint = "" if console.is_verbose() else "; -v shows where"
        return _tell(failure, f"internal error: {kind}: {failure}{hint}", ExitStatus.INTERNAL)


def _tell(failure: BaseException, message: str, status: ExitStatus) -> int:
    if console.is_verbose():
        console.traceback_of(failure)
    console.error(" ".join(message.split()))
    if status is ExitStatus.IO_ERROR:
        streams.abandon_stdout()
    return status


def _usage_message(failure: typer.TyperException) -> str:
    """Return Typer's message in one line, in our words, with where help is."""
    context = getattr(failure, "ctx", None)
    place = context.command_path if context is not None else PROGRAM
    message = (
        " ".join(failure.format_message().split()).rstrip(".").replace(": Value error, ", ": ")
    )
    message = message[:1].lower() + message[1:]
    return f"{message}; see {place} --help"


@contextmanager
def _termination_raises() -> Iterator[None]:
    """Let SIGTERM and SIGHUP unwind the stack while the block runs: nothing is left half made."""

    def unwind(signal_number: int, _frame: FrameType | None) -> None:
        raise Terminated(signal_number)

    previous = {}
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup keeps its promise
            previous[number] = signal.signal(number, unwind)
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
