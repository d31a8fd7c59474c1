"""PocketVAE with its prior and its weights, on tracks of any length.

A track is cut into windows of two measures with a hop of one. Its codes are one sequence with four
codes a measure, so windows that share a measure decode the same codes. The overlapping outputs are
cross-faded: logits of notes before thresholding, velocities and timings as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from drumkit_cli.errors import BadDataError
from drumkit_cli.groove.inputs.performance import FEEL_VALUES, Controls, Performance
from drumkit_cli.groove.model import BEATS, Conditions, Groove, NoteCoder
from drumkit_cli.groove.network import windowing
from drumkit_cli.groove.network.layers import GrooveConfig
from drumkit_cli.groove.network.prior import CodePrior
from drumkit_cli.groove.network.sampling import (
    PriorInput,
    continue_codes,
    encode_templates,
    genre_conditions,
)
from drumkit_cli.groove.network.windowing import (
    BEAT_STEPS,
    CLOSED,
    CRASH,
    HOP_STEPS,
    OPEN,
    RIDE,
    VELOCITY_CLASSES,
    WINDOW_STEPS,
)
from drumkit_cli.io.arrays import Floats, Integers
from drumkit_cli.learning.checkpoint import Checkpoint
from drumkit_cli.learning.configs import restore
from drumkit_cli.learning.torch_network import building, state_dict

HOP_BEATS: Final = HOP_STEPS // BEAT_STEPS
LATENT_TEMPERATURE: Final = 1.0
"""Noise scale of the sampled latents, relative to the learned deviation."""
CANDIDATES: Final = 6
"""Sampled candidates for the codes of a window, of which one is chosen."""
LATENT_CORRELATION: Final = 0.9
"""Correlation of the latent noise of consecutive windows."""
MIN_VELOCITY: Final = 1 / 127
BATCH: Final = 64
"""Windows in a batch: memory does not grow with the track."""


@dataclass(frozen=True)
class Reference:
    """The groove of a reference track.

    Attributes:
        codes: codes of its beats, in whole measures, ``[S, R]``.
        velocity, timing: latents of its windows, ``[B, Z]``.
    """

    codes: Integers
    velocity: Floats
    timing: Floats


class Groover:
    """The trained networks, from NumPy to NumPy."""

    def __init__(self, checkpoint: Checkpoint, device: str = "cpu") -> None:
        """Build the networks of a checkpoint.

        Raises:
            BadDataError: the weights are of other networks.
        """
        with building(checkpoint):
            config = restore(GrooveConfig, checkpoint.config)
            self.network = Groove(config)
            self.prior = CodePrior(config)
            for name, module in (("groove", self.network), ("prior", self.prior)):
                module.load_state_dict(state_dict(checkpoint, name))
        if not isinstance(self.network.note, NoteCoder) or not config.conditions:
            raise BadDataError(f"{checkpoint.path}: weights of a baseline, which cannot be steered")
        self.network.eval().to(device)
        self.prior.eval().to(device)
        self.device = device
        self.weights_sha256 = checkpoint.sha256

    @torch.inference_mode()
    def encode(self, performance: Performance) -> Reference:
        """Encode a track as the codes and latents of its windows."""
        velocities = windowing.cut(performance.velocities)
        windows = windowing.Windows(velocities, windowing.cut(2 * performance.offsets))
        notes, templates = windows.notes, windowing.templates(windows)
        coder = self.network.note
        assert isinstance(coder, NoteCoder)
        codes: list[Tensor] = []
        latents: tuple[list[Floats], list[Floats]] = ([], [])
        for part in _batches(len(velocities)):
            played, template = self._tensor(notes[part]), self._tensor(templates[part])
            codes.append(coder.encode(played, template, self.network.skeleton(template)).codes)
            skeleton = self.network.skeleton(played)
            conditions = genre_conditions(len(played), self.device)
            for player, values, found in (
                (self.network.velocity, windows.velocities, latents[0]),
                (self.network.timing, windows.timings, latents[1]),
            ):
                z = player.encode(self._tensor(values[part]), played, skeleton, conditions).mean
                found.append(z.cpu().numpy())
        beats = torch.cat(codes)
        sequence = torch.cat([beats[:, :HOP_BEATS].flatten(0, 1), beats[-1, HOP_BEATS:]])
        measures = -(-performance.velocities.shape[1] // HOP_STEPS)
        return Reference(
            sequence[: measures * HOP_BEATS].cpu().numpy(),
            np.concatenate(latents[0]),
            np.concatenate(latents[1]),
        )

    @torch.inference_mode()
    def sample_codes(
        self,
        template: Floats,
        genre: str | None,
        generator: np.random.Generator,
        advance: Callable[[int], None] = lambda _: None,
    ) -> Integers:
        """Sample the codes ``[S, R]`` of a track from the templates of its windows ``[B, T, V]``.

        Each window continues the measure that it shares with the one before. ``advance`` is called
        with the number of windows done since the last call.
        """
        known = torch.zeros(1, 0, self.prior.stages, dtype=torch.int64, device=self.device)
        whole = []
        for part in _batches(len(template)):
            prior_input = encode_templates(self.prior, self._tensor(template[part]), genre)
            for window in range(prior_input.templates.shape[1]):
                one = PriorInput(prior_input.templates[:, window : window + 1], prior_input.genres)
                given = self._tensor(template[part][window : window + 1])
                codes = self.complete_codes(one, known, given, generator)
                whole.append(codes[0, known.shape[1] :])
                known = codes[:, HOP_BEATS:]
                advance(1)
        return torch.cat(whole).cpu().numpy()

    @torch.inference_mode()
    def complete_codes(
        self,
        prior_input: PriorInput,
        known: Tensor,
        template: Tensor,
        generator: np.random.Generator,
    ) -> Tensor:
        """Sample the rest of the codes of windows: the candidate that keeps most of the template.

        A single sample may now and then replace all hi-hats of a plain beat by another cymbal.

        Args:
            prior_input: inputs of the prior, for ``B`` windows.
            known: codes of the first beats, ``[B, s, R]``.
            template: templates, ``[B, T, V]``.
            generator: source of random numbers.

        Returns:
            All codes, ``[B, S, R]``.
        """
        count = len(template)
        repeated = PriorInput(
            prior_input.templates.repeat_interleave(CANDIDATES, 1), prior_input.genres
        )
        known = known.repeat_interleave(CANDIDATES, 0)
        sampled = continue_codes(self.prior, repeated, known, generator)
        given = template.repeat_interleave(CANDIDATES, 0)
        logits = self.network.note.decode(sampled, given, self.network.skeleton(given))
        kept = ((logits > 0) * given).sum((1, 2)).unflatten(0, (count, CANDIDATES))
        candidates = sampled.unflatten(0, (count, CANDIDATES))
        best: Tensor = candidates[torch.arange(count), kept.argmax(1)]
        return best

    @torch.inference_mode()
    def notes(self, template: Floats, codes: Integers) -> Floats:
        """Decode the notes ``[V, T]`` of a track from templates ``[B, T, V]``, codes ``[S, R]``."""
        places = HOP_BEATS * np.arange(len(template))[:, None] + np.arange(BEATS)[None]
        note = self.network.note
        assert isinstance(note, NoteCoder)
        logits = []
        for part in _batches(len(template)):
            given = self._tensor(template[part])
            windows = torch.from_numpy(codes[places[part]]).to(self.device)
            logits.append(note.decode(windows, given, self.network.skeleton(given)).cpu().numpy())
        return (join(np.concatenate(logits)) > 0).astype(np.float32)

    @torch.inference_mode()
    def play(
        self,
        notes: Floats,
        controls: Controls,
        generator: np.random.Generator,
        reference: Reference | None = None,
        advance: Callable[[int], None] = lambda _: None,
        *,
        first_window: int = 0,
    ) -> Performance:
        """Decode velocities and offsets of notes ``[V, T]``, from a reference's latents or samples.

        Patterns and the reference repeat over the track, in which the notes, whole measures, start
        at ``first_window``. ``advance`` is called with the number of windows done.
        """
        windows = windowing.cut(notes)
        players = (self.network.velocity, self.network.timing)
        if reference is not None:
            repeated = first_window + np.arange(len(windows))
            latents = [of[repeated % len(of)] for of in (reference.velocity, reference.timing)]
        else:
            size = (len(windows), self.network.config.latent)
            latents = [_correlated_noise(generator.standard_normal(size)) for _ in players]
        made: tuple[list[Floats], list[Floats]] = ([], [])
        for part in _batches(len(windows)):
            played = self._tensor(windows[part])
            skeleton = self.network.skeleton(played)
            conditions = self._conditions(
                windows[part], controls, HOP_STEPS * (first_window + part.start)
            )
            for player, latent, pieces in zip(players, latents, made, strict=True):
                z = self._tensor(latent[part])
                if reference is None:
                    expected = player.latent_prior(played, skeleton, conditions)
                    z = expected.sample(LATENT_TEMPERATURE * z)
                pieces.append(player.decode(z, played, skeleton, conditions).cpu().numpy())
            advance(len(played))
        velocities, timings = (join(np.concatenate(pieces)) for pieces in made)
        velocities = np.where(notes > 0, velocities.clip(MIN_VELOCITY, 1), 0)
        offsets = np.where(notes > 0, timings / 2, 0)
        return Performance(velocities.astype(np.float32), offsets.astype(np.float32))

    def _conditions(self, windows: Floats, controls: Controls, first_step: int) -> Conditions:
        conditions = genre_conditions(len(windows), self.device, controls.genre)
        places = np.arange(WINDOW_STEPS)[None] + HOP_STEPS * np.arange(len(windows))[:, None]
        places += first_step
        if controls.feel:
            struck = (windows > 0).any(-1, keepdims=True)
            values = np.array(controls.feel)[places % len(controls.feel)]
            # A value between two feels is a mixture of both.
            shares = (1 - np.abs(values[..., None] - [*FEEL_VALUES.values()])).clip(0, 1)
            conditions = conditions._replace(timing=self._tensor(struck * shares))
        if controls.velocity_pattern:
            cymbals = (windows[..., [CLOSED, OPEN, RIDE, CRASH]] > 0).any(-1, keepdims=True)
            levels = np.array(controls.velocity_pattern)[places % len(controls.velocity_pattern)]
            classes = levels[..., None] == np.arange(1, VELOCITY_CLASSES + 1)
            conditions = conditions._replace(velocity=self._tensor(cymbals * classes))
        return conditions

    def _tensor(self, values: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values, np.float32)).to(self.device)


def join(windows: Floats) -> Floats:
    """Cross-fade overlapping windows ``[B, T, V]`` to a track ``[V, T]``."""
    ramp = np.minimum(np.arange(WINDOW_STEPS) + 0.5, WINDOW_STEPS - np.arange(WINDOW_STEPS) - 0.5)
    ramp = ramp.astype(np.float32)[:, None]
    length = WINDOW_STEPS + HOP_STEPS * (len(windows) - 1)
    total = np.zeros((length, windows.shape[2]), np.float32)
    weight = np.zeros((length, 1), np.float32)
    for index, window in enumerate(windows):
        place = slice(index * HOP_STEPS, index * HOP_STEPS + WINDOW_STEPS)
        total[place] += ramp * window
        weight[place] += ramp
    return (total / weight).T


def _batches(count: int) -> Iterator[slice]:
    return (slice(start, min(start + BATCH, count)) for start in range(0, count, BATCH))


def _correlated_noise(fresh: NDArray[np.float64]) -> Floats:
    """Autoregressive noise ``[B, Z]``, correlated between windows, of unit deviation."""
    noise, share = fresh.copy(), np.sqrt(1 - LATENT_CORRELATION**2)
    for window in range(1, len(noise)):
        noise[window] = LATENT_CORRELATION * noise[window - 1] + share * fresh[window]
    return noise.astype(np.float32)
