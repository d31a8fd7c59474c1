"""Pictures: figures of matplotlib, in the format that the name of their file says."""

from __future__ import annotations

import os.path
from io import BytesIO
from typing import TYPE_CHECKING, Final

from drumkit_cli.errors import UsageError
from drumkit_cli.io.extras import require_extra
from drumkit_cli.io.outputs import PICTURE_SUFFIXES, check_file, kind_of
from drumkit_cli.io.streams import open_output

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Without what would make the bytes differ from one day or release of matplotlib to the next.
_METADATA: Final[dict[str, dict[str, str | None]]] = {
    ".png": {"Software": None},
    ".pdf": {"Creator": None, "Producer": None, "CreationDate": None},
    ".svg": {"Creator": None, "Date": None},
}


def check_picture(path: str | None, output: str | None = None) -> None:
    """Refuse before any work a picture that cannot be drawn.

    Args:
        path: as given to `--plot`, with the suffix of a PNG, PDF or SVG file, or of no known kind,
            which is PNG; None where no picture is wanted.
        output: the command's other output.

    Raises:
        UsageError: stdout, the other output, or the name of another kind of file.
        OutputError: the file cannot be made.
        UnavailableError: matplotlib is not installed.
    """
    if path is None:
        return
    if path == "-" or (output and os.path.realpath(path) == os.path.realpath(output)):
        raise UsageError("--plot needs a file of its own")
    check_file(path, *PICTURE_SUFFIXES)
    require_extra("plot", "--plot")


def write_figure(figure: Figure, path: str) -> None:
    """Write a figure as PNG, PDF or SVG, as the name says; the same figure gives the same bytes.

    Raises:
        DrumkitError: as `open_output`.
    """
    from matplotlib import rc_context

    kind = kind_of(path) if kind_of(path) in PICTURE_SUFFIXES else ".png"
    buffer = BytesIO()
    with rc_context({"svg.hashsalt": "drumkit"}):
        figure.savefig(buffer, format=kind[1:], metadata=_METADATA[kind])
    with open_output(path) as sink:
        sink.write(buffer.getvalue())
