"""PocketVAE: from a template to notes, then to velocities and microtiming.

Paper: K. Lee, W. Kim, J. Nam, "PocketVAE: a two-step model for groove generation and control"
(2021), 3.3 and 3.4. Two steps: NOTE, a VQ-VAE, gives the notes that a template lacks; VEL and TIME,
conditional VAEs, play those notes. SKEL sums templates and notes up in 16 numbers. `GrooveConfig`'s
defaults are the paper's networks.

What differs in the model that ships, and why (figures are in ``weights/MODELS.md``):

* ``stages``: the quantiser is residual. What the first codebook leaves, a second quantises, and so
  on. One code of 64 a beat says six bits; a beat of a drummer with ghost notes holds more.
* ``trunk="conv"``: dilated convolutions over time in place of GRUs, and decoders that give all
  steps at once. They learn several times as fast on a CPU, and need no teacher forcing.
* ``learned_prior``: the latents of VEL and TIME are regularised towards a Gaussian that notes,
  genre and patterns give, not towards one for all. What the conditions say, the latent need not, so
  that they steer when it is sampled.
* ``prior_template``: the prior over codes knows the template, not the genre alone.
* Conditions are left out at random in training: one model stands for the table's variants with and
  without genres and patterns.

Training data: Groove MIDI Dataset, CC BY 4.0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from drumkit_cli.groove.patterns import (
    BEAT_STEPS,
    FEELS,
    GENRES,
    VELOCITY_CLASSES,
    VOICES,
    WINDOW_STEPS,
)

V: Final = len(VOICES)
BEATS: Final = WINDOW_STEPS // BEAT_STEPS
KERNEL: Final = 5
DILATIONS: Final = (1, 2, 4)
PATTERN_CLASSES: Final = {"velocity": VELOCITY_CLASSES, "timing": len(FEELS)}


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


class Conditions(NamedTuple):
    """What a groove is asked to be; all 0 where it is not said.

    Attributes:
        genre: one-hot, ``[B, 6]``.
        velocity: velocity pattern, one-hot, ``[B, T, 5]``.
        timing: microtiming pattern, one-hot, ``[B, T, 3]``.
    """

    genre: Tensor
    velocity: Tensor
    timing: Tensor


class Gaussian(NamedTuple):
    """A diagonal Gaussian, ``[B, Z]`` both."""

    mean: Tensor
    log_variance: Tensor

    def sample(self, noise: Tensor) -> Tensor:
        """The point that standard normal ``noise`` ``[B, Z]`` leads to."""
        return self.mean + noise * (0.5 * self.log_variance).exp()


class Coded(NamedTuple):
    """What the quantiser makes of a sequence.

    Attributes:
        vectors: quantised, ``[B, S, D]``, with the gradient of what went in.
        codes: ``[B, S, R]``.
        codebook_loss, commitment_loss: of equation 3, means.
    """

    vectors: Tensor
    codes: Tensor
    codebook_loss: Tensor
    commitment_loss: Tensor


class Block(nn.Module):
    """A normalised, dilated convolution over time and one across channels, beside an identity."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.time = nn.Conv1d(
            width, width, KERNEL, padding=dilation * (KERNEL // 2), dilation=dilation
        )
        self.mix = nn.Conv1d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """``[B, T, C]`` to the same."""
        y = self.time(self.norm(x).transpose(1, 2))
        y = self.mix(F.gelu(y)).transpose(1, 2)
        z: Tensor = x + y
        return z


