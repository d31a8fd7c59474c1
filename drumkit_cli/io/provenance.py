"""What made a file: one line of text that travels within it."""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

from drumkit_cli import __version__
from drumkit_cli.console import escape

_COMMENT: Final = re.compile(
    r"""drumkit\ (?P<version>[^\s;]+)
    ;\ command:\ (?P<command>drumkit\b(?:[^;'"\\]|'[^']*'|"'")*)
    (?:;\ weights\ sha256:\ (?P<weights>[^\s;]+))?
    (?:;\ input\ sha256:\ (?P<input>[^\s;]+))?
    (?:;\ seed:\ (?P<seed>[0-9]{1,20}))?""",
    re.VERBOSE,
)
"""What `Provenance.comment` writes; `shlex` leaves no semicolon outside quotes."""
_ESCAPED: Final = re.compile(
    r"\\(?:[\\nrt]|x[0-9a-f]{2}|u[0-9a-f]{4}|U00(?:0[0-9a-f]|10)[0-9a-f]{4})"
)


class _State:
    """The command line of this process, as typed."""

    command_line: tuple[str, ...] = ()


def record_command_line(arguments: Sequence[str]) -> None:
    """Keep the arguments as typed, without the program's name; the command line does it once."""
    _State.command_line = tuple(arguments)


def command_line() -> tuple[str, ...]:
    """Return the arguments that `record_command_line` kept."""
    return _State.command_line


@dataclass(frozen=True)
class Provenance:
    """How an output was made.

    Attributes:
        seed: of all randomness; None where nothing is random.
        weights_sha256: of the weights file; "" where no model ran.
        input_sha256: of the input; "" where there is none.
        arguments: the command line as typed; None takes this process's own.
        version: drumkit's.
    """

    seed: int | None = None
    weights_sha256: str = ""
    input_sha256: str = ""
    arguments: tuple[str, ...] | None = None
    version: str = __version__

    def comment(self) -> str:
        """Return it as one line of printable text: ``drumkit 0.1.0; command: ...; ...``.

        The command is quoted as for a shell. What is not printable is escaped as in Python, and so
        is the backslash, so that `parse` gives back the same.
        """
        arguments = command_line() if self.arguments is None else self.arguments
        parts = [f"drumkit {self.version}", f"command: {shlex.join(('drumkit', *arguments))}"]
        if self.weights_sha256:
            parts.append(f"weights sha256: {self.weights_sha256}")
        if self.input_sha256:
            parts.append(f"input sha256: {self.input_sha256}")
        if self.seed is not None:
            parts.append(f"seed: {self.seed}")
        return escape("; ".join(parts).replace("\\", r"\\"))

    @classmethod
    def parse(cls, comment: str) -> Self | None:
        """Return what `comment` wrote, with its own arguments; None for any other text."""
        text = _ESCAPED.sub(lambda code: code[0].encode().decode("unicode_escape"), comment)
        match = _COMMENT.fullmatch(text)
        if match is None:
            return None
        return cls(
            seed=None if match["seed"] is None else int(match["seed"]),
            weights_sha256=match["weights"] or "",
            input_sha256=match["input"] or "",
            arguments=tuple(shlex.split(match["command"])[1:]),
            version=match["version"],
        )
