"""A program for torchrun: a feature's training by a clock on which a step takes 1/64 s.

The first argument is the folder of exported graphs, the others are drumkit's.
"""

import itertools
import sys
import types
from pathlib import Path

from drumkit_cli import cli
from drumkit_cli.learning import training
from tests import exports

if __name__ == "__main__":
    ticks = itertools.count()
    training.time = types.SimpleNamespace(monotonic=lambda: next(ticks) / 64)
    exports.share(Path(sys.argv[1]))
    sys.exit(cli.run(sys.argv[2:]))
