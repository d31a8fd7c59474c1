"""The pretrained models of the demucs package: found in its cache, or downloaded if named.

Only safetensors files are read, from demucs' hub or a folder of the user; older files of demucs are
pickles and are refused.
"""

from __future__ import annotations

import hashlib
import os
import random
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from drumkit_cli import console
from drumkit_cli.audio.reader import resample
from drumkit_cli.errors import BadDataError, MissingInputError, UnavailableError, UsageError
from drumkit_cli.separate.layout import rest_index

if TYPE_CHECKING:
    from demucs.apply import BagOfModels

    from drumkit_cli.audio.reader import Samples

DOWNLOAD_TIMEOUT_SECONDS = 10
# demucs instantiates any class with any arguments that a file names.
_LOADING_FAILURES = (
    AssertionError, AttributeError, ImportError, KeyError, RuntimeError, TypeError, ValueError,
)  # fmt: skip
PREFERRED = "htdemucs"


def names() -> list[str]:
    """Names of the pretrained models of the installed demucs."""
    from demucs.pretrained import REMOTE_ROOT

    return sorted(path.stem for path in REMOTE_ROOT.glob("*.yaml"))


def is_cached(name: str) -> bool:
    """Whether a model is in the cache of this machine; never uses the network."""
    there = (path.name.lower() for path in _hub_folder().glob("models--*"))
    if not any(name.lower().replace("htdemucs_", "htdemucs-") in folder for folder in there):
        return False  # known without importing the hub's client
    try:
        _files(name, local_only=True)
    except UnavailableError:
        return False
    return True


@lru_cache(maxsize=2)
def load(name: str, repo: str | None, device: str) -> Pretrained:
    """Load a model once a process; raises as `Pretrained`."""
    return Pretrained(name, None if repo is None else Path(repo), device)


class Pretrained:
    """A pretrained Demucs, run through `demucs.api`.

    `weights_sha256` is a hash of the SHA-256 sums of its files.
    """

    concurrent = False
    """demucs draws its shifts from Python's one generator of random numbers."""

    def __init__(self, name: str, repo: Path | None = None, device: str = "cpu") -> None:
        """Load a model by name, from the folder `repo` if given, else from the cache or the hub.

        Raises:
            UsageError: demucs knows no such model.
            MissingInputError: `repo` is not a folder with that model's safetensors files.
            UnavailableError: it is not cached and cannot be downloaded.
            BadDataError: its files are damaged.
        """
        from demucs import api

        if repo is None and name not in names():
            raise UsageError(f"no model {name}", f"one of built-in, {', '.join(names())}")
        bag_file, model_files = _local_files(name, repo) if repo else _files(name)
        bag = _load(bag_file, model_files)

        class LoadedSeparator(api.Separator):
            """demucs' separator around a model that is already in memory."""

            def _load_model(self) -> None:
                self._model = bag
                self._audio_channels = bag.audio_channels
                self._samplerate = bag.samplerate

        self._api = LoadedSeparator(model=name, device=device, split=True)
        self.name = name
        self.weights_sha256 = _sum_of_files(model_files)
        self.sources = tuple(bag.sources)
        self.segment_seconds = 30.0

    def split(self, mix: Samples, rate: int, shifts: int = 0) -> Samples:
        """Mix `[C, N]` at `rate` to stems `[S, C, N]`; the residual is added to "other"."""
        import torch

        self._api.update_parameter(shifts=shifts)
        stems = np.empty((len(self.sources), *mix.shape), np.float32)
        for first in range(0, len(mix), 2):  # the models are stereo
            pair = mix[first : first + 2]
            stereo = pair if len(pair) == 2 else np.repeat(pair, 2, axis=0)
            native = resample(stereo, rate, self._api.samplerate)
            random.seed(0)  # demucs draws its shifts from this generator
            _, parts = self._api.separate_tensor(torch.from_numpy(native))
            for index, name in enumerate(self.sources):
                part = resample(parts[name].numpy(), self._api.samplerate, rate)
                part = part[:, : mix.shape[1]]
                part = np.pad(part, ((0, 0), (0, mix.shape[1] - part.shape[1])))
                stems[index, first : first + 2] = (
                    part if len(pair) == 2 else part.mean(0, keepdims=True)
                )
        stems[rest_index(self.sources)] += mix - stems.sum(0)
        return stems


