"""Facts of the files that drumkit alone knows: weights, grooves and kits."""

import codecs
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from drumkit_cli.groove.inputs.groove_file import COLUMNS, is_groove, read_groove
from drumkit_cli.info.origin import provenance_facts
from drumkit_cli.io.streams import Input

Reader = Callable[[Input], dict[str, Any]]

_WEIGHTS: Final = re.compile(rb"[\s\S]{5}\0\0\0\{")
"""A safetensors file: eight bytes of length, which is below 16 MB, then JSON."""
_JSON: Final = re.compile(rb"\s*\{\s*\"")


def reader_of(head: bytes) -> Reader | None:
    """Return what reads a file that starts so; None where it is neither."""
    if is_groove(head):
        return groove_facts
    if _WEIGHTS.match(head):
        return weights_facts
    if _JSON.match(head.removeprefix(codecs.BOM_UTF8)):
        return kit_facts
    return None


def groove_facts(source: Input) -> dict[str, Any]:
    """Return the drums of a groove, how many steps each has, and provenance.

    Raises:
        BadDataError: as `read_groove`.
    """
    data = source.read_bytes()
    table = read_groove(data, source.name)
    lines = data.decode("utf-8-sig").splitlines()
    steps = (table.velocities > 0).sum(1).tolist()
    return {
        "kind": "groove",
        "drums": [
            {"name": name, "steps": count}
            for name, count in zip(COLUMNS, steps, strict=True)
            if count
        ],
        "provenance": provenance_facts(line.removeprefix("# ") for line in lines),
    }


def kit_facts(source: Input) -> dict[str, Any]:
    """Return the voices of a kit, and the weights that its codes belong to.

    Raises:
        BadDataError: as `read_kit`.
    """
    from drumkit_cli.synth.kits.kit import read_kit

    kit = read_kit(source.read_bytes(), source.name)
    return {
        "kind": "kit",
        "voices": [
            {"name": name, "gain_db": voice.gain_db, "pan": voice.pan}
            | ({"files": [take.path for take in voice.takes]} if voice.takes else {})
            for name, voice in kit.voices.items()
        ],
        "weights_sha256": kit.weights_sha256,
    }


def weights_facts(source: Input) -> dict[str, Any]:
    """Return the feature, the format's version, the card, the size and the SHA-256 of weights.

    Raises:
        BadDataError: as `read_weights`.
    """
    from drumkit_cli.learning.checkpoint import read_weights

    # By its descriptor, since what came through a pipe has no other name.
    checkpoint = read_weights(Path(f"/dev/fd/{source.file.fileno()}"), source.name)
    return {
        "kind": "weights",
        "feature": checkpoint.feature,
        "format": checkpoint.version,
        "parameters": sum(math.prod(tensor.shape) for tensor in checkpoint.tensors.values()),
        "sha256": checkpoint.sha256,
        "card": checkpoint.card,
        "config": checkpoint.config,
    }