class Trunk(nn.Module):
    """Reads a sequence in the light of a vector: ``[B, T, C]`` and ``[B, H]`` to ``[B, T, width]``.

    The vector starts the hidden state of a GRU (3.4), or is added to every step.
    """

    def __init__(self, config: GrooveConfig, inputs: int, width: int, hint: int = 0) -> None:
        super().__init__()
        self.enter = nn.Linear(inputs, width)
        self.hint = nn.Linear(hint, width) if hint else None
        self.gru: nn.GRU | None = None
        self.blocks: nn.Sequential | None = None
        if config.trunk == "gru":
            self.gru = nn.GRU(width, width, batch_first=True, bidirectional=True)
            self.leave = nn.Linear(2 * width, width)
        else:
            self.place = nn.Parameter(torch.zeros(WINDOW_STEPS, width))
            self.blocks = nn.Sequential(
                *(Block(width, DILATIONS[i % len(DILATIONS)]) for i in range(config.blocks))
            )
            self.leave = nn.Linear(width, width)

    def forward(self, x: Tensor, hint: Tensor | None = None) -> Tensor:
        """Read ``x`` ``[B, T, C]``."""
        x = self.enter(x)
        start = self.hint(hint) if self.hint is not None and hint is not None else None
        if self.gru is not None:
            x, _ = self.gru(x, None if start is None else start.expand(2, -1, -1).contiguous())
        else:
            assert self.blocks is not None
            x = x + self.place[: x.shape[1]]
            x = self.blocks(x if start is None else x + start[:, None])
        y: Tensor = F.gelu(self.leave(x))
        return y


class Skeleton(nn.Module):
    """SKEL: sums a template or notes ``[B, T, V]`` up as ``[B, 16]``."""

    def __init__(self, config: GrooveConfig) -> None:
        super().__init__()
        self.trunk = Trunk(config, V, config.skeleton_width)
        self.sum = nn.Linear(config.skeleton_width, config.skeleton)

    def forward(self, notes: Tensor) -> Tensor:
        """``[B, T, V]`` to ``[B, 16]``."""
        h: Tensor = self.sum(self.trunk(notes).mean(1))
        return h


class Quantiser(nn.Module):
    """Codebooks, each for what the ones before leave of a vector (one of them is the paper's)."""

    def __init__(self, config: GrooveConfig) -> None:
        super().__init__()
        size = (config.stages, config.codebook, config.code_width)
        scale = torch.tensor([0.5**stage for stage in range(config.stages)])
        self.codebooks = nn.Parameter(torch.randn(size) * scale[:, None, None])

    def forward(self, z: Tensor) -> Coded:
        """Quantise ``[B, S, D]``."""
        left, total = z, torch.zeros_like(z)
        codes, codebook_loss, commitment_loss = [], z.new_zeros(()), z.new_zeros(())
        for book in self.codebooks:
            code = nearest(left, book)
            found = F.embedding(code, book)
            codebook_loss = codebook_loss + F.mse_loss(found, left.detach())
            commitment_loss = commitment_loss + F.mse_loss(left, found.detach())
            left, total = left - found.detach(), total + found
            codes.append(code)
        vectors = z + (total - z).detach()
        return Coded(vectors, torch.stack(codes, -1), codebook_loss, commitment_loss)

    def look_up(self, codes: Tensor) -> Tensor:
        """Codes ``[B, S, R]`` to vectors ``[B, S, D]``."""
        found = [F.embedding(codes[..., r], book) for r, book in enumerate(self.codebooks)]
        return torch.stack(found).sum(0)


