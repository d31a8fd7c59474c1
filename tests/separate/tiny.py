"""A tiny untrained separator, for tests of everything but its quality."""

from dataclasses import asdict, replace
from pathlib import Path

import torch

from drumkit_cli.learning.checkpoint import save_weights
from drumkit_cli.learning.export import untrained_graphs
from drumkit_cli.separate import model
from drumkit_cli.separate.config import SeparatorConfig
from drumkit_cli.separate.model import separator_network

TINY = SeparatorConfig(channels=4, growth=1.0, segment_seconds=2.0)


def write_tiny_separator(path: Path, sources: tuple[str, ...] = TINY.sources) -> Path:
    torch.manual_seed(0)
    tiny = replace(TINY, sources=sources)
    state, graphs = separator_network(tiny).state_dict(), untrained_graphs(tiny, model)
    config = asdict(tiny)
    save_weights(path, state, feature="separate", config=config, card={}, graphs=graphs, half=False)
    return path
