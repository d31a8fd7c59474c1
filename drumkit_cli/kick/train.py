"""Training of the gated autoencoder (Eq. 3 to 5, section 3.1).

What differs from the paper: excerpts in place of whole songs, and curves of notes (MIDI) besides
those of sound, since the command takes both; the discriminator is spectrally normalised, and does
not train the filters of the context. Two thirds of the excerpts are rebuilt by one code for their
song, the mean of its codes, as `--like` plays: the paper only asks that codes hardly change. For
short trainings some excerpts stay where they are in place of being transformed by psi, the
adversarial loss weighs little, and fewer inputs are dropped. The preset "paper" has the paper's
values.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import Optimizer

from drumkit_cli.errors import BadDataError
from drumkit_cli.io.arrays import Floats
from drumkit_cli.kick import model
from drumkit_cli.kick.config import ModelConfig
from drumkit_cli.kick.curves import pick_hits, standardised
from drumkit_cli.kick.data import LICENCES, KickSong, load_songs
from drumkit_cli.kick.drummer import Drummer
from drumkit_cli.kick.model import Discriminator, GatedAutoencoder
from drumkit_cli.learning import training
from drumkit_cli.learning.checkpoint import save_weights
from drumkit_cli.learning.export import untrained_graphs
from drumkit_cli.learning.optimisation import MovingAverage, as_floats, autocast, descend, total
from drumkit_cli.learning.starting import starting_network
from drumkit_cli.learning.torch_network import arrays
from drumkit_cli.spectral.onsets import onset_scores

MOST_SHIFT: Final = 150
"""Largest time shift of the transformation psi, in frames: 1.75 s."""
SCALES: Final = (0.8, 1.2)
VALIDATION_SONGS: Final = 24


@dataclass(frozen=True)
class Recipe:
    """Hyperparameters of a run.

    Attributes:
        config: sizes of the networks.
        batch: excerpts in a batch.
        held: how many of them are rebuilt by the mean code of their song; a multiple of `group`.
        group: excerpts of a song over which that mean is taken.
        frames: length of an excerpt.
        written: share of excerpts whose curves come from notes in place of sound.
        moved: share of excerpts that are transformed by psi; codes of the others may follow the
            song from moment to moment.
        rate: initial learning rate of the autoencoder.
        discriminator_rate: learning rate of the discriminator.
        constancy_weight: weight of the loss of codes that change; with 1 they hardly change at all
            in a short training, and do not follow the kick.
        adversarial_weight: weight of the adversarial loss; as much as the reconstruction, it
            keeps a short training from learning to reconstruct.
        dropout: share of the context's values that are set to 0.
        average: decay of the moving average of the autoencoder's weights.
    """

    config: ModelConfig
    batch: int = 12
    held: int = 8
    group: int = 2
    frames: int = 512
    written: float = 0.35
    moved: float = 0.5
    rate: float = 2e-3
    discriminator_rate: float = 1e-3
    constancy_weight: float = 1 / 8
    adversarial_weight: float = 0.05
    dropout: float = 0.2
    average: float = 0.995


PRESETS = {
    "cpu": Recipe(ModelConfig()),
    "paper": Recipe(
        ModelConfig(),
        batch=100,
        held=0,
        frames=1024,
        moved=1.0,
        constancy_weight=1.0,
        adversarial_weight=1.0,
        dropout=0.5,
    ),
    "gpu": Recipe(ModelConfig(), batch=100, held=60, frames=1024, average=0.999),
    "tiny": Recipe(ModelConfig((8, 8, 16), 1, (8, 4), (8,)), batch=4, held=2, frames=64),
}


class KickTask:
    """Trains autoencoder and discriminator; validates and ships the averaged autoencoder."""

    def __init__(self, fabric: Fabric, recipe: Recipe, songs: Sequence[KickSong]) -> None:
        self._fabric = fabric
        self._recipe = recipe
        self._train = [standardised_rows(s) for s in songs if s.split == "train"]
        held_out = [standardised_rows(s) for s in songs if s.split == "validation"]
        if not self._train:
            raise BadDataError("no song of the split train has bass, snare and kick")
        order = np.random.default_rng(0).permutation(len(held_out))[:VALIDATION_SONGS]
        self._held_out = [held_out[i] for i in order] or self._train[:10]
        network, judge = GatedAutoencoder(recipe.config), Discriminator(recipe.config)
        adam = torch.optim.Adam(network.parameters(), recipe.rate)
        self._network, adam_network = fabric.setup(network, adam)
        adam = torch.optim.Adam(judge.parameters(), recipe.discriminator_rate, (0.5, 0.9))
        self._judge, adam_judge = fabric.setup(judge, adam)
        self._average = MovingAverage(network, recipe.average, warm_up=True)
        self._graphs = untrained_graphs(recipe.config, model)
        self.models: dict[str, nn.Module] = {
            "network": network,
            "discriminator": judge,
            "average": self._average,
        }
        self.parts = {"": [network, self._average.module]}
        self.optimizers: dict[str, Optimizer] = {
            "network": adam_network,
            "discriminator": adam_judge,
        }

    def batches(self, seed: int) -> Iterator[Tensor]:
        """Endless batches `[2, B, 5, T]`: curves of excerpts, and the same transformed by psi."""
        recipe = self._recipe
        generator = np.random.default_rng(seed)
        lengths = np.array([song.shape[-1] for song in self._train], float)
        while True:
            counts = [recipe.group] * (recipe.held // recipe.group)
            counts += [1] * (recipe.batch - recipe.held)
            drawn = generator.choice(len(lengths), len(counts), p=lengths / lengths.sum())
            pairs = [
                excerpt_pair(
                    self._train[i][int(generator.random() < recipe.written)],
                    recipe.frames,
                    generator,
                    is_moved=generator.random() < recipe.moved,
                )
                for i in np.repeat(drawn, counts)
            ]
            yield torch.from_numpy(np.stack(pairs, 1))

    def step(self, batch: Tensor, progress: float) -> dict[str, float]:
        """A step of the discriminator (Eq. 3), then one of the autoencoder."""
        recipe = self._recipe
        batch = self._fabric.to_device(batch)
        fade = 0.02 + 0.49 * (1 + math.cos(math.pi * progress))
        contexts = F.dropout(batch[:, :, :4], recipe.dropout)
        kicks = batch[:, :, 4:]
        with autocast(self._fabric):
            rebuilt, codes, filtered = self._network(
                contexts[0], kicks[0], contexts[1], recipe.held, recipe.group
            )
        rebuilt, codes, filtered = rebuilt.float(), codes.float(), filtered.float().detach()
        with autocast(self._fabric):
            noise = torch.randn_like(codes)
            told = self._judge(codes.detach(), filtered) - self._judge(noise, filtered)
        told = told.float().mean()
        rate = recipe.discriminator_rate * fade
        descend(self._fabric, self.optimizers["discriminator"], told, rate=rate)
        with autocast(self._fabric):
            judged = self._judge(codes, filtered)
        losses = {
            "reconstruction": F.mse_loss(rebuilt, kicks[1]),
            "constancy": recipe.constancy_weight * inconstancy(codes),
            "deviation": deviation(codes),
            "adversarial": -recipe.adversarial_weight * judged.float().mean(),
        }
        rate = recipe.rate * fade
        descend(self._fabric, self.optimizers["network"], total(losses), rate=rate, clip=1.0)
        self._average.update_parameters(self.models["network"])
        return as_floats({**losses, "discriminator": told})

    def validate(self) -> dict[str, float]:
        """F of held-out kicks by their own codes, and by the mean of them."""
        drummer = Drummer(_Live(self._average.module.eval()), self._recipe.config)
        figures = []
        for curves in self._held_out:
            context, kick = curves[0, :4], curves[0, 4]
            codes = drummer.encode(context, kick)
            truth, _ = pick_hits(kick)
            tries = (codes, codes.mean(0))
            made = (pick_hits(drummer.decode(context, code))[0] for code in tries)
            figures.append([onset_scores(truth, onsets)[0] for onsets in made])
        own, style = np.mean(figures, 0)
        return {"score": 1 - float(own + style) / 2, "own": float(own), "style": float(style)}

    def export(self, path: Path, figures: Mapping[str, float]) -> None:
        """Write the averaged autoencoder."""
        save_weights(
            path,
            arrays(self._average.module.state_dict()),
            feature="kick",
            config=asdict(self._recipe.config),
            card={"data": LICENCES, "figures": dict(figures)},
            graphs=self._graphs,
        )


class _Live:
    """A network in training as `network.Network`."""

    def __init__(self, module: nn.Module) -> None:
        assert isinstance(module, GatedAutoencoder)
        self._points = model.entry_points(module)
        self._device = next(module.parameters()).device

    @torch.inference_mode()
    def run(
        self, name: str, inputs: Sequence[NDArray[Any]], _shapes: Sequence[object]
    ) -> list[NDArray[Any]]:
        given = (torch.from_numpy(np.ascontiguousarray(x)).to(self._device) for x in inputs)
        made = self._points[name].function(*given)
        assert isinstance(made, Tensor)
        return [made.cpu().numpy()]


def train(data: Path, run: training.Run) -> dict[str, float]:
    """Train on the multi-track songs of a data folder, which are rendered into the run's folder."""
    recipe = training.choose(PRESETS, run.preset)
    given = starting_network(run, "kick", recipe.config, model)
    fabric = training.start(run)
    with fabric.rank_zero_first():  # which renders them
        songs = load_songs(data, run.folder / "songs", ("train", "validation"))
    return training.fit(KickTask(fabric, recipe, songs), run, fabric, given)


