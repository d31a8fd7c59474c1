"""Weights files: save, find, verify, load.

A file is in the safetensors format: the tensors of one model, floats in half precision, and as
metadata its config, its card and the ONNX graphs of its networks in base64. The initialisers of the
graphs are the tensors of the file, by name. No pickle is ever read.
"""

import base64
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as safetensors_bytes

from drumkit_cli.errors import BadDataError, MissingInputError, UnavailableError
from drumkit_cli.io.streams import open_output
from drumkit_cli.learning.configs import Config, restore

FORMAT_VERSION = 2
MANIFEST_NAME = "manifest.json"
ENVIRONMENT_VARIABLE = "DRUMKIT_WEIGHTS"

_GRAPH_KEY = "graph."
_loaded: set[str] = set()
_INFINITY_BITS = 0x7C00
"""The exponent of half precision, all ones in infinity and NaN."""

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Checkpoint:
    """A verified weights file in memory.

    Attributes:
        path: where it was read.
        sha256: of the file, for provenance.
        feature: the feature whose model it is, or the name of another model.
        config: what the model's config dataclass is made from.
        card: training data, licence, figures: what MODELS.md says in words.
        tensors: parameters and buffers as the file holds them, finite.
        graphs: ONNX graphs by the names of the model's entry points; none in files of version 1.
        version: of the file's format.
    """

    path: Path
    sha256: str
    feature: str
    config: dict[str, Any]
    card: dict[str, Any]
    tensors: Arrays
    graphs: Mapping[str, bytes] = field(default_factory=dict)
    version: int = FORMAT_VERSION

    def restore(self, kind: type[Config]) -> Config:
        """The config as a dataclass.

        Raises:
            BadDataError: it is of another model.
        """
        try:
            return restore(kind, self.config)
        except (AttributeError, TypeError, ValueError) as error:
            raise BadDataError(f"{self.path}: weights of another {self.feature}") from error


def shipped_folder() -> Path:
    """The folder of the weights that ship: inside the installed package, or the checkout's."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "weights"
    return installed if installed.is_dir() else package.parent / "weights"


def save_weights(
    path: Path,
    tensors: Arrays,
    *,
    feature: str,
    config: Mapping[str, Any],
    card: Mapping[str, Any],
    graphs: Mapping[str, bytes] = MappingProxyType({}),
    half: bool = True,
) -> None:
    """Write a weights file atomically, floats as fp16 where `half`.

    Raises:
        OutputError: the file cannot be made.
    """
    stored = {name: np.ascontiguousarray(value) for name, value in tensors.items()}
    if half:
        stored = {k: v.astype(np.float16) if v.dtype.kind == "f" else v for k, v in stored.items()}
    metadata = {
        "feature": feature,
        "format_version": str(FORMAT_VERSION),
        "date": datetime.now(UTC).date().isoformat(),
        "config": json.dumps(dict(config), sort_keys=True),
        "card": json.dumps(dict(card), sort_keys=True),
    }
    for name, graph in graphs.items():
        metadata[_GRAPH_KEY + name] = base64.b64encode(graph).decode()
    with open_output(str(path)) as file:
        file.write(safetensors_bytes(stored, metadata))


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
            remedy = "" if override else f"check {ENVIRONMENT_VARIABLE}"
            raise MissingInputError(f"{path}: no such weights file", remedy)
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

    Raises:
        BadDataError: as `read_weights`, or the weights are of another feature.
        MissingInputError, UnavailableError: as `find_weights`.
    """
    path = find_weights(feature, override)
    checkpoint = read_weights(path)
    if checkpoint.feature != feature:
        raise BadDataError(f"{path}: weights of {checkpoint.feature}, not of {feature}")
    _loaded.add(feature)
    return checkpoint


def loaded_features() -> frozenset[str]:
    """The features whose weights this process has loaded."""
    return frozenset(_loaded)


def read_weights(path: Path, called: str = "") -> Checkpoint:
    """Read a weights file of any model.

    Shipped weights must have the SHA-256 that the manifest beside them gives.

    Args:
        path: of the file.
        called: what messages call it; "" stands for the path.

    Raises:
        BadDataError: not a weights file of a known format, altered, or with values that are not
            finite.
        MissingInputError: there is no such file.
    """
    called = called or str(path)
    if not path.is_file():
        raise MissingInputError(f"{called}: no such weights file")
    with path.open("rb") as read:
        sha256 = hashlib.file_digest(read, "sha256").hexdigest()
    if path.parent == shipped_folder():
        _check_manifest(path, sha256)
    try:
        with safe_open(str(path), framework="np") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        config, card = json.loads(metadata["config"]), json.loads(metadata["card"])
        version, feature = int(metadata["format_version"]), metadata["feature"]
        graphs = {
            name.removeprefix(_GRAPH_KEY): base64.b64decode(text, validate=True)
            for name, text in metadata.items()
            if name.startswith(_GRAPH_KEY)
        }
    except (SafetensorError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise BadDataError(
            f"{called}: not a drumkit weights file", "drumkit train makes them"
        ) from error
    if version > FORMAT_VERSION:
        raise BadDataError(f"{called}: weights format {version} is newer than this drumkit")
    for name, value in tensors.items():
        if not _is_finite(value):
            raise BadDataError(f"{called}: {name} holds NaN or infinite values")
    return Checkpoint(path, sha256, feature, config, card, tensors, graphs, version)


def write_manifest(folder: Path) -> None:
    """Write the SHA-256 of every weights file of a folder into its manifest."""
    sums = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.glob("*.safetensors"))
    }
    with open_output(str(folder / MANIFEST_NAME)) as file:
        file.write((json.dumps(sums, indent=2) + "\n").encode())


def _is_finite(values: NDArray[Any]) -> bool:
    if values.dtype == np.float16:  # NumPy's own test of half precision is slow
        bits = values.view(np.uint16) & _INFINITY_BITS
        return not (bits == _INFINITY_BITS).any()
    return bool(np.isfinite(values).all())


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
