"""The optional parts of the package: what each extra installs, and the check that it is there."""

from typing import Final

from drumkit_cli.errors import UnavailableError

EXTRAS: Final[dict[str, tuple[str, ...]]] = {
    "plot": ("matplotlib",),
    "train": ("lightning_fabric", "matplotlib", "mir_eval", "onnx_ir", "onnxscript"),
    "evaluate": ("lightning_fabric", "librosa", "mir_eval"),
    "cluster": ("distributed",),
    "remote": ("fsspec",),
    "render": ("tinysoundfont",),
}
"""Modules that each extra of ``pyproject.toml`` installs."""

_PIP_ARGUMENTS: Final = {"render": "--no-deps tinysoundfont"}  # without PyAudio, which has to build


def require_extra(extra: str, purpose: str) -> None:
    """Check before any work that the modules of an extra are installed; imports none of them.

    Args:
        extra: a key of `EXTRAS`.
        purpose: what needs them, as the user typed it: ``--plot``.

    Raises:
        UnavailableError: one is missing; the message has the line to type.
    """
    from importlib.util import find_spec

    missing = [module for module in EXTRAS[extra] if find_spec(module) is None]
    if missing:
        arguments = _PIP_ARGUMENTS.get(extra, f"'drumkit[{extra}]'")
        raise UnavailableError(f"{purpose} needs {', '.join(missing)}", f"pip install {arguments}")
