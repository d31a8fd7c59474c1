"""Kinds and sizes of PocketVAE's networks, the baselines' among them."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class GrooveConfig:
    """Kind and sizes of the networks.

    Attributes:
        kind: "two-step", "one-step" (the baseline of 3.3.2), or "classifier".
        note_code: "vq", or "vae" for the baseline whose NOTE has a Gaussian latent.
        trunk: "gru" or "conv".
        width: hidden units of NOTE, VEL and TIME.
        blocks: convolutional blocks of a trunk.
        skeleton_width: hidden units of SKEL.
        skeleton: size of SKEL's output.
        codebook: number of codes in a codebook.
        code_width: size D of a code vector.
        stages: number R of codebooks of the residual quantiser.
        latent: size Z of the latents of VEL and TIME, and of a VAE of notes.
        conditions: whether VEL and TIME get genre and patterns.
        learned_prior: whether the prior of their latents depends on notes and conditions.
        prior_width: hidden units of the prior over codes.
        prior_template: whether the prior over codes gets the template.
        prior_dropout: dropout probability of the prior over codes.
    """

    kind: Literal["two-step", "one-step", "classifier"] = "two-step"
    note_code: Literal["vq", "vae"] = "vq"
    trunk: Literal["gru", "conv"] = "gru"
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

    @property
    def steerable(self) -> bool:
        """Whether it is a model that `drumkit groove` can play with, not a baseline."""
        return self.kind == "two-step" and self.note_code == "vq" and self.conditions
