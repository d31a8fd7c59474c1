"""Training of the network of bars: cross-entropy of each beat of rendered takes.

The ear listens to each take in two mixes, one of them with quiet drums or none; features are made
of what it hears once, since a step on them costs little.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import Optimizer

from drumkit_cli import console
from drumkit_cli.errors import MissingInputError
from drumkit_cli.io.arrays import Floats
from drumkit_cli.learning.checkpoint import Checkpoint, load_weights, save_weights
from drumkit_cli.learning.export import untrained_graphs
from drumkit_cli.learning.optimisation import descend
from drumkit_cli.learning.torch_network import arrays
from drumkit_cli.listening import model
from drumkit_cli.listening.bar_features import DRUM_FEATURES, Heard, beat_features, keep
from drumkit_cli.listening.bar_network import BarNetwork
from drumkit_cli.listening.beats import decode_bars
from drumkit_cli.listening.config import EarConfig
from drumkit_cli.listening.ear import Listener
from drumkit_cli.listening.levels import MEL, PITCH, levels
from drumkit_cli.spectral.mel_spectrogram import discretise
from drumkit_cli.transcribe.training.power import POWER
from drumkit_cli.transcribe.training.takes import DRUM_PARTS, Take

FEWEST_BEATS: Final = 16
"""A take with fewer is not trained on."""

_DRUMLESS: Final = 0.35
"""Share of the second mixes that have no drums at all."""
_NO_DRUM_FEATURES: Final = 0.3
_NO_SIMILARITIES: Final = 0.1
"""Shares of the sequences without the one or the other kind of features."""
_NOISE: Final = 0.2
"""Standard deviation of noise that is added to the standardised features."""
_DOWNBEAT_WEIGHT: Final = 2.0


@dataclass(frozen=True)
class BarRecipe:
    """Hyperparameters of a run.

    Attributes:
        width: of the network, see `EarConfig.bars`.
        takes: number of rendered takes.
        take_seconds: length of a take.
        two_beat_share: share of the takes whose drums repeat every second beat.
        batch: sequences in a batch.
        beats: beats in a sequence.
        learning_rate: highest learning rate.
    """

    width: int = 32
    takes: int = 600
    take_seconds: float = 44.0
    two_beat_share: float = 0.3
    batch: int = 32
    beats: int = 64
    learning_rate: float = 3e-3


class BarSong(NamedTuple):
    """Features `[n, FEATURES]` of the beats of a song, and which of them are downbeats, `[n]`."""

    features: Floats
    is_first: NDArray[np.bool_]


class BarTask:
    """Trains the network of bars that goes with an ear."""

    def __init__(
        self, fabric: Fabric, recipe: BarRecipe, ear: Checkpoint, takes: Sequence[Take], seed: int
    ) -> None:
        self._fabric, self._recipe, self._ear = fabric, recipe, ear
        songs = {
            split: bar_songs([take for take in takes if take.split == split], Listener(ear), seed)
            for split in ("train", "validation")
        }
        self._train, self._validation = songs["train"], songs["validation"]
        rows = np.concatenate([song.features for song in self._train])
        self._scale = rows.std(0) + 1e-3
        self._mean = rows.mean(0)
        network = BarNetwork(recipe.width)
        network.mean.copy_(torch.from_numpy(self._mean))
        network.scale.copy_(torch.from_numpy(self._scale))
        optimizer = torch.optim.AdamW(network.parameters(), recipe.learning_rate, weight_decay=0.01)
        self._network, adam = fabric.setup(network, optimizer)
        self.models: dict[str, nn.Module] = {"network": network}
        self.parts = {"bars": [network]}
        self.optimizers: dict[str, Optimizer] = {"adam": adam}

    def batches(self, seed: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Endless features `[B, n, FEATURES]`, downbeats and weights `[B, n]`, 0 behind an end."""
        generator = np.random.default_rng(seed)
        shape = self._recipe.batch, self._recipe.beats
        while True:
            features = np.tile(self._mean, (*shape, 1)).astype(np.float32)
            targets, weights = np.zeros((2, *shape), np.float32)
            for row in range(shape[0]):
                song = self._train[int(generator.integers(len(self._train)))]
                count = min(shape[1], len(song.is_first))
                start = int(generator.integers(len(song.is_first) - count + 1))
                cut = slice(start, start + count)
                features[row, :count] = self._varied(song.features[cut], generator)
                targets[row, :count] = song.is_first[cut]
                weights[row, :count] = 1
            yield torch.from_numpy(features), torch.from_numpy(targets), torch.from_numpy(weights)

    def step(self, batch: tuple[Tensor, Tensor, Tensor], progress: float) -> dict[str, float]:
        """A step of AdamW; the learning rate warms up, then falls as a cosine."""
        self._network.train()
        warm = min(1.0, progress / 0.05 + 0.05)
        fall = 0.02 + 0.49 * (1 + math.cos(math.pi * progress))
        rate = self._recipe.learning_rate * warm * fall
        features, targets, weights = map(self._fabric.to_device, batch)
        entropy = nn.functional.binary_cross_entropy_with_logits(
            self._network(features),
            targets,
            weights,
            reduction="sum",
            pos_weight=targets.new_tensor(_DOWNBEAT_WEIGHT),
        )
        loss = entropy / weights.sum()
        norm = descend(self._fabric, self.optimizers["adam"], loss, rate=rate, clip=1.0)
        return {"entropy": float(loss.detach()), "gradient": norm, "rate": rate}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Cross-entropy, and the F-measure of the downbeats of the best bars."""
        self._network.eval()
        entropies, scores = [], []
        for song in self._validation:
            given = self._fabric.to_device(torch.from_numpy(song.features[None]))
            likely = self._network(given)[0].sigmoid().cpu().numpy().astype(np.float64)
            right = np.clip(np.where(song.is_first, likely, 1 - likely), 1e-6, 1)
            entropies.append(float(-np.log(right).mean()))
            found = decode_bars(likely) == 1
            both = (found & song.is_first).sum()
            scores.append(2 * float(both) / float(found.sum() + song.is_first.sum()))
        return {"score": float(np.mean(entropies)), "F downbeats": float(np.mean(scores))}

    def export(self, path: Path, figures: Mapping[str, float]) -> None:
        """Write the ear, as it was, with the network of bars."""
        config = replace(self._ear.restore(EarConfig), bars=self._recipe.width)
        state = self.models["network"].state_dict()
        save_weights(
            path,
            {name: v for name, v in self._ear.tensors.items() if not name.startswith("bars.")}
            | {f"bars.{name}": value for name, value in arrays(state).items()},
            feature="transcribe",
            config=asdict(config),
            card={**self._ear.card, "bars": dict(figures)},
            graphs={**untrained_graphs(config, model), "hear": self._ear.graphs["hear"]},
        )

    def _varied(self, features: Floats, generator: np.random.Generator) -> Floats:
        """Features `[n, FEATURES]` with noise, in some sequences without those of one kind."""
        noise = generator.normal(0, _NOISE, features.shape) * self._scale
        features = np.asarray(features + noise, np.float32)
        draw = generator.random()
        if draw < _NO_DRUM_FEATURES:
            features[:, :DRUM_FEATURES] = self._mean[:DRUM_FEATURES]
        elif draw < _NO_DRUM_FEATURES + _NO_SIMILARITIES:
            features[:, DRUM_FEATURES:] = self._mean[DRUM_FEATURES:]
        return features


def ear_to_extend(path: Path) -> Checkpoint:
    """The weights file that gets a network of bars.

    Raises:
        MissingInputError: it is not there.
        BadDataError: it is no ear.
    """
    if not path.is_file():
        raise MissingInputError(
            f"{path}: no ear to find bars for", "train one first, without --preset bars"
        )
    return load_weights("transcribe", str(path))


def bar_songs(takes: Sequence[Take], listener: Listener, seed: int) -> list[BarSong]:
    """Two mixes of each take whose beats are known.

    Raises:
        MissingInputError: there is no such take.
    """
    songs = []
    with console.progress(len(takes), "listening to takes") as bar:
        for number, take in enumerate(takes):
            bar.advance(1)
            if len(take.beats) >= FEWEST_BEATS:
                songs += _two_mixes(take, listener, np.random.default_rng([seed, number]))
    if not songs:
        raise MissingInputError("no takes whose beats are known", "render more of them")
    return songs


def heard_in_mix(take: Take, listener: Listener, drums_db: float, band_db: float) -> Heard:
    """What is heard of the drums and the band of a take at so many decibels."""
    gains = np.power(10, np.array([drums_db, band_db]) / 10, dtype=np.float32)
    power = POWER[take.levels]
    drums, band = power[:DRUM_PARTS].sum(0), power[DRUM_PARTS:].sum(0)
    mix = levels((gains[0] * drums + gains[1] * band) * np.float32(MEL.full_scale))
    pitches = np.tensordot(gains, POWER[take.pitches], 1) * np.float32(PITCH.full_scale)
    activations = listener.activations(mix)
    return Heard(*keep(mix, mix[0], activations), discretise(pitches, PITCH))


def _two_mixes(take: Take, listener: Listener, generator: np.random.Generator) -> list[BarSong]:
    drums_db = -math.inf if generator.random() < _DRUMLESS else generator.uniform(-14, -4)
    is_first = take.beats[:, 1] == 1
    return [
        BarSong(beat_features(heard_in_mix(take, listener, *gains), take.beats[:, 0]), is_first)
        for gains in ((0.0, generator.normal(0, 4)), (drums_db, 0.0))
    ]
