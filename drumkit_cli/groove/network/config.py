"""Sizes of PocketVAE's networks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class GrooveConfig:
    """Sizes of the networks.

    Attributes:
        kind: "two-step", "one-step" for the baseline of 3.3.2, or "classifier" for the table's.
        note_code: "vq", or "vae" for the baseline whose NOTE has one Gaussian vector.
        trunk: "gru" or "conv".
        width: hidden units of NOTE, VEL and TIME.
        blocks: convolutional blocks of a trunk.
        skeleton_width: hidden units of SKEL.
        skeleton: size of SKEL's vector.
        codebook: codes of a codebook.
        code_width: numbers of a code.
        stages: codebooks, each for what the ones before leave.
        latent: size of the latents of VEL and TIME (and of a NOTE without codes).
        conditions: whether VEL and TIME are given genre and patterns.
        learned_prior: whether their latents' Gaussian depends on the conditions.
        prior_width: hidden units of the prior over codes.
        prior_template: whether that prior sees the template.
        prior_dropout: share of its inputs that it misses in training.
    """

    kind: str = "two-step"
    note_code: str = "vq"
    trunk: str = "gru"
    width: int = 256
    blocks: int = 3
    skeleton_width: int = 128
    skeleton: int = 16
    codebook: int = 64
    code_width: int = 16
    stages: int = 1
    latent: int = 64
    conditions: bool = True
    learned_prior: bool = False
    prior_width: int = 256
    prior_template: bool = False
    prior_dropout: float = 0.0