def _sum_of_files(paths: list[Path]) -> str:
    sums = "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}\n" for path in paths)
    return hashlib.sha256(sums.encode()).hexdigest()


def _load(bag_file: Path, model_files: list[Path]) -> BagOfModels:
    import yaml
    from demucs.apply import BagOfModels
    from demucs.hf import load_safetensors_model
    from safetensors import SafetensorError

    try:
        definition = yaml.safe_load(bag_file.read_text(encoding="utf-8"))
        models = [load_safetensors_model(path) for path in model_files]
        bag = BagOfModels(models, definition.get("weights"), definition.get("segment"))
    except (OSError, SafetensorError, yaml.YAMLError, *_LOADING_FAILURES) as error:
        raise BadDataError(
            f"{bag_file.parent}: damaged model files", "delete them and fetch them again"
        ) from error
    bag.eval()
    return bag


def _local_files(name: str, repo: Path) -> tuple[Path, list[Path]]:
    bag_file = repo / f"{name}.yaml"
    if not bag_file.is_file():
        raise MissingInputError(f"{repo}: no {name}.yaml", "--model-repo takes a folder of models")
    model_files = [repo / f"{signature}.safetensors" for signature in _signatures(bag_file)]
    for path in model_files:
        if not path.is_file():
            raise MissingInputError(
                f"{path}: no such file", "older .th files are pickles and are not read"
            )
    return bag_file, model_files


def _hub_folder() -> Path:
    """The cache folder of the hub's client."""
    home = os.environ.get("HF_HOME", "~/.cache/huggingface")
    return Path(os.environ.get("HF_HUB_CACHE", f"{home}/hub")).expanduser()


def _files(name: str, *, local_only: bool = False) -> tuple[Path, list[Path]]:
    """Definition and model files of a bag, from the hub's cache or the hub."""
    bag_file = _hub_file(name, f"{name}.yaml", local_only=local_only)
    return bag_file, [
        _hub_file(name, f"{signature}.safetensors", local_only=local_only)
        for signature in _signatures(bag_file)
    ]


def _hub_file(name: str, file_name: str, *, local_only: bool) -> Path:
    # The hub's client reads these when imported; without them it retries for a long time.
    os.environ.setdefault("HF_HUB_DOWNLOAD_TIMEOUT", str(DOWNLOAD_TIMEOUT_SECONDS))
    os.environ.setdefault("HF_HUB_ETAG_TIMEOUT", str(DOWNLOAD_TIMEOUT_SECONDS))
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    from demucs.hf import DEFAULT_NAMESPACE, hf_repo_name
    from huggingface_hub import hf_hub_download, try_to_load_from_cache

    repo_id = f"{DEFAULT_NAMESPACE}/{hf_repo_name(name)}"
    cached = try_to_load_from_cache(repo_id, file_name)
    if isinstance(cached, str):
        return Path(cached)
    remedy = "use --model built-in, or connect to the network once and name it with --model"
    if local_only:
        raise UnavailableError(f"{name} is not on this machine", remedy)
    console.info(f"downloading {file_name} of {name}")
    _fail_fast_offline(name, remedy)
    try:
        return Path(hf_hub_download(repo_id, file_name, etag_timeout=DOWNLOAD_TIMEOUT_SECONDS))
    except (OSError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UnavailableError(f"{name} could not be downloaded ({reason})", remedy) from error


def _fail_fast_offline(name: str, remedy: str) -> None:
    """Try to connect once, since the hub's client would retry for some twenty seconds."""
    import socket
    from urllib.parse import urlsplit

    from huggingface_hub import constants

    address = urlsplit(constants.ENDPOINT)
    port = address.port or (443 if address.scheme == "https" else 80)
    if any(os.environ.get(key) for key in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")):
        return
    try:
        socket.create_connection((address.hostname or "", port), timeout=5).close()
    except OSError as error:
        raise UnavailableError(f"{name} could not be downloaded (no network)", remedy) from error


def _signatures(bag_file: Path) -> list[str]:
    import yaml

    try:
        models = yaml.safe_load(bag_file.read_text(encoding="utf-8"))["models"]
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise BadDataError(f"{bag_file}: not a list of models") from error
    return [str(signature) for signature in models]
