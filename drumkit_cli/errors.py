"""The failures that drumkit expects, each with its exit status.

A `DrumkitError` says what went wrong and, where there is one, the way out of it. The command line
prints it as one line and exits with its status; nothing else in drumkit decides an exit status. The
numbers are those of ``sysexits.h`` where that has one.
"""

from enum import IntEnum
from typing import ClassVar


class ExitStatus(IntEnum):
    """What the process's exit status means."""

    OK = 0
    CHECK_FAILED = 1
    USAGE = 2
    BAD_DATA = 65
    NO_INPUT = 66
    UNAVAILABLE = 69
    INTERNAL = 70
    CANT_CREATE = 73
    IO_ERROR = 74
    INTERRUPTED = 130
    PIPE_CLOSED = 141
    TERMINATED = 143


class DrumkitError(Exception):
    """An expected failure, told to the user in one line.

    Attributes:
        cause: what went wrong and where, without a full stop.
        remedy: what to do about it, or "".
    """

    status: ClassVar[ExitStatus] = ExitStatus.INTERNAL

    def __init__(self, cause: str, remedy: str = "") -> None:
        """Keep the cause and the remedy; `str` joins them as ``cause; remedy``."""
        super().__init__(cause, remedy)
        self.cause = cause
        self.remedy = remedy

    def __str__(self) -> str:
        """Return ``cause; remedy`` in one line, runs of white space made one space."""
        text = f"{self.cause}; {self.remedy}" if self.remedy else self.cause
        return " ".join(text.split())


class CheckFailed(DrumkitError):  # noqa: N818 - a verdict that the user asked for, not an error
    """A check that the user asked for did not pass."""

    status = ExitStatus.CHECK_FAILED


class UsageError(DrumkitError):
    """The command line asks for something that cannot be."""

    status = ExitStatus.USAGE


class BadDataError(DrumkitError):
    """An input is damaged, or is not what the command takes."""

    status = ExitStatus.BAD_DATA


class MissingInputError(DrumkitError):
    """An input does not exist or may not be read."""

    status = ExitStatus.NO_INPUT


class UnavailableError(DrumkitError):
    """Weights, a device or a service that is needed is not there."""

    status = ExitStatus.UNAVAILABLE


class OutputError(DrumkitError):
    """An output file cannot be made."""

    status = ExitStatus.CANT_CREATE


class StreamError(DrumkitError):
    """Reading or writing failed on the way: a full disk, a broken device."""

    status = ExitStatus.IO_ERROR


class Terminated(BaseException):
    """SIGTERM or SIGHUP arrived; unwinds the stack as Ctrl-C does, so partial files are removed.

    Attributes:
        signal_number: the signal; the exit status is 128 more.
    """

    def __init__(self, signal_number: int) -> None:
        """Keep the signal's number."""
        super().__init__(signal_number)
        self.signal_number = signal_number
