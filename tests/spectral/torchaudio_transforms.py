"""Safe import of torchaudio: whatever needs torchaudio takes it from here.

torchaudio's wheel has a compiled library for one version of CUDA. With a CPU-only torch, or one of
another CUDA, the import fails although the transforms are plain Python. It is then repeated in
extension-free mode: with a stand-in for `torchaudio._extension`, as if the library were absent.
"""

import importlib
import sys
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any, NoReturn

from drumkit_cli.errors import UnavailableError

if TYPE_CHECKING:
    import torch

    from drumkit_cli.spectral.mel_config import MelConfig

_EXTENSION = "torchaudio._extension"


def import_torchaudio() -> ModuleType:
    """Return the `torchaudio` package, without its compiled extension where that cannot load.

    Raises:
        UnavailableError: torchaudio is not installed, or fails in both modes.
    """
    try:
        return importlib.import_module("torchaudio")
    except ModuleNotFoundError as failure:
        raise _unavailable(failure) from failure
    except (ImportError, OSError, RuntimeError):  # the library is built for another torch
        _forget_half_import()
    sys.modules[_EXTENSION] = _stand_in()
    try:
        return importlib.import_module("torchaudio")
    except (ImportError, OSError, RuntimeError) as failure:
        _forget_half_import()
        raise _unavailable(failure) from failure


def mel_transform(config: "MelConfig") -> "torch.nn.Module":
    """Torchaudio's mel transform: samples `[..., N]` to power `[..., F, T]`, on any device.

    `mel_spectrogram.mel_power` is tested against it. It needs `config.fft // 2 + 1` samples.

    Raises:
        UnavailableError: torchaudio cannot be imported.
    """
    import_torchaudio()
    transforms = importlib.import_module("torchaudio.transforms")
    module: torch.nn.Module = transforms.MelSpectrogram(
        sample_rate=config.rate,
        n_fft=config.fft,
        win_length=config.window,
        hop_length=config.hop,
        f_min=config.f_min,
        f_max=config.f_max,
        n_mels=config.mels,
    )
    return module


def _forget_half_import() -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "torchaudio"]:
        del sys.modules[name]


def _stand_in() -> ModuleType:
    """Return what `torchaudio._extension` is when the library file is absent."""

    def fail_if_no_align(_function: Callable[..., Any]) -> Callable[..., NoReturn]:
        def fail(*_arguments: object, **_named: object) -> NoReturn:
            raise RuntimeError("forced alignment needs torchaudio's compiled extension")

        return fail

    def load_lib(_name: str) -> bool:
        return False

    module = ModuleType(_EXTENSION)
    for name, value in (
        ("_IS_TORCHAUDIO_EXT_AVAILABLE", False),
        ("_IS_ALIGN_AVAILABLE", False),
        ("fail_if_no_align", fail_if_no_align),
        ("_load_lib", load_lib),
    ):
        setattr(module, name, value)
    return module


def _unavailable(failure: Exception) -> UnavailableError:
    return UnavailableError(
        f"torchaudio cannot be imported: {failure}",
        "install a torchaudio that matches the installed torch",
    )
