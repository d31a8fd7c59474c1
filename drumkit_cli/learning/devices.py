"""The device that a model runs on."""

from enum import StrEnum

from drumkit_cli.arguments import require_known
from drumkit_cli.errors import UnavailableError


class Device(StrEnum):
    """Where a model runs. The default everywhere is `CPU`: the same bytes on every machine."""

    CPU = "cpu"
    CUDA = "cuda"
    MPS = "mps"
    AUTO = "auto"


def pick_device(device: str) -> str:
    """Return the name of the device that is meant, once it is known to be there.

    Raises:
        UsageError: there is no device of that name.
        UnavailableError: it is not on this machine.
    """
    require_known("device", device, [name.value for name in Device])
    if device == Device.CPU:
        return str(device)
    import torch

    present = {
        Device.CUDA: torch.cuda.is_available(),
        Device.MPS: torch.backends.mps.is_available(),
        Device.CPU: True,
    }
    if device == Device.AUTO:
        return next(name.value for name, there in present.items() if there)
    if not present[Device(device)]:
        raise UnavailableError(f"no {device} device on this machine", "--device cpu")
    return str(device)
