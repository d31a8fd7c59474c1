"""`drumkit score`: drums in, their grade out, and a gate for continuous integration."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Final

import typer

from drumkit_cli import console, options
from drumkit_cli.batch.inputs import AUDIO, gather
from drumkit_cli.batch.run import each
from drumkit_cli.errors import DrumkitError, UnavailableError, UsageError
from drumkit_cli.io.outputs import check_file
from drumkit_cli.io.streams import open_input, write_text
from drumkit_cli.learning.devices import Device
from drumkit_cli.score import gate
from drumkit_cli.score.sounds import Companions, open_stem

if TYPE_CHECKING:
    from collections.abc import Callable

    from drumkit_cli.grading.grader import Grader
    from drumkit_cli.score.reports import Item

MAX_DROP: Final = 0.2


@dataclass(frozen=True)
class Job:
    """Everything about a run that is not the input."""

    reference: Companions
    bass: Companions
    threads: int


def score(
    files: options.Inputs = None,
    reference: Annotated[
        str | None,
        options.text(
            "--reference", "PATH", "The song's real drums; or a folder of files named as the FILEs."
        ),
    ] = None,
    bass: Annotated[
        str | None,
        options.text(
            "--bass", "PATH", "The bass that the drums play to; or a folder of them, as above."
        ),
    ] = None,
    output: Annotated[
        str | None,
        options.output("A .txt file for the table, .json or .jsonl with --json. [default: stdout]"),
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print an object a line for each FILE, then a summary.")
    ] = False,
    min_grade: Annotated[
        float | None,
        options.number(
            "--min-grade", "GRADE", "Fail, with status 1, where a grade is lower.", low=0, high=9
        ),
    ] = None,
    baseline: Annotated[
        str | None,
        options.text(
            "--baseline",
            "JSON",
            "What --json printed before: fail, with status 1, where a grade has dropped since.",
        ),
    ] = None,
    max_drop: Annotated[
        float,
        typer.Option(
            "--max-drop", metavar="GRADE", min=0, max=9, help="How far it may drop from there."
        ),
    ] = MAX_DROP,
    junit: Annotated[
        str | None, options.text("--junit", "XML", "Write the checks as a JUnit report, too.")
    ] = None,
    recursive: options.Recursive = False,
    from_file: options.FromFile = None,
    seed: options.Seed = 0,
    weights: options.Weights = None,
    device: options.DeviceOption = Device.CPU,
    threads: options.Threads = 1,
    no_provenance: options.NoProvenance = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Grade drums from 0 to 9, as listeners would: 0-3 silent or noisy, 8-9 almost real.

    Takes audio, or a stems stream of `drumkit separate`, of which it hears the drums. With the
    song's real drums as --reference it compares the two; without, it judges the sound alone and
    says so. Gives the grade, the probability of each bucket, and the parts that explain it: when
    the hits are, the spectrum, what comes from the bass. Loudness does not count. Of several FILEs
    it gives the mean with a bootstrap interval. With --min-grade or --baseline it is a check for
    continuous integration. The whole of a file is heard before anything is told of it.
    """
    inputs = gather(files, *AUDIO)
    check_file(output, *((".json", ".jsonl") if json else (".txt",)))
    check_file(junit, ".xml")
    job = Job(
        Companions(reference, "drums", "--reference"), Companions(bass, "bass", "--bass"), threads
    )
    job.reference.check()
    job.bass.check()

    @cache
    def load() -> Grader:
        from drumkit_cli.grading.grader import Grader
        from drumkit_cli.learning.models import load_model

        return load_model(Grader, "score", weights, device)

    gates = gate.Gate(
        min_grade, gate.read_baseline(baseline) if baseline is not None else None, max_drop
    )
    items, failures, failure = _grade_all(inputs, job, load)
    if items:
        from drumkit_cli.score import reports

        write = reports.json_lines if json else reports.text_table
        write_text(write(items, seed, "" if no_provenance else load().weights_sha256), output)
    if junit is not None:
        write_text(gate.junit_xml(items, failures, gates), junit)
    for name in gates.missing(items):
        console.warn(f"{name} of the baseline was not graded")
    if failure is not None:
        raise failure
    gates.check(items)


def _grade_all(
    inputs: Sequence[str], job: Job, load: Callable[[], Grader]
) -> tuple[list[Item], list[tuple[str, DrumkitError]], DrumkitError | None]:
    """Grades, the files that have none and why, and the failure to end with."""
    items: list[Item] = []
    failures: list[tuple[str, DrumkitError]] = []

    def grade(path: str) -> None:
        try:
            items.append(_grade_one(path, job, load))
        except DrumkitError as failure:
            failures.append((path, failure))
            raise

    try:
        each(inputs, grade)
    except (UsageError, UnavailableError):
        raise
    except DrumkitError as failure:
        return items, failures, failure
    return items, failures, None


def _grade_one(path: str, job: Job, load: Callable[[], Grader]) -> Item:
    with ExitStack() as stack:
        source = stack.enter_context(open_input(path))
        from drumkit_cli.score.reports import Item

        made = open_stem(stack, source, "drums")
        names = job.reference.of(path), job.bass.of(path)
        real, low = (
            None
            if name is None
            else open_stem(stack, stack.enter_context(open_input(name)), companions.stem)
            for name, companions in zip(names, (job.reference, job.bass), strict=True)
        )
        grader = load()
        with console.progress(made.seconds, source.name) as bar:
            grade = grader.grade_sound(
                made.blocks,
                None if real is None else real.blocks,
                None if low is None else low.blocks,
                threads=job.threads,
                advance=bar.advance,
            )
        return Item(source.name, grade, *names)
