"""PocketVAE: from a template to notes, then to velocities and microtiming.

Paper: K. Lee, W. Kim, J. Nam, "PocketVAE: a two-step model for groove generation and control"
(2021), 3.3 and 3.4. First NOTE, a VQ-VAE, completes the notes of a template; then VEL and TIME,
conditional VAEs, give these notes velocities and timings. SKEL summarises templates and notes in 16
numbers. The defaults of `GrooveConfig` are the paper's networks.

What differs in the model that ships, and why (figures are in ``weights/MODELS.md``):

* ``stages``: the quantiser is residual: each codebook quantises what the ones before leave. One of
  64 codes is six bits for a beat; a beat with ghost notes holds more.
* ``trunk="conv"``: dilated convolutions over time in place of GRUs, and decoders that give all
  steps at once. They train several times as fast on a CPU and need no teacher forcing.
* ``learned_prior``: the latents of VEL and TIME are regularised towards a Gaussian that depends on
  notes, genre and patterns. What these determine is then not encoded in the latent, so that they
  have effect when it is sampled.
* ``prior_template``: the prior over codes depends on the template and on the genre.
* Conditions are dropped at random in training: one model serves the table's variants with and
  without genres and patterns.

Training data: Groove MIDI Dataset, CC BY 4.0.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor, nn

from drumkit_cli.groove.network.config import GrooveConfig
from drumkit_cli.groove.network.layers import Gaussian, Quantised, Quantiser, Trunk, gaussian
from drumkit_cli.groove.network.prior import CodePrior
from drumkit_cli.groove.network.windowing import (
    BEATS,
    FEELS,
    GENRES,
    VELOCITY_CLASSES,
    VOICES,
    WINDOW_STEPS,
)
from drumkit_cli.learning.configs import restore
from drumkit_cli.learning.torch_network import EntryPoint

V: Final = len(VOICES)
PATTERN_CLASSES: Final = {"velocity": VELOCITY_CLASSES, "timing": len(FEELS)}


class Conditions(NamedTuple):
    """Conditions of a groove; all 0 where none is given.

    Attributes:
        genre: one-hot, ``[B, 6]``.
        velocity: velocity pattern, one-hot, ``[B, T, 5]``.
        timing: microtiming pattern, one-hot, ``[B, T, 3]``.
    """

    genre: Tensor
    velocity: Tensor
    timing: Tensor


class Skeleton(nn.Module):
    """SKEL: summarises a template or notes ``[B, T, V]`` as ``[B, 16]``."""

    def __init__(self, config: GrooveConfig) -> None:
        super().__init__()
        self.trunk = Trunk(config, V, config.skeleton_width)
        self.sum = nn.Linear(config.skeleton_width, config.skeleton)

    def forward(self, notes: Tensor) -> Tensor:
        """``[B, T, V]`` to ``[B, 16]``."""
        h: Tensor = self.sum(self.trunk(notes).mean(1))
        return h


class NoteEncoder(nn.Module):
    """E_note: notes and their template to a vector for each beat, ``[B, S, D]``."""

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
    """D_note: a vector for each beat and the template to logits of notes ``[B, T, V]``."""

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
    """NOTE: a VQ-VAE of notes given the template, with one code for each beat."""

    def __init__(self, config: GrooveConfig) -> None:
        super().__init__()
        self.encoder = NoteEncoder(config, config.code_width)
        self.quantiser = Quantiser(config)
        self.decoder = NoteDecoder(config)

    def encode(self, notes: Tensor, template: Tensor, skeleton: Tensor) -> Quantised:
        """Encode notes ``[B, T, V]`` as codes."""
        return self.quantiser(self.encoder(notes, template, skeleton).float())  # type: ignore[no-any-return]

    def decode(self, codes: Tensor, template: Tensor, skeleton: Tensor) -> Tensor:
        """Decode codes ``[B, S, R]`` to logits ``[B, T, V]``."""
        vectors = self.quantiser.look_up(codes)
        logits: Tensor = self.decoder(vectors, template, skeleton)
        return logits


class NoteVae(nn.Module):
    """NOTE as a VAE with one Gaussian latent for the whole window ("2-step (VAE)")."""

    def __init__(self, config: GrooveConfig) -> None:
        super().__init__()
        self.encoder = NoteEncoder(config, config.code_width)
        self.moments = nn.Linear(BEATS * config.code_width, 2 * config.latent)
        self.spread = nn.Linear(config.latent, BEATS * config.code_width)
        self.decoder = NoteDecoder(config)

    def encode(self, notes: Tensor, template: Tensor, skeleton: Tensor) -> Gaussian:
        """Encode notes ``[B, T, V]`` as a Gaussian."""
        x = self.encoder(notes, template, skeleton).flatten(1)
        return gaussian(self.moments(x))

    def decode(self, z: Tensor, template: Tensor, skeleton: Tensor) -> Tensor:
        """Decode a latent ``[B, Z]`` to logits ``[B, T, V]``."""
        vectors = self.spread(z).unflatten(1, (BEATS, -1))
        logits: Tensor = self.decoder(vectors, template, skeleton)
        return logits


class Player(nn.Module):
    """VEL or TIME: a conditional VAE of the velocities, or of the timings, of given notes.

    With GRUs the decoder is autoregressive (3.4.3); with convolutions it gives all steps at once.
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
        """Encode velocities or timings ``[B, T, V]`` as a Gaussian."""
        x = torch.cat([values, self._given(notes, conditions)], -1)
        x = self.encoder(x, self._hint(skeleton, conditions))
        return gaussian(self.moments(self.narrow(x).flatten(1)))

    def latent_prior(self, notes: Tensor, skeleton: Tensor, conditions: Conditions) -> Gaussian:
        """The prior of the latent, p(z | notes, conditions); standard normal if not learned."""
        if self.prior is None:
            zeros = notes.new_zeros(notes.shape[0], self.moments.out_features)
            return gaussian(zeros)
        x = self.prior(self._given(notes, conditions), self._hint(skeleton, conditions))
        return gaussian(self.prior_moments(x.mean(1)))

    def decode(
        self,
        z: Tensor,
        notes: Tensor,
        skeleton: Tensor,
        conditions: Conditions,
        target: Tensor | None = None,
        forced: Tensor | None = None,
    ) -> Tensor:
        """Decode velocities 0..1, or timings -1..1, ``[B, T, V]``.

        Args:
            z: latent, ``[B, Z]``.
            notes: notes, ``[B, T, V]``.
            skeleton: SKEL's vector of the notes.
            conditions: genre and patterns.
            target: real values for teacher forcing, ``[B, T, V]``.
            forced: ``[T]``, True where the next step gets ``target`` as its input.
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
            if target is not None and forced is not None and bool(forced[step]):
                last = target[:, step]
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


class GrooveModel(nn.Module):
    """All that a weights file holds: the two-step model and the prior of its codes."""

    def __init__(self, config: GrooveConfig) -> None:
        super().__init__()
        self.groove = Groove(config)
        self.prior = CodePrior(config)


def build(config: Mapping[str, Any]) -> GrooveModel:
    """Make the networks of a weights file from its config."""
    return GrooveModel(restore(GrooveConfig, config))


def entry_points(network: GrooveModel) -> dict[str, EntryPoint]:
    """What inference calls; none for a baseline, which is not played.

    N windows ``[N, T, V]`` of notes, templates, velocities or timings; codes ``[N, S, R]``.
    """
    groove, prior, config = network.groove, network.prior, network.groove.config
    if not config.steerable:
        return {}
    note = groove.note
    assert isinstance(note, NoteCoder)
    players = (groove.velocity, groove.timing)

    def encode_players(velocities: Tensor, timings: Tensor, notes: Tensor) -> tuple[Tensor, ...]:
        skeleton = groove.skeleton(notes)
        zeros = notes.new_zeros(notes.shape[0], WINDOW_STEPS, max(PATTERN_CLASSES.values()))
        given = Conditions(
            zeros.new_zeros(notes.shape[0], len(GENRES)),
            zeros[..., : PATTERN_CLASSES["velocity"]],
            zeros[..., : PATTERN_CLASSES["timing"]],
        )
        values = (velocities, timings)
        return tuple(
            player.encode(value, notes, skeleton, given).mean
            for player, value in zip(players, values, strict=True)
        )

    def replay(first: Tensor, second: Tensor, notes: Tensor, *given: Tensor) -> tuple[Tensor, ...]:
        skeleton, conditions = groove.skeleton(notes), Conditions(*given)
        return tuple(
            player.decode(z, notes, skeleton, conditions)
            for player, z in zip(players, (first, second), strict=True)
        )

    def play(first: Tensor, second: Tensor, notes: Tensor, *given: Tensor) -> tuple[Tensor, ...]:
        skeleton, conditions = groove.skeleton(notes), Conditions(*given)
        latents = (
            player.latent_prior(notes, skeleton, conditions).sample(noise)
            for player, noise in zip(players, (first, second), strict=True)
        )
        return replay(*latents, notes, *given)

    windows = torch.rand(2, WINDOW_STEPS, V).round()
    genres = torch.zeros(2, len(GENRES))
    patterns = tuple(torch.zeros(2, WINDOW_STEPS, size) for size in PATTERN_CLASSES.values())
    codes = torch.randint(config.codebook, (2, BEATS, config.stages))
    latent, x = torch.randn(2, config.latent), torch.randn(2, config.prior_width)
    beats, state = torch.randn(2, BEATS, config.prior_width), torch.randn(2, 2, config.prior_width)
    played = (latent, latent, windows, genres, *patterns)
    each = ((0,),)
    return {
        "encode_notes": EntryPoint(
            lambda notes, template: note.encode(notes, template, groove.skeleton(template)).codes,
            (windows, windows),
            each * 2,
        ),
        "decode_notes": EntryPoint(
            lambda codes, template: note.decode(codes, template, groove.skeleton(template)),
            (codes, windows),
            each * 2,
        ),
        "encode_players": EntryPoint(encode_players, (windows, windows, windows), each * 3),
        "play": EntryPoint(play, played, each * 6),
        "replay": EntryPoint(replay, played, each * 6),
        "read": EntryPoint(prior.read, (genres, windows), each * 2),
        "start_window": EntryPoint(
            prior.start_window, (codes[:, :4], beats, genres), ((0, 1), (0,), (0,))
        ),
        "next_beat": EntryPoint(prior.next_beat, (codes[:, 0], x, state), ((0,), (0,), (1,))),
        "stage_logits": EntryPoint(
            prior.stage_logits,
            (x, codes[:, 0], torch.zeros(1, dtype=torch.int64)),
            ((0,), (0,), ()),
        ),
    }
