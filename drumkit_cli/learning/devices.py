"""Where a model runs."""

import torch

from drumkit_cli.errors import UnavailableError
from drumkit_cli.options import Device


def pick_device(device: Device, threads: int = 0) -> str:
    """Set the CPU threads (0 leaves torch's choice) and return torch's name of the device.

    Raises:
        UnavailableError: it is not on this machine.
    """
    if threads:
        torch.set_num_threads(threads)
    present = {
        Device.CUDA: torch.cuda.is_available(),
        Device.MPS: torch.backends.mps.is_available(),
        Device.CPU: True,
    }
    if device is Device.AUTO:
        return next(name.value for name, there in present.items() if there)
    if not present[device]:
        raise UnavailableError(f"no {device} device on this machine", "--device cpu")
    return device.value
