"""A program for torchrun: a feature's training by a clock on which a step takes 1/64 s."""

import itertools
import sys
import types

from drumkit_cli import cli
from drumkit_cli.learning import training

if __name__ == "__main__":
    ticks = itertools.count()
    training.time = types.SimpleNamespace(monotonic=lambda: next(ticks) / 64)
    sys.exit(cli.run(sys.argv[1:]))
