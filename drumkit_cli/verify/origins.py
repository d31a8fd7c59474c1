"""How a file was made: by the record in its folder of outputs, or by the comment in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from drumkit_cli.batch.records import records_in
from drumkit_cli.errors import BadDataError
from drumkit_cli.info.infer import info
from drumkit_cli.io.places import is_url, parents, within


@dataclass(frozen=True)
class Origin:
    """How a file was made.

    Attributes:
        arguments: the command line as typed.
        version: of drumkit.
        inputs_sha256: of inputs, and of files that options name.
        weights_sha256: of the weights, those of several models together.
        folder: that relative paths start from.
        input: the one of several inputs that this file was made of; "" where that is not known.
        place: the file's path within the folder of outputs; "" where `-o` named a file.
        sha256: of the file as it was made; "" where that is not known.
    """

    arguments: Sequence[str]
    version: str
    inputs_sha256: frozenset[str]
    weights_sha256: frozenset[str]
    folder: Path
    input: str = ""
    place: str = ""
    sha256: str = ""


def origin_of(path: str) -> Origin:
    """Find out how a file was made.

    Raises:
        BadDataError: nothing says so.
        MissingInputError, StreamError: it cannot be read.
    """
    recorded = _recorded(path if is_url(path) else str(Path(path).absolute()))
    if recorded is not None:
        return recorded
    try:
        comments = info(path).get("provenance") or []
    except BadDataError:
        comments = []  # of a kind that holds no comment
    if not comments:
        raise BadDataError(
            f"{path}: nothing says how it was made",
            "sound, MIDI and what is made into a folder (-o DIR) say it; all with DRUMKIT_RECORD=1",
        )
    newest = comments[-1]
    return Origin(
        newest["arguments"],
        newest["version"],
        frozenset(filter(None, newest["input_sha256"].split(","))),
        frozenset(filter(None, [newest["weights_sha256"]])),
        Path.cwd(),
    )


def _recorded(path: str) -> Origin | None:
    """The origin by the records of a folder that the file is in or below; None without one."""
    for root in parents(path):
        name = within(root, path)
        for record in records_in(root):
            if name in record.outputs:
                return Origin(
                    record.arguments,
                    record.version,
                    frozenset(filter(None, [record.input_sha256, *record.files_sha256.values()])),
                    frozenset(record.weights_sha256.values()),
                    Path(record.folder),
                    record.input,
                    name if record.input else "",
                    record.outputs[name].sha256,
                )
    return None