class NoteEncoder(nn.Module):
    """E_note: notes beside their template to a vector a beat, ``[B, S, D]``."""

    def __init__(self, config: GrooveConfig, outputs: int) -> None:
        super().__init__()
        width = config.width
        self.trunk = Trunk(config, 2 * V, width, config.skeleton)
        self.shorten = nn.Sequential(
            nn.Conv1d(width, width, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv1d(width, width, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv1d(width, outputs, 1),
        )

    def forward(self, notes: Tensor, template: Tensor, skeleton: Tensor) -> Tensor:
        """Encode ``[B, T, V]``."""
        x = self.trunk(torch.cat([notes, template], -1), skeleton)
        y: Tensor = self.shorten(x.transpose(1, 2)).transpose(1, 2)
        return y


class NoteDecoder(nn.Module):
    """D_note: a vector a beat and the template to logits of notes ``[B, T, V]``."""

    def __init__(self, config: GrooveConfig) -> None:
        super().__init__()
        width, half = config.width, config.width // 2
        self.lengthen = nn.Sequential(
            nn.ConvTranspose1d(config.code_width, width, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.ConvTranspose1d(width, half, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
        )
        self.trunk = Trunk(config, half + V, width, config.skeleton)
        self.notes = nn.Linear(width, V)

    def forward(self, vectors: Tensor, template: Tensor, skeleton: Tensor) -> Tensor:
        """Decode ``[B, S, D]``."""
        x = self.lengthen(vectors.transpose(1, 2)).transpose(1, 2)
        logits: Tensor = self.notes(self.trunk(torch.cat([x, template], -1), skeleton))
        return logits.float()


class NoteCoder(nn.Module):
    """NOTE: the template and a code a beat give the notes."""

    def __init__(self, config: GrooveConfig) -> None:
        super().__init__()
        self.encoder = NoteEncoder(config, config.code_width)
        self.quantiser = Quantiser(config)
        self.decoder = NoteDecoder(config)

    def encode(self, notes: Tensor, template: Tensor, skeleton: Tensor) -> Coded:
        """Notes ``[B, T, V]`` as codes."""
        return self.quantiser(self.encoder(notes, template, skeleton).float())  # type: ignore[no-any-return]

    def decode(self, codes: Tensor, template: Tensor, skeleton: Tensor) -> Tensor:
        """Codes ``[B, S, R]`` to logits ``[B, T, V]``."""
        vectors = self.quantiser.look_up(codes)
        logits: Tensor = self.decoder(vectors, template, skeleton)
        return logits


class NoteVae(nn.Module):
    """NOTE as a plain VAE: one Gaussian vector for all of the window ("2-step (VAE)")."""

    def __init__(self, config: GrooveConfig) -> None:
        super().__init__()
        self.encoder = NoteEncoder(config, config.code_width)
        self.moments = nn.Linear(BEATS * config.code_width, 2 * config.latent)
        self.spread = nn.Linear(config.latent, BEATS * config.code_width)
        self.decoder = NoteDecoder(config)

    def encode(self, notes: Tensor, template: Tensor, skeleton: Tensor) -> Gaussian:
        """Notes ``[B, T, V]`` as a Gaussian."""
        x = self.encoder(notes, template, skeleton).flatten(1)
        return _gaussian(self.moments(x))

    def decode(self, z: Tensor, template: Tensor, skeleton: Tensor) -> Tensor:
        """A latent ``[B, Z]`` to logits ``[B, T, V]``."""
        vectors = self.spread(z).unflatten(1, (BEATS, -1))
        logits: Tensor = self.decoder(vectors, template, skeleton)
        return logits


class Player(nn.Module):
    """VEL or TIME: notes and a latent give each note's velocity, or its microtiming.

    A network of GRUs goes step by step and hears what it played (3.4.3); one of convolutions gives
    all steps at once.
    """

    def __init__(self, config: GrooveConfig, pattern: str) -> None:
        super().__init__()
        self.pattern = pattern
        self.activation: Callable[[Tensor], Tensor] = (
            torch.sigmoid if pattern == "velocity" else torch.tanh
        )
        width, latent = config.width, config.latent
        given = V + (PATTERN_CLASSES[pattern] if config.conditions else 0)
        hint = config.skeleton + (len(GENRES) if config.conditions else 0)
        self.conditions = config.conditions
        self.steps = width // 8
        self.encoder = Trunk(config, V + given, width, hint)
        self.narrow = nn.Linear(width, self.steps)
        self.moments = nn.Linear(WINDOW_STEPS * self.steps, 2 * latent)
        self.prior: Trunk | None = None
        if config.learned_prior:
            self.prior = Trunk(config, given, width // 2, hint)
            self.prior_moments = nn.Linear(width // 2, 2 * latent)
        self.stepwise = config.trunk == "gru"
        if self.stepwise:
            self.start = nn.Linear(latent + hint, width)
            self.cells = nn.ModuleList([nn.GRUCell(V + given, width), nn.GRUCell(width, width)])
        else:
            self.spread = nn.Linear(latent, WINDOW_STEPS * self.steps)
            self.decoder = Trunk(config, self.steps + given, width, hint + latent)
        self.leave = nn.Linear(width, V)

    def encode(
        self, values: Tensor, notes: Tensor, skeleton: Tensor, conditions: Conditions
    ) -> Gaussian:
        """Velocities or timings ``[B, T, V]`` as a Gaussian."""
        x = torch.cat([values, self._given(notes, conditions)], -1)
        x = self.encoder(x, self._hint(skeleton, conditions))
        return _gaussian(self.moments(self.narrow(x).flatten(1)))

    def expect(self, notes: Tensor, skeleton: Tensor, conditions: Conditions) -> Gaussian:
        """What the latent is before anything is heard: p(z | notes, conditions)."""
        if self.prior is None:
            zeros = notes.new_zeros(len(notes), self.moments.out_features)
            return _gaussian(zeros)
        x = self.prior(self._given(notes, conditions), self._hint(skeleton, conditions))
        return _gaussian(self.prior_moments(x.mean(1)))

    def decode(
        self,
        z: Tensor,
        notes: Tensor,
        skeleton: Tensor,
        conditions: Conditions,
        heard: Tensor | None = None,
        forced: Tensor | None = None,
    ) -> Tensor:
        """Play notes ``[B, T, V]``: velocities 0..1, or timings -1..1, ``[B, T, V]``.

        Args:
            z: the latent, ``[B, Z]``.
            notes: what to play.
            skeleton: SKEL's vector of the notes.
            conditions: genre and patterns.
            heard: what was really played, for teacher forcing.
            forced: ``[T]``, True where the next step hears ``heard``.
        """
        given, hint = self._given(notes, conditions), self._hint(skeleton, conditions)
        if not self.stepwise:
            x = torch.cat([self.spread(z).unflatten(1, (WINDOW_STEPS, -1)), given], -1)
            x = self.decoder(x, torch.cat([hint, z], -1))
            return self.activation(self.leave(x).float())
        first, second = self.cells
        states = [torch.tanh(self.start(torch.cat([z, hint], -1)))] * 2
        last, steps = torch.zeros_like(notes[:, 0]), []
        for step in range(notes.shape[1]):
            states[0] = first(torch.cat([last, given[:, step]], -1), states[0])
            states[1] = second(states[0], states[1])
            last = self.activation(self.leave(states[1]).float())
            steps.append(last)
            if heard is not None and forced is not None and bool(forced[step]):
                last = heard[:, step]
        return torch.stack(steps, 1)

    def _given(self, notes: Tensor, conditions: Conditions) -> Tensor:
        if not self.conditions:
            return notes
        pattern = conditions.velocity if self.pattern == "velocity" else conditions.timing
        return torch.cat([notes, pattern], -1)

    def _hint(self, skeleton: Tensor, conditions: Conditions) -> Tensor:
        return torch.cat([skeleton, conditions.genre], -1) if self.conditions else skeleton


class Groove(nn.Module):
    """The two-step model: SKEL, NOTE, VEL and TIME."""

    def __init__(self, config: GrooveConfig) -> None:
        super().__init__()
        self.config = config
        self.skeleton = Skeleton(config)
        self.note = NoteCoder(config) if config.note_code == "vq" else NoteVae(config)
        self.velocity = Player(config, "velocity")
        self.timing = Player(config, "timing")


class OneStep(nn.Module):
    """The baseline of 3.3.2: one VAE for notes, velocities and timings, given the template."""

    def __init__(self, config: GrooveConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.skeleton = Skeleton(config)
        self.encoder = Trunk(config, 4 * V, width, config.skeleton)
        self.narrow = nn.Linear(width, width // 8)
        self.moments = nn.Linear(WINDOW_STEPS * (width // 8), 2 * config.latent)
        self.decoder = Trunk(config, config.latent + V, width, config.skeleton)
        self.leave = nn.Linear(width, 3 * V)

    def encode(
        self, notes: Tensor, velocities: Tensor, timings: Tensor, template: Tensor
    ) -> Gaussian:
        """A performance, each ``[B, T, V]``, as one Gaussian."""
        x = torch.cat([notes, velocities, timings, template], -1)
        x = self.narrow(self.encoder(x, self.skeleton(template)))
        return _gaussian(self.moments(x.flatten(1)))

    def decode(self, z: Tensor, template: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits of notes, velocities and timings, each ``[B, T, V]``."""
        x = torch.cat([z[:, None].expand(-1, template.shape[1], -1), template], -1)
        x = self.leave(self.decoder(x, self.skeleton(template))).float()
        notes, velocities, timings = x.split(V, -1)
        return notes, torch.sigmoid(velocities), torch.tanh(timings)


class CodePrior(nn.Module):
    """The prior over codes (3.4.4): a GRU of two layers goes from beat to beat, given the genre.

    Within a beat each stage's code is told from the GRU's state and the stages before.
    """

    def __init__(self, config: GrooveConfig) -> None:
        super().__init__()
        width = config.prior_width
        self.stages, self.width = config.stages, width
        self.template: Trunk | None = None
        if config.prior_template:
            self.template = Trunk(config, V, width // 2, len(GENRES))
            self.beat = nn.Linear(BEAT_STEPS * (width // 2), width)
        self.genre = nn.Linear(len(GENRES), 2 * width)
        self.start = nn.Parameter(torch.zeros(width))
        self.embeddings = nn.ModuleList(
            [nn.Embedding(config.codebook, width) for _ in range(config.stages)]
        )
        self.dropout = nn.Dropout(config.prior_dropout)
        self.gru = nn.GRU(
            width, width, num_layers=2, batch_first=True, dropout=config.prior_dropout
        )
        self.heads = nn.ModuleList(
            [
                nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, config.codebook))
                for _ in range(config.stages)
            ]
        )

    def forward(self, codes: Tensor, genre: Tensor, template: Tensor) -> Tensor:
        """Logits ``[B, S, R, K]`` of codes ``[B, S, R]`` that are heard from the second on.

        Args:
            codes: the codes.
            genre: one-hot, ``[B, 6]``.
            template: ``[B, T, V]``.
        """
        heard = self.embed(codes)  # [B, S, R, C]
        before = heard.sum(2)[:, :-1]
        first = self.start.expand(len(codes), 1, -1)
        x = torch.cat([first, before], 1) + self.read(genre, template)
        x, _ = self.gru(self.dropout(x), self.begin(genre))
        within = F.pad(heard.cumsum(2), (0, 0, 1, 0))[:, :, :-1]  # the stages before
        return torch.stack(
            [head(x + within[:, :, r]) for r, head in enumerate(self.heads)], 2
        ).float()

    def embed(self, codes: Tensor) -> Tensor:
        """Codes ``[B, S, R]`` to ``[B, S, R, C]``."""
        found = [table(codes[..., r]) for r, table in enumerate(self.embeddings)]
        return torch.stack(found, -2)

    def read(self, genre: Tensor, template: Tensor) -> Tensor:
        """What the template says of each beat, ``[B, S, C]``; 0 where it is not looked at."""
        if self.template is None:
            return template.new_zeros(len(template), template.shape[1] // BEAT_STEPS, self.width)
        x = self.template(template, genre)
        beats: Tensor = self.beat(x.unflatten(1, (-1, BEAT_STEPS)).flatten(2))
        return beats

    def begin(self, genre: Tensor) -> Tensor:
        """The GRU's first state ``[2, B, C]``."""
        state = torch.tanh(self.genre(genre)).unflatten(1, (2, self.width))
        first: Tensor = state.transpose(0, 1).contiguous()
        return first


class GenreClassifier(nn.Module):
    """Hears the genre of a performance: a bidirectional GRU of two layers (4.2)."""

    def __init__(self, width: int = 64, dropout: float = 0.3) -> None:
        super().__init__()
        self.gru = nn.GRU(
            3 * V, width, num_layers=2, batch_first=True, bidirectional=True, dropout=dropout
        )
        self.genre = nn.Sequential(nn.Dropout(dropout), nn.Linear(2 * width, len(GENRES)))

    def forward(self, notes: Tensor, velocities: Tensor, timings: Tensor) -> Tensor:
        """Logits ``[B, 6]`` of a performance, each ``[B, T, V]``."""
        x, _ = self.gru(torch.cat([notes, velocities, timings], -1))
        logits: Tensor = self.genre(x.mean(1))
        return logits.float()


def nearest(z: Tensor, codebook: Tensor) -> Tensor:
    """The code ``[B, S]`` that is nearest to each vector of ``[B, S, D]``."""
    distances = codebook.square().sum(-1) - 2 * z @ codebook.T
    code: Tensor = distances.argmin(-1)
    return code


def _gaussian(moments: Tensor) -> Gaussian:
    mean, log_variance = moments.float().chunk(2, -1)
    return Gaussian(mean, log_variance.clamp(-12, 6))
