"""`drumkit info`: files in, what they are and how they were made out."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from drumkit_cli import options
from drumkit_cli.batch.inputs import AUDIO, gather
from drumkit_cli.batch.run import each
from drumkit_cli.io.sniffing import Kind
from drumkit_cli.io.streams import open_input, write_text


def info(
    files: options.Inputs = None,
    json: options.FileJson = False,
    recursive: options.Recursive = False,
    from_file: options.FromFile = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Tell what files are and how they were made.

    Takes audio, MIDI, NPY arrays, weights, grooves and kits. Of audio it tells format, length, peak
    and integrated loudness (ITU-R BS.1770), of the stems of a stems stream too; of MIDI its tempi,
    meters, tracks and drums. What drumkit made says so: command line, version, seed, and SHA-256 of
    weights and input. --recursive finds audio, MIDI and NPY.
    """
    gaps = itertools.chain([""], itertools.repeat("\n"))  # a blank line before all but the first
    inputs = gather(files, *AUDIO, Kind.MIDI, Kind.NPY)
    each(inputs, lambda path: _tell(path, gaps, is_json=json))


def _tell(path: str, gaps: Iterator[str], *, is_json: bool) -> None:
    with open_input(path) as source:
        from drumkit_cli.info.infer import describe
        from drumkit_cli.info.text import to_json, to_text

        facts = describe(source)
    write_text(to_json(facts) if is_json else next(gaps) + to_text(facts))
