"""A program for torchrun: a feature's training by a clock on which a step takes 1/64 s."""

import itertools
import sys
import types

from drumkit_cli import cli
from drumkit_cli.learning import training
from drumkit_cli.patterns import pattern_sets

if __name__ == "__main__":
    ticks = itertools.count()
    training.time = types.SimpleNamespace(monotonic=lambda: next(ticks) / 64)
    few = list(pattern_sets.composed())[::16]
    pattern_sets.composed = lambda: few
    sys.exit(cli.run(sys.argv[1:]))
