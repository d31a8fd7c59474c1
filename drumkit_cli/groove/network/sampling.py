"""Sampling: codes from the prior, beat by beat, guided by a genre.

Guidance: J. Ho, T. Salimans, "Classifier-free diffusion guidance" (2022), with logits.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from drumkit_cli.groove.model import Conditions
from drumkit_cli.groove.network.prior import CodePrior
from drumkit_cli.groove.network.windowing import FEELS, GENRES, VELOCITY_CLASSES, WINDOW_STEPS

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

LIKELY: Final = 0.8
"""Only the likeliest codes of a place are sampled, which together have this probability."""
GUIDANCE: Final = 1.0
"""How much further from what any genre would have codes go than the genre alone takes them."""


class Wish(NamedTuple):
    """What the prior is told: first with the genre that is asked for, then, if one is, without.

    Attributes:
        said: what it reads from the templates, ``[G, B, S, C]``.
        genres: one-hot, ``[G, 6]``.
    """

    said: Tensor
    genres: Tensor


def blank(count: int, device: str = "cpu", genre: str | None = None) -> Conditions:
    """Conditions that ask for nothing but perhaps a genre, for ``count`` windows."""
    wish = torch.zeros(count, len(GENRES), device=device)
    if genre is not None:
        wish[:, GENRES.index(genre)] = 1
    return Conditions(
        wish,
        torch.zeros(count, WINDOW_STEPS, VELOCITY_CLASSES, device=device),
        torch.zeros(count, WINDOW_STEPS, len(FEELS), device=device),
    )


def read_templates(prior: CodePrior, template: Tensor, genre: str | None) -> Wish:
    """What the prior is told of templates ``[B, T, V]`` and a genre."""
    asked = [genre] if genre is None else [genre, None]
    genres = torch.cat([blank(1, str(template.device), name).genre for name in asked])
    said = [prior.read(one.expand(len(template), -1), template) for one in genres]
    return Wish(torch.stack(said), genres)


def continue_codes(
    prior: CodePrior, wish: Wish, known: Tensor, generator: np.random.Generator
) -> Tensor:
    """Go on with codes to the end of their windows.

    Where a genre is asked for, the prior also says what it would do without, and codes go on
    beyond the difference (classifier-free guidance, Ho and Salimans 2022).

    Args:
        prior: the prior.
        wish: what it is told, of ``B`` windows.
        known: the codes of the first beats, ``[B, s, R]``.
        generator: what is sampled with.

    Returns:
        All codes, ``[B, S, R]``.
    """
    ways, count, beats, _ = wish.said.shape
    said = wish.said.flatten(0, 1)
    first = prior.start.expand(count, 1, -1)
    before = torch.cat([first, prior.embed(known).sum(2)], 1).repeat(ways, 1, 1)
    start = prior.begin(wish.genres.repeat_interleave(count, 0))
    x, state = prior.gru(before + said[:, : before.shape[1]], start)
    codes = list(known.unbind(1))
    while True:
        within, stages = torch.zeros_like(x[:, -1]), []
        for head, table in zip(prior.heads, prior.embeddings, strict=True):
            logits = head(x[:, -1] + within).float().unflatten(0, (ways, count)).cpu().numpy()
            code = choose(logits[0] + GUIDANCE * (logits[0] - logits[-1]), generator)
            stages.append(torch.from_numpy(code).to(said.device))
            within = within + table(stages[-1]).repeat(ways, 1)
        codes.append(torch.stack(stages, -1))
        if len(codes) == beats:
            return torch.stack(codes, 1)
        x, state = prior.gru((within + said[:, len(codes)])[:, None], state)


def choose(logits: Floats, generator: np.random.Generator) -> Integers:
    """Sample one of the likeliest codes of each row ``[B, K]``: ``[B]``."""
    shares = np.exp(logits.astype(np.float64) - logits.max(-1, keepdims=True))
    shares /= shares.sum(-1, keepdims=True)
    order = np.argsort(-shares, -1, kind="stable")
    sorted_shares = np.take_along_axis(shares, order, -1)
    reached = np.cumsum(sorted_shares, -1)
    sorted_shares[reached - sorted_shares >= LIKELY] = 0
    reached = np.cumsum(sorted_shares, -1)
    drawn = generator.random((len(logits), 1)) * reached[:, -1:]
    return np.take_along_axis(order, (reached <= drawn).sum(-1, keepdims=True), -1)[:, 0]
