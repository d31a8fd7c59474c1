"""A tiny untrained separator, for tests of everything but its quality."""

from dataclasses import asdict
from pathlib import Path

import torch

from drumkit_cli.learning.checkpoint import save_weights
from drumkit_cli.separate.model import SeparatorConfig, build

TINY = SeparatorConfig(channels=4, growth=1.0, segment_seconds=2.0)


def write_tiny_separator(path: Path) -> Path:
    torch.manual_seed(0)
    save_weights(
        path, build(TINY).state_dict(), feature="separate", config=asdict(TINY), card={}, half=False
    )
    return path
