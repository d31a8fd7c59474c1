"""Messages and progress, on stderr: the only module that writes there.

Every line starts with ``drumkit: ``. Control characters in a message (they come from file names)
are escaped, so that a hostile name cannot drive the terminal. What cannot be written is dropped: a
closed stderr is no reason to fail.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tqdm import tqdm

_RED: Final = "\x1b[1;31m"
_YELLOW: Final = "\x1b[33m"
_RESET: Final = "\x1b[0m"
_BAR: Final = "{desc} {percentage:3.0f}%|{bar}| {elapsed}<{remaining}"
_COUNT: Final = ", {n_fmt} of {total_fmt}, {rate_noinv_fmt}"


class _State:
    """How much is told, and the bar that is on the screen; one a process, as stderr is."""

    quiet = False
    verbose = False
    bar: "tqdm[None] | None" = None


class Progress:
    """A job's advance; draws nothing unless a bar was given."""

    def __init__(self, bar: "tqdm[None] | None" = None) -> None:
        """Wrap `bar`, or stand for a bar that is not drawn."""
        self._bar = bar

    def advance(self, n: float) -> None:
        """Add `n` to what is done, in the unit of the total."""
        if self._bar is not None:
            self._bar.update(n)


def configure(quiet: bool | None = None, verbose: bool | None = None) -> None:
    """Set how much is told: `quiet` leaves only errors, `verbose` adds details and tracebacks.

    None leaves a setting as it is.
    """
    _State.quiet = _State.quiet if quiet is None else quiet
    _State.verbose = _State.verbose if verbose is None else verbose


def is_quiet() -> bool:
    """Tell whether only errors are told (``-q``)."""
    return _State.quiet


def is_verbose() -> bool:
    """Tell whether details were asked for (``-v``)."""
    return _State.verbose


def error(message: str) -> None:
    """Tell a failure; never silenced."""
    _write_line("error: ", _RED, message)


def warn(message: str) -> None:
    """Tell what the user may not expect; silenced by ``-q``."""
    if not _State.quiet:
        _write_line("warning: ", _YELLOW, message)


def info(message: str) -> None:
    """Tell something worth knowing; silenced by ``-q``."""
    if not _State.quiet:
        _write_line("", "", message)


def detail(message: str) -> None:
    """Tell something only with ``-v``."""
    if _State.verbose and not _State.quiet:
        _write_line("", "", message)


def traceback_of(failure: BaseException) -> None:
    """Print the traceback of `failure`, for ``-v``."""
    import traceback

    _write("".join(traceback.format_exception(failure)))


@contextmanager
def progress(total: float, label: str) -> Iterator[Progress]:
    """Show a bar while the block runs: on a terminal and unless quiet; else nothing at all.

    Args:
        total: the amount at which the job is done, in any unit; a whole number is a count, whose
            rate is shown.
        label: a word or two in front of the bar.

    Yields:
        The `Progress` whose `advance` moves the bar.
    """
    if _State.quiet or _State.bar is not None or not _is_terminal():
        yield Progress()
        return
    from tqdm import tqdm

    bar: tqdm[None] = tqdm(
        total=total,
        desc=f"drumkit: {escape(label)}",
        file=sys.stderr,
        leave=False,
        bar_format=_BAR + (_COUNT if isinstance(total, int) else ""),
        mininterval=0.2,
        ascii=None if _speaks_unicode() else True,
    )
    _State.bar = bar
    try:
        yield Progress(bar)
    finally:
        _State.bar = None
        bar.close()


@contextmanager
def native_stderr_dropped(wanted: bool = True) -> Iterator[None]:
    """Send what C libraries print on stderr nowhere while the block runs, if `wanted`.

    libmpg123 prints warnings of its own about a damaged MP3; the error that we raise is enough.
    """
    if not wanted:
        yield
        return
    kept = os.dup(2)
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(null)
        os.close(kept)


def escape(text: str) -> str:
    r"""Return `text` in one printable line: control characters become ``\xNN`` and the like."""
    return "".join(
        character if character.isprintable() else _escape_character(character) for character in text
    )


def _escape_character(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def _is_terminal() -> bool:
    try:
        return sys.stderr is not None and sys.stderr.isatty()
    except ValueError:  # closed
        return False


def _has_colour() -> bool:
    return _is_terminal() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _speaks_unicode() -> bool:
    return (getattr(sys.stderr, "encoding", None) or "").lower().replace("-", "") == "utf8"


def _write_line(word: str, colour: str, message: str) -> None:
    prefix = f"{colour}{word}{_RESET}" if word and _has_colour() else word
    _write(f"drumkit: {prefix}{escape(message)}\n")


def _write(text: str) -> None:
    stream = sys.stderr
    if stream is None:
        return
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        if _State.bar is not None:
            _State.bar.clear()
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()
    except (OSError, ValueError):  # a full, broken or closed stderr: there is nobody left to tell
        return
