"""Weights files: save, find, verify, load. Safetensors only; no pickle is ever read."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as safetensors_bytes
from torch import Tensor

from drumkit_cli.errors import BadDataError, MissingInputError, UnavailableError
from drumkit_cli.io.streams import open_output

FORMAT_VERSION = 1
MANIFEST_NAME = "manifest.json"
ENVIRONMENT_VARIABLE = "DRUMKIT_WEIGHTS"


@dataclass(frozen=True)
class Checkpoint:
    """A verified weights file in memory.

    Attributes:
        path: where it was read.
        sha256: of the file, for provenance.
        config: what the model's config dataclass is made from.
        card: training data, licence, figures: what MODELS.md says in words.
        state: parameters and buffers, float32 where they are floating.
    """

    path: Path
    sha256: str
    config: dict[str, Any]
    card: dict[str, Any]
    state: dict[str, Tensor]


def shipped_folder() -> Path:
    """The folder of the weights that ship: inside the installed package, or the checkout's."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "weights"
    return installed if installed.is_dir() else package.parent / "weights"


def save_weights(
    path: Path,
    state: Mapping[str, Tensor],
    *,
    feature: str,
    config: Mapping[str, Any],
    card: Mapping[str, Any],
    half: bool = True,
) -> None:
    """Write a weights file atomically, floats as fp16 where `half`.

    Raises:
        OutputError: the file cannot be made.
    """
    tensors = {
        name: (value.half() if half and value.is_floating_point() else value)
        .detach()
        .cpu()
        .contiguous()
        .clone()
        for name, value in state.items()
    }
    metadata = {
        "feature": feature,
        "format_version": str(FORMAT_VERSION),
        "date": datetime.now(UTC).date().isoformat(),
        "config": json.dumps(dict(config), sort_keys=True),
        "card": json.dumps(dict(card), sort_keys=True),
    }
    with open_output(str(path)) as file:
        file.write(safetensors_bytes(tensors, metadata))


def find_weights(feature: str, override: str | None = None) -> Path:
    """The weights file of a feature: `override`, else DRUMKIT_WEIGHTS, else the shipped one.

    A folder stands for `<folder>/<feature>.safetensors`.

    Raises:
        MissingInputError: a path that was named does not exist.
        UnavailableError: nothing was named and nothing ships.
    """
    named = override or os.environ.get(ENVIRONMENT_VARIABLE)
    if named:
        path = Path(named)
        path = path / f"{feature}.safetensors" if path.is_dir() else path
        if not path.is_file():
            origin = "--weights" if override else ENVIRONMENT_VARIABLE
            raise MissingInputError(f"{path}: no such weights file", f"check {origin}")
        return path
    path = shipped_folder() / f"{feature}.safetensors"
    if not path.is_file():
        raise UnavailableError(
            f"no weights for {feature} are installed",
            f"reinstall drumkit, or train them: drumkit train {feature} DATA",
        )
    return path


def load_weights(feature: str, override: str | None = None) -> Checkpoint:
    """Find, verify and read the weights of a feature.

    Shipped weights must have the SHA-256 that the manifest beside them gives.

    Raises:
        BadDataError: not a weights file of this feature and format, altered, or not finite.
        MissingInputError, UnavailableError: as `find_weights`.
    """
    path = find_weights(feature, override)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    if path.parent == shipped_folder():
        _check_manifest(path, sha256)
    try:
        with safe_open(str(path), framework="pt") as file:
            metadata = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        config, card = json.loads(metadata["config"]), json.loads(metadata["card"])
        version = int(metadata["format_version"])
        made_for = metadata["feature"]
    except (SafetensorError, KeyError, ValueError) as error:
        raise BadDataError(
            f"{path}: not a drumkit weights file", "drumkit train makes them"
        ) from error
    if made_for != feature:
        raise BadDataError(f"{path}: weights of {made_for}, not of {feature}")
    if version > FORMAT_VERSION:
        raise BadDataError(f"{path}: weights format {version} is newer than this drumkit")
    for name, value in state.items():
        if value.is_floating_point():
            if not torch.isfinite(value).all():
                raise BadDataError(f"{path}: {name} holds NaN or infinite values")
            state[name] = value.float()
    return Checkpoint(path, sha256, config, card, state)


def write_manifest(folder: Path) -> None:
    """Write the SHA-256 of every weights file of a folder into its manifest."""
    sums = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.glob("*.safetensors"))
    }
    with open_output(str(folder / MANIFEST_NAME)) as file:
        file.write((json.dumps(sums, indent=2) + "\n").encode())


def _check_manifest(path: Path, sha256: str) -> None:
    try:
        expected = json.loads((path.parent / MANIFEST_NAME).read_text(encoding="utf-8"))[path.name]
    except (OSError, ValueError, KeyError) as error:
        raise BadDataError(
            f"{path}: not in {MANIFEST_NAME}", "reinstall drumkit, or name it with --weights"
        ) from error
    if sha256 != expected:
        raise BadDataError(
            f"{path}: altered since it was shipped (SHA-256 differs)",
            "reinstall drumkit, or name it with --weights",
        )
