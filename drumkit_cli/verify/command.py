"""`drumkit verify`: outputs in, whether they can be made again."""

import json as json_text
from typing import Annotated

from drumkit_cli import options
from drumkit_cli.batch.run import each
from drumkit_cli.errors import CheckFailed, UsageError
from drumkit_cli.io.streams import write_text


def verify(
    files: options.Inputs = None,
    given: Annotated[
        str | None,
        options.text(
            "--input", "FILE", "What the file was made of, where that came from a pipe or moved."
        ),
    ] = None,
    tolerance: Annotated[
        float | None,
        options.number(
            "--tolerance",
            "DB",
            "Let sounds differ by peaks up to this level of full scale, as those that another "
            "machine made may. [default: the same bytes]",
            low=-200.0,
            high=0.0,
        ),
    ] = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Make outputs of drumkit again from how they say they were made, and compare.

    WAV and MIDI say it themselves; of files in a folder of outputs (-o DIR) its records do. Exits
    with status 1 where one differs. Nothing is written.
    """
    if not files or "-" in files:
        raise UsageError("verify reads files", "name them")
    if given is not None and len(files) > 1:
        raise UsageError("--input is of one file")

    def verify_one(path: str) -> None:
        from drumkit_cli.verify.remaking import difference

        reason = difference(path, given, tolerance)
        if json:
            values = {"file": path, "same": not reason, "reason": reason or None}
            write_text(json_text.dumps(values) + "\n")
        elif not reason and not quiet:
            write_text(f"{path}: the same\n")
        if reason:
            raise CheckFailed(f"{path}: {reason}")

    each(files, verify_one)
