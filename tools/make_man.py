"""Write man/drumkit.1 and man/drumkit-COMMAND.1 from the command line's own help.

Usage: python tools/make_man.py FOLDER
"""

import re
import sys
from pathlib import Path
from typing import Any

from drumkit_cli import __version__
from drumkit_cli.cli import COMMANDS, PROGRAM, load_command, root

MANUAL = "drumkit manual"
EXIT_STATUSES = (
    (0, "Done."),
    (1, "A check that the user asked for failed."),
    (2, "Wrong usage."),
    (65, "An input is damaged or of the wrong kind."),
    (66, "An input is missing or may not be read."),
    (69, "Weights, a device or a service is not available."),
    (70, "Internal error: a bug of drumkit's."),
    (73, "An output cannot be made."),
    (74, "Input or output failed on the way."),
    (130, "Interrupted."),
    (141, "The reader of the output went away."),
    (143, "Ended by a signal (SIGTERM)."),
)
ENVIRONMENT = (
    ("DRUMKIT_WEIGHTS", "A weights file, or a folder of them, in place of the shipped ones."),
    ("NO_COLOR", "When set, messages are not coloured."),
)


def pages() -> dict[str, str]:
    """Every page's text by its file name."""
    made = {f"{PROGRAM}.1": overview_page()}
    for name in COMMANDS:
        made[f"{PROGRAM}-{name}.1"] = command_page(name)
    return made


def overview_page() -> str:
    """The page of the program itself."""
    group = root()
    context = group.make_context(PROGRAM, [], resilient_parsing=True)
    lines = _head(PROGRAM, "small neural models for drums, as Unix commands")
    lines += [
        ".SH SYNOPSIS",
        rf".B {PROGRAM}",
        r".I COMMAND",
        r"[\fIOPTION\fR]... [\fIFILE\fR]...",
        ".SH DESCRIPTION",
        *_prose(group.help or ""),
        *_prose(group.epilog or ""),
        ".SH COMMANDS",
    ]
    for name, (_, summary) in COMMANDS.items():
        lines += [".TP", rf".BR {_escape(PROGRAM)}\-{name} (1)", _line(summary)]
    lines += [".SH OPTIONS", *_options(group, context), *_foot(others=list(COMMANDS))]
    return "\n".join(lines) + "\n"


def command_page(name: str) -> str:
    """The page of one command."""
    command = load_command(name)
    context = command.make_context(name, [], resilient_parsing=True)
    title = f"{PROGRAM}-{name}"
    usage = " ".join(command.collect_usage_pieces(context))
    lines = _head(title, COMMANDS[name][1].rstrip(".")[:1].lower() + COMMANDS[name][1][1:-1])
    lines += [
        ".SH SYNOPSIS",
        rf".B {PROGRAM} {name}",
        _line(usage),
        ".SH DESCRIPTION",
        *_prose(command.help or ""),
    ]
    arguments = [
        param.get_help_record(context)
        for param in command.params
        if param.param_type_name == "argument"
    ]
    shown = [record for record in arguments if record and record[1]]
    if shown:
        lines.append(".SH ARGUMENTS")
        for left, text in shown:
            name_only = left.split(" <")[0]  # the types that Typer adds say nothing here
            lines += [".TP", rf".I {_escape(name_only)}", _line(text)]
    lines += [".SH OPTIONS", *_options(command, context)]
    lines += _foot(others=[other for other in COMMANDS if other != name], program=True)
    return "\n".join(lines) + "\n"


def _options(command: Any, context: Any) -> list[str]:  # noqa: ANN401 - Typer's own classes
    """The tagged paragraphs of a command's options."""
    lines = []
    for param in command.get_params(context):
        record = param.get_help_record(context)
        if param.param_type_name == "option" and record:
            lines += [".TP", rf".B {_escape(record[0])}", _line(record[1])]
    return lines


def _head(title: str, summary: str) -> list[str]:
    """The title line, without a date so that the page changes only with its contents."""
    return [
        r".\" Generated from --help by tools/make_man.py; edit the command instead.",
        f'.TH "{_escape(title.upper())}" 1 "" "{PROGRAM} {__version__}" "{MANUAL}"',
        ".SH NAME",
        rf"{_escape(title)} \- {_escape(summary)}",
    ]


def _foot(others: list[str], *, program: bool = False) -> list[str]:
    """What holds for every command."""
    lines = [".SH EXIT STATUS"]
    for status, meaning in EXIT_STATUSES:
        lines += [".TP", f".B {status}", _line(meaning)]
    lines.append(".SH ENVIRONMENT")
    for variable, meaning in ENVIRONMENT:
        lines += [".TP", f".B {variable}", _line(meaning)]
    names = [PROGRAM] if program else []
    names += [f"{PROGRAM}-{other}" for other in others]
    lines.append(".SH SEE ALSO")
    lines += [f".BR {_escape(name)} (1){',' if name != names[-1] else ''}" for name in names]
    return lines


def _prose(text: str) -> list[str]:
    """Paragraphs; one that starts with a backspace keeps its lines, as in --help."""
    lines = []
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        lines.append(".PP")
        if paragraph.startswith("\b"):
            lines += [".nf", *(_line(line) for line in paragraph.splitlines()[1:]), ".fi"]
        else:
            lines.append(_line(paragraph))
    return lines


def _line(text: str) -> str:
    """The text as one line of input that is no request."""
    escaped = _escape(" ".join(text.split()))
    return rf"\&{escaped}" if escaped.startswith((".", "'")) else escaped


def _escape(text: str) -> str:
    """The text with what roff would take as its own written out."""
    return text.replace("\\", r"\e").replace("-", r"\-")


def main(arguments: list[str]) -> int:
    """Write the pages into the folder and remove those of commands that are no more."""
    if len(arguments) != 1:
        print((__doc__ or "").strip(), file=sys.stderr)
        return 2
    folder = Path(arguments[0])
    folder.mkdir(exist_ok=True)
    made = pages()
    for page in folder.glob("*.1"):
        if page.name not in made:
            page.unlink()
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
