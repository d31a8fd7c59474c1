"""torchaudio's mel transform, which our own is held to.

torchaudio's wheel has a compiled library for one version of CUDA. With a CPU-only torch, or one of
another CUDA, the import fails although the transforms are plain Python. It is then repeated with a
stand-in for `torchaudio._extension` that says that the library is absent.
"""

import importlib
import sys
from types import ModuleType


def mel_transform(config):
    """The mel transform of torchaudio: samples `[..., N]` to power `[..., F, T]`.

    It needs `config.fft // 2 + 1` samples.
    """
    return _import_torchaudio().transforms.MelSpectrogram(
        sample_rate=config.rate,
        n_fft=config.fft,
        win_length=config.window,
        hop_length=config.hop,
        f_min=config.f_min,
        f_max=config.f_max,
        n_mels=config.mels,
    )


def _import_torchaudio():
    try:
        return importlib.import_module("torchaudio")
    except (OSError, RuntimeError):  # the library is built for another torch
        for name in [name for name in sys.modules if name.split(".")[0] == "torchaudio"]:
            del sys.modules[name]
    extension = ModuleType("torchaudio._extension")
    extension._IS_TORCHAUDIO_EXT_AVAILABLE = False
    extension._IS_ALIGN_AVAILABLE = False
    extension._load_lib = lambda _name: False
    extension.fail_if_no_align = lambda function: function
    sys.modules[extension.__name__] = extension
    return importlib.import_module("torchaudio")
