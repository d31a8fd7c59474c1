"""A program for torchrun: fits y = 2 x on eight fixed points, which the processes share."""

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from drumkit_cli.learning import training
from drumkit_cli.learning.optimisation import descend
from tests.learning.test_training import Line


@dataclass(frozen=True)
class Recipe:
    batch: int = 8


class SharedLine(Line):
    """A process that starts with its own slope and sees its part of the points."""

    def __init__(self, fabric, batch, steps):
        super().__init__(rate=0.1)
        self.fabric, self.batch, self.steps = fabric, batch, steps
        self.rank = fabric.global_rank
        torch.nn.init.constant_(self.slope.weight, self.rank)

    def batches(self, seed):
        points = torch.linspace(-1, 2, 8)[:, None]
        while True:
            yield points[self.rank * self.batch :][: self.batch]

    def step(self, batch, progress):
        time.sleep(0.02 * self.rank)
        self.steps -= 1
        loss = (self.slope(batch) - 2 * batch).square().mean()
        descend(self.fabric, self.optimizers["sgd"], loss, rate=0.05)
        # All processes stop at a step that one of them calls the last.
        training.time.sleep(100.0 if self.steps == 0 and self.rank == 0 else 0.0)
        return {"loss": loss.item()}

    def validate(self):
        assert self.rank == 0
        return {"score": abs(self.slope.weight.item() - 2)}


if __name__ == "__main__":
    folder, steps = Path(sys.argv[1]), int(sys.argv[2])
    run = training.Run(folder, folder / "line.safetensors", 10.0)
    recipe = training.choose({"cpu": Recipe()}, "cpu")
    from tests.learning.test_training import FakeTime

    training.time = FakeTime()
    fabric = training.start(run)
    task = SharedLine(fabric, recipe.batch, steps)
    training.fit(task, run, fabric)
    (folder / f"slope{os.environ.get('RANK', '0')}").write_text(repr(task.slope.weight.item()))
