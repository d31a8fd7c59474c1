"""Weights files: save, find, verify, load. Safetensors only; no pickle is ever read."""

import hashlib
import json
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as safetensors_bytes
from torch import Tensor, nn
from torch.nn.modules.module import register_module_parameter_registration_hook

from drumkit_cli.errors import BadDataError, MissingInputError, UnavailableError
from drumkit_cli.io.streams import open_output

FORMAT_VERSION = 1
MANIFEST_NAME = "manifest.json"
ENVIRONMENT_VARIABLE = "DRUMKIT_WEIGHTS"

_LARGEST_SIZE = 1 << 20
_SPARE_PARAMETERS = 64


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

    def part(self, name: str) -> dict[str, Tensor]:
        """Return the state of one of the file's networks, whose keys begin with its name."""
        start = f"{name}."
        return {k.removeprefix(start): v for k, v in self.state.items() if k.startswith(start)}

    @contextmanager
    def building(self, model: str) -> Iterator[None]:
        """Let a network be built from the config and filled with the state in this block.

        A network with far more parameters than the file holds is given up before its memory is
        used, so that an absurd size in a config costs nothing.

        Args:
            model: what the weights should be of, for the message.

        Raises:
            BadDataError: the config or the state is not that of the network.
        """
        parameters = 4 * len(self.state) + _SPARE_PARAMETERS
        values = 4 * sum(tensor.numel() for tensor in self.state.values())

        def count(_module: nn.Module, _name: str, parameter: nn.Parameter | None) -> None:
            nonlocal parameters, values
            parameters -= 1
            values -= 0 if parameter is None else parameter.numel()
            if parameters < 0 or values < 0:
                raise ValueError("more parameters than the file holds")

        hook = register_module_parameter_registration_hook(count)
        try:
            _check_sizes(self.config)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # torch warns of a size of 0
                yield
        except (
            AssertionError,
            AttributeError,
            LookupError,
            RuntimeError,
            TypeError,
            ValueError,
        ) as error:
            raise BadDataError(f"{self.path}: weights of another {model}") from error
        finally:
            hook.remove()


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


def _check_sizes(value: object) -> None:
    """Raise ValueError for a number beyond what any size of a network or of its input can be."""
    if isinstance(value, dict | list | tuple):
        for item in value.values() if isinstance(value, dict) else value:
            _check_sizes(item)
    elif isinstance(value, int | float) and not abs(value) <= _LARGEST_SIZE:
        raise ValueError(f"a size of {value}")


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