def standardised_rows(song: KickSong) -> Floats:
    """Curves `[2, 5, T]` of a song, of sound and of notes: the context, then the kick."""
    snare, bass, beat, downbeat, kick, *written = map(standardised, song.curves)
    of_notes = (written[0], written[1], beat, downbeat, written[2])
    return np.stack([np.stack([snare, bass, beat, downbeat, kick]), np.stack(of_notes)])


def excerpt_pair(
    curves: Floats, frames: int, generator: np.random.Generator, *, is_moved: bool = True
) -> Floats:
    """A random excerpt of curves `[C, T]`, and the same shifted and scaled in time: `[2, C, T]`."""
    length = curves.shape[-1]
    start = generator.integers(max(length - frames, 0) + 1)
    shift = generator.uniform(-MOST_SHIFT, MOST_SHIFT) * is_moved
    scale = generator.uniform(*SCALES) if is_moved else 1.0
    places = np.arange(frames) - frames / 2
    middle = start + frames / 2
    pair = [_at(curves, middle + places), _at(curves, middle + shift + places / scale)]
    return np.stack(pair)


def inconstancy(codes: Tensor) -> Tensor:
    """How much the codes `[B, Q, T]` change from frame to frame: the loss "const" of the paper."""
    return (codes[..., 1:] - codes[..., :-1]).square().sum(1).mean()


def deviation(codes: Tensor) -> Tensor:
    """How far the codes `[B, Q, T]` are from zero mean and unit variance (Eq. 4)."""
    spread = codes.var((0, 2), unbiased=False)
    return ((spread - 1).square() + codes.mean((0, 2)).square()).mean()


def _at(curves: Floats, places: NDArray[np.floating[Any]]) -> Floats:
    """Curves `[C, T]` at places between frames; their least values before and after them."""
    padded = np.concatenate([curves, curves.min(1, keepdims=True)], 1)
    length = curves.shape[1]
    whole = np.floor(places).astype(int)
    part = (places - whole).astype(np.float32)
    here, there = (np.where((i >= 0) & (i < length), i, length) for i in (whole, whole + 1))
    placed: Floats = padded[:, here] * (1 - part) + padded[:, there] * part
    return placed
