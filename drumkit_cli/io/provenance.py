"""What made a file: one line of text that travels within it."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from drumkit_cli import __version__
from drumkit_cli.console import escape


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
        """Return it as one line of printable text: ``drumkit 0.1.0; command: ...; ...``."""
        arguments = command_line() if self.arguments is None else self.arguments
        parts = [f"drumkit {self.version}", f"command: {shlex.join(('drumkit', *arguments))}"]
        if self.weights_sha256:
            parts.append(f"weights sha256: {self.weights_sha256}")
        if self.input_sha256:
            parts.append(f"input sha256: {self.input_sha256}")
        if self.seed is not None:
            parts.append(f"seed: {self.seed}")
        return escape("; ".join(parts))
