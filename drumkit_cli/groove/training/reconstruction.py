"""Reconstruction of performances from their codes and latents, for validation and Table 1."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from lightning_fabric.utilities import move_data_to_device
from torch import Tensor, nn

from drumkit_cli.groove.baselines.networks import OneStep
from drumkit_cli.groove.data import Corpus
from drumkit_cli.groove.model import Conditions, Groove
from drumkit_cli.groove.network import windowing
from drumkit_cli.groove.network.layers import Gaussian
from drumkit_cli.groove.network.windowing import GENRES, Windows
from drumkit_cli.io.arrays import Floats, Integers

BATCH = 512


class Batch(NamedTuple):
    """Windows with their conditions, as tensors ``[B, T, V]``; ``genres`` ``[B]``, -1 for none."""

    notes: Tensor
    velocities: Tensor
    timings: Tensor
    template: Tensor
    conditions: Conditions
    genres: Tensor


def make_batch(windows: Windows, reduced: Floats, genres: Integers) -> Batch:
    """A batch of arrays, with all conditions given."""
    one_hot = genres[:, None] == np.arange(len(GENRES))
    return Batch(
        torch.from_numpy(windows.notes),
        torch.from_numpy(windows.velocities),
        torch.from_numpy(windows.timings),
        torch.from_numpy(reduced),
        Conditions(
            torch.from_numpy(one_hot.astype(np.float32)),
            torch.from_numpy(windowing.velocity_patterns(windows.velocities)),
            torch.from_numpy(windowing.timing_patterns(windows)),
        ),
        torch.from_numpy(genres),
    )


def with_conditions(batch: Batch, *, genre: bool, velocity: bool, timing: bool) -> Batch:
    """The batch with the other ones of its conditions removed."""
    kept = zip(batch.conditions, (genre, velocity, timing), strict=True)
    return batch._replace(conditions=Conditions(*(part * keep for part, keep in kept)))


def reconstruct(model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
    """Encode and decode a batch: notes, velocities and timings ``[B, T, V]``.

    Latents are the means of the encoders. Velocities and timings belong to the decoded notes and
    are 0 elsewhere.
    """
    if isinstance(model, OneStep):
        return _reconstruct_at_once(model, batch)
    assert isinstance(model, Groove)
    return _reconstruct_in_two(model, batch)


def _reconstruct_at_once(model: OneStep, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
    z = model.encode(batch.notes, batch.velocities, batch.timings, batch.template).mean
    logits, velocities, timings = model.decode(z, batch.template)
    notes = (logits > 0).float()
    return notes, notes * velocities, notes * timings


def _reconstruct_in_two(groove: Groove, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
    skeleton = groove.skeleton(batch.template)
    found = groove.note.encode(batch.notes, batch.template, skeleton)
    code = found.mean if isinstance(found, Gaussian) else found.codes
    notes = (groove.note.decode(code, batch.template, skeleton) > 0).float()
    real, decoded = groove.skeleton(batch.notes), groove.skeleton(notes)
    made = []
    for player, values in ((groove.velocity, batch.velocities), (groove.timing, batch.timings)):
        z = player.encode(values, batch.notes, real, batch.conditions).mean
        made.append(notes * player.decode(z, notes, decoded, batch.conditions))
    return notes, made[0], made[1]


@torch.no_grad()
def reconstruct_all(
    model: nn.Module,
    corpus: Corpus,
    *,
    genre: bool = False,
    pattern: bool = False,
    device: torch.device | str = "cpu",
) -> tuple[Floats, Floats, Floats]:
    """Reconstruct all windows of a corpus: notes, velocities, timings ``[B, T, V]``.

    ``genre`` and ``pattern``: whether the model gets the windows' genres and patterns.
    """
    made = []
    for batch in parts(corpus):
        batch = with_conditions(batch, genre=genre, velocity=pattern, timing=pattern)
        made.append(
            [x.cpu().numpy() for x in reconstruct(model, move_data_to_device(batch, device))]
        )
    notes, velocities, timings = (np.concatenate(arrays) for arrays in zip(*made, strict=True))
    return notes, velocities, timings


def head(batch: Batch, count: int) -> Batch:
    """The first windows of a batch."""
    return Batch(
        batch.notes[:count],
        batch.velocities[:count],
        batch.timings[:count],
        batch.template[:count],
        Conditions(*(part[:count] for part in batch.conditions)),
        batch.genres[:count],
    )


def parts(corpus: Corpus) -> Iterator[Batch]:
    """All windows of a corpus in order, as batches."""
    for start in range(0, len(corpus), BATCH):
        part = slice(start, start + BATCH)
        windows = Windows(corpus.windows.velocities[part], corpus.windows.timings[part])
        yield make_batch(windows, corpus.templates[part], corpus.genres[part])


def divergence(found: Gaussian, expected: Gaussian | None) -> Tensor:
    """Mean KL divergence from ``expected`` (standard normal if None), summed over the latent."""
    zeros = torch.zeros_like(found.mean)
    mean, log_variance = expected or (zeros, zeros)
    ratio = found.log_variance - log_variance
    distance = (found.mean - mean).square() / log_variance.exp()
    return (ratio.exp() + distance - ratio - 1).sum(-1).mean() / 2
