"""A gate for continuous integration: which files are too bad, or worse than they were."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from drumkit_cli.console import escape
from drumkit_cli.errors import BadDataError, CheckFailed, DrumkitError
from drumkit_cli.io.streams import open_input

if TYPE_CHECKING:
    from drumkit_cli.score.reports import Item


@dataclass(frozen=True)
class Gate:
    """What is asked of each file.

    Attributes:
        min_grade: the least grade; None asks for none.
        baseline: grades of before by the names of files; None compares with none.
        max_drop: how much lower a grade may be than before.
    """

    min_grade: float | None
    baseline: Mapping[str, float] | None
    max_drop: float

    def offence(self, item: Item) -> str:
        """What is wrong with a file; "" when nothing is."""
        grade, faults = item.grade.grade, []
        if self.min_grade is not None and grade < self.min_grade:
            faults.append(f"grade {grade:.2f} is below {self.min_grade:g}")
        before = (self.baseline or {}).get(Path(item.file).name)
        if before is not None and before - grade > self.max_drop:
            faults.append(f"grade {grade:.2f} was {before:.2f} in the baseline")
        return " and ".join(faults)

    def missing(self, items: Sequence[Item]) -> list[str]:
        """Files of the baseline that were not graded."""
        return sorted(set(self.baseline or {}) - {Path(item.file).name for item in items})

    def check(self, items: Sequence[Item]) -> None:
        """Refuse files that are too bad.

        Raises:
            CheckFailed: some are; it names them all.
        """
        bad = [f"{item.file}: {fault}" for item in items if (fault := self.offence(item))]
        if bad:
            raise CheckFailed(f"{len(bad)} of {len(items)} files failed: {'; '.join(bad)}")


def read_baseline(path: str) -> dict[str, float]:
    """Grades by the names of files, less their folders, of what ``--json`` printed before.

    Raises:
        MissingInputError: it cannot be read.
        BadDataError: it holds no such lines, or two files of one name.
    """
    with open_input(path) as source:
        data, name = source.read_bytes(), source.name
    grades: dict[str, float] = {}
    try:
        for line in data.decode().splitlines():
            value = json.loads(line) if line.strip() else {}
            if "file" not in value:
                continue
            file, grade = Path(value["file"]).name, float(value["grade"])
            if file in grades or not math.isfinite(grade):
                raise ValueError(f"{file} twice, or no finite grade")
            grades[file] = grade
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadDataError(
            f"{name} is no list of grades ({error})", "drumkit score --json prints one"
        ) from error
    if not grades:
        raise BadDataError(f"{name} holds no grades", "drumkit score --json prints them")
    return grades


def junit_xml(
    items: Sequence[Item], failures: Sequence[tuple[str, DrumkitError]], gate: Gate
) -> str:
    """The files as test cases in JUnit's XML: failed where the gate is, errors where unreadable."""
    faults = [(item, gate.offence(item)) for item in items]
    suite = ElementTree.Element(
        "testsuite",
        name="drumkit score",
        tests=str(len(items) + len(failures)),
        failures=str(sum(bool(fault) for _, fault in faults)),
        errors=str(len(failures)),
    )
    for item, fault in faults:
        case = ElementTree.SubElement(suite, "testcase", name=escape(item.file), classname="score")
        if fault:
            ElementTree.SubElement(case, "failure", message=escape(fault))
        ElementTree.SubElement(case, "system-out").text = f"grade {item.grade.grade:.2f}"
    for file, failure in failures:
        case = ElementTree.SubElement(suite, "testcase", name=escape(file), classname="score")
        ElementTree.SubElement(case, "error", message=escape(str(failure)))
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, "unicode", xml_declaration=False) + "\n"
