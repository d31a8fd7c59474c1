"""Sampling of codes from the prior, beat by beat, with classifier-free guidance by genre.

Guidance is that of J. Ho, T. Salimans, "Classifier-free diffusion guidance" (2022), on logits.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from drumkit_cli.groove.network.windowing import BEAT_STEPS, GENRES
from drumkit_cli.io.arrays import Floats, Integers
from drumkit_cli.learning.network import Network

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

    templates: Floats
    genres: Floats

    def repeated(self, times: int) -> PriorInput:
        """The same, with each window so many times."""
        return PriorInput(self.templates.repeat(times, 1), self.genres)


def genre_rows(count: int, genre: str | None) -> Floats:
    """A genre as rows ``[count, 6]``, one-hot, or zeros for none."""
    rows = np.zeros((count, len(GENRES)), np.float32)
    if genre is not None:
        rows[:, GENRES.index(genre)] = 1
    return rows


def encode_templates(network: Network, template: Floats, genre: str | None) -> PriorInput:
    """Inputs of the prior for templates ``[B, T, V]`` and a genre, or none."""
    runs = [genre] if genre is None else [genre, None]
    shape = (len(template), template.shape[1] // BEAT_STEPS, None)
    encoded = [
        network.run("read", [genre_rows(len(template), run), template], [shape])[0] for run in runs
    ]
    return PriorInput(np.stack(encoded), np.concatenate([genre_rows(1, run) for run in runs]))


def continue_codes(
    network: Network, given: PriorInput, known: Integers, generator: np.random.Generator
) -> Integers:
    """Sample codes up to the end of their windows.

    Args:
        network: the networks of `groove.model.GrooveModel`.
        given: inputs of the prior, for ``B`` windows.
        known: codes of the first beats, ``[B, s, R]``.
        generator: source of random numbers.

    Returns:
        All codes, ``[B, S, R]``.
    """
    runs, count, beats, width = given.templates.shape
    rows, stages = runs * count, known.shape[2]
    templates = given.templates.reshape(rows, beats, width)
    genres = given.genres.repeat(count, 0)
    shapes = [(rows, width), (None, rows, width)]
    first = known.shape[1]
    codes = np.concatenate([known, np.zeros((count, beats - first, stages), np.int64)], 1)
    x, state = network.run(
        "start_window", [np.tile(known, (runs, 1, 1)), templates, genres], shapes
    )
    for beat in range(first, beats):
        for stage in range(stages):
            before = np.tile(codes[:, beat], (runs, 1))
            (logits,) = network.run("stage_logits", [x, before, np.array([stage])], [(rows, None)])
            by_run = logits.reshape(runs, count, -1)
            guided = by_run[0] + GUIDANCE * (by_run[0] - by_run[-1])
            codes[:, beat, stage] = sample_top_p(guided, generator)
        if beat + 1 < beats:
            played = np.tile(codes[:, beat], (runs, 1))
            x, state = network.run("next_beat", [played, templates[:, beat + 1], state], shapes)
    return codes


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
