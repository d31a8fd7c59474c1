"""How a file was made, by the comments in it."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from drumkit_cli.io.provenance import Provenance


def provenance_facts(comments: Iterable[str]) -> list[dict[str, Any]]:
    """Return those of the comments that drumkit wrote, as values, in their order."""
    found = (Provenance.parse(comment) for comment in comments)
    return [asdict(made) | {"arguments": list(made.arguments or ())} for made in found if made]
