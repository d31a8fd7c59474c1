"""Networks in memory: each weights file is read once a process and device."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from drumkit_cli import console
from drumkit_cli.learning.checkpoint import Checkpoint, find_weights, load_weights
from drumkit_cli.learning.devices import pick_device

Model = TypeVar("Model")

_KEPT_MODELS = 16


def load_model(
    build: Callable[[Checkpoint, str], Model],
    feature: str,
    weights: str | Path | None = None,
    device: str = "cpu",
) -> Model:
    """Build a model from its weights, or return the one that was built from them before.

    A file that has changed since then is read again. The model is shared: it must not keep state
    from one call to the next.

    Args:
        build: makes the model of a checkpoint on a device.
        feature: whose weights to load.
        weights: a file, or a folder of them; None for DRUMKIT_WEIGHTS, else the shipped ones.
        device: "cpu", "cuda", "mps" or "auto".

    Raises:
        UsageError: no such device.
        UnavailableError: the device is not on this machine, or no weights are installed.
        MissingInputError: `weights` does not exist.
        BadDataError: the weights are damaged, altered or those of another model.
    """
    place = pick_device(device)
    path = find_weights(feature, None if weights is None else str(weights)).absolute()
    status = path.stat()
    model: Model = _build(build, feature, str(path), place, (status.st_mtime_ns, status.st_size))
    return model


@lru_cache(maxsize=_KEPT_MODELS)
def _build(
    build: Callable[[Checkpoint, str], Any],
    feature: str,
    path: str,
    device: str,
    _version: tuple[int, int],
) -> Any:  # noqa: ANN401 - what `build` returns
    console.detail(f"{path}: loading the model of {feature}")
    return build(load_weights(feature, path), device)
