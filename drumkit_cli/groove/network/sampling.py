"""Sampling of codes from the prior, beat by beat, with classifier-free guidance by genre.

Guidance is that of J. Ho, T. Salimans, "Classifier-free diffusion guidance" (2022), on logits.
"""

from typing import Final, NamedTuple

import numpy as np
import torch
from torch import Tensor

from drumkit_cli.groove.model import Conditions
from drumkit_cli.groove.network.prior import CodePrior
from drumkit_cli.groove.network.windowing import FEELS, GENRES, VELOCITY_CLASSES, WINDOW_STEPS
from drumkit_cli.io.arrays import Floats, Integers

TOP_P: Final = 0.8
"""Nucleus sampling: only the likeliest codes are sampled that together have this probability."""
GUIDANCE: Final = 1.0
"""Guidance weight: by how much logits are extrapolated beyond those given the genre."""


class PriorInput(NamedTuple):
    """Inputs of the prior for G runs: given the genre and, for guidance, without one.

    Attributes:
        templates: encoded templates, ``[G, B, S, C]``.
        genres: one-hot, all 0 without a genre, ``[G, 6]``.
    """

    templates: Tensor
    genres: Tensor


def genre_conditions(count: int, device: str = "cpu", genre: str | None = None) -> Conditions:
    """Conditions ``[count, ...]`` with a genre, or none, and without patterns."""
    one_hot = torch.zeros(count, len(GENRES), device=device)
    if genre is not None:
        one_hot[:, GENRES.index(genre)] = 1
    return Conditions(
        one_hot,
        torch.zeros(count, WINDOW_STEPS, VELOCITY_CLASSES, device=device),
        torch.zeros(count, WINDOW_STEPS, len(FEELS), device=device),
    )


def encode_templates(prior: CodePrior, template: Tensor, genre: str | None) -> PriorInput:
    """Inputs of the prior for templates ``[B, T, V]`` and a genre, or none."""
    runs = [genre] if genre is None else [genre, None]
    genres = torch.cat([genre_conditions(1, str(template.device), run).genre for run in runs])
    encoded = [prior.read(one.expand(len(template), -1), template) for one in genres]
    return PriorInput(torch.stack(encoded), genres)


def continue_codes(
    prior: CodePrior, given: PriorInput, known: Tensor, generator: np.random.Generator
) -> Tensor:
    """Sample codes up to the end of their windows.

    Args:
        prior: the prior.
        given: its inputs, for ``B`` windows.
        known: codes of the first beats, ``[B, s, R]``.
        generator: source of random numbers.

    Returns:
        All codes, ``[B, S, R]``.
    """
    runs, count, beats, _ = given.templates.shape
    templates = given.templates.flatten(0, 1)
    first = prior.start.expand(count, 1, -1)
    before = torch.cat([first, prior.embed(known).sum(2)], 1).repeat(runs, 1, 1)
    start = prior.begin(given.genres.repeat_interleave(count, 0))
    x, state = prior.gru(before + templates[:, : before.shape[1]], start)
    codes = list(known.unbind(1))
    while True:
        within, stages = torch.zeros_like(x[:, -1]), []
        for head, table in zip(prior.heads, prior.embeddings, strict=True):
            logits = head(x[:, -1] + within).float().unflatten(0, (runs, count)).cpu().numpy()
            code = sample_top_p(logits[0] + GUIDANCE * (logits[0] - logits[-1]), generator)
            stages.append(torch.from_numpy(code).to(templates.device))
            within = within + table(stages[-1]).repeat(runs, 1)
        codes.append(torch.stack(stages, -1))
        if len(codes) == beats:
            return torch.stack(codes, 1)
        x, state = prior.gru((within + templates[:, len(codes)])[:, None], state)


def sample_top_p(logits: Floats, generator: np.random.Generator) -> Integers:
    """Sample a code ``[B]`` from each row of logits ``[B, K]`` by nucleus sampling."""
    shares = np.exp(logits.astype(np.float64) - logits.max(-1, keepdims=True))
    shares /= shares.sum(-1, keepdims=True)
    order = np.argsort(-shares, -1, kind="stable")
    sorted_shares = np.take_along_axis(shares, order, -1)
    reached = np.cumsum(sorted_shares, -1)
    sorted_shares[reached - sorted_shares >= TOP_P] = 0
    reached = np.cumsum(sorted_shares, -1)
    drawn = generator.random((len(logits), 1)) * reached[:, -1:]
    return np.take_along_axis(order, (reached <= drawn).sum(-1, keepdims=True), -1)[:, 0]
