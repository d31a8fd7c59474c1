"""From a stiff template to a played track: windows through PocketVAE, joined without seams.

A track of any length is cut into windows of two measures, a measure apart. The codes are one
sequence for all of the track, four a measure, so that two windows that share a measure decode the
same codes; what they say of it is cross-faded: logits of notes before the threshold, velocities and
microtiming after.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from drumkit_cli.checkpoint import Checkpoint
from drumkit_cli.errors import BadDataError
from drumkit_cli.groove import patterns
from drumkit_cli.groove.model import BEATS, Conditions, Groove, GrooveConfig, NoteCoder, Player
from drumkit_cli.groove.patterns import (
    BEAT_STEPS,
    CLOSED,
    CRASH,
    FEELS,
    HOP_STEPS,
    OPEN,
    RIDE,
    VELOCITY_CLASSES,
    WINDOW_STEPS,
)
from drumkit_cli.groove.prior import CodePrior
from drumkit_cli.groove.sampling import Wish, blank, continue_codes, read_templates

__all__ = ["Controls", "Groover", "Performance", "Reference", "blend", "groove", "join", "listen"]

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

HOP_BEATS: Final = HOP_STEPS // BEAT_STEPS
CALM: Final = 1.0
"""Deviation of sampled latents, of the one that was learnt."""
DRIFT: Final = 0.9
"""How much of a window's latent noise is still in the next one's."""
MIN_VELOCITY: Final = 1 / 127


@dataclass(frozen=True)
class Performance:
    """What is played, axes ``[V, T]``: velocities 0..1, offsets -0.5..0.5 of a sixteenth."""

    velocities: Floats
    offsets: Floats


@dataclass(frozen=True)
class Reference:
    """The groove of a reference track.

    Attributes:
        codes: a beat each, ``[S, R]``, whole measures.
        velocity, timing: latents of its windows, ``[B, Z]``.
    """

    codes: Integers
    velocity: Floats
    timing: Floats


@dataclass(frozen=True)
class Controls:
    """What a user asks for.

    Attributes:
        genre: one of `GENRES`, or None for any.
        velocity_pattern: how loud the cymbals are from step to step, 1 (soft) to 5 (loud), 0 where
            it is left open; repeated over the track. Empty: open everywhere.
        feel: one of `FEELS`, or None for any.
        keep_notes: add dynamics and timing alone.
        amount: 0 (the template) to 1 (the groove).
        seed: of what is sampled.
        variation: 0, 1, ...: other samples of the same seed.
    """

    genre: str | None = None
    velocity_pattern: tuple[int, ...] = ()
    feel: str | None = None
    keep_notes: bool = False
    amount: float = 1.0
    seed: int = 0
    variation: int = 0


class Groover:
    """PocketVAE with its prior and its weights."""

    def __init__(self, checkpoint: Checkpoint, device: str = "cpu") -> None:
        """Build the networks of a checkpoint.

        Raises:
            BadDataError: the weights are of other networks.
        """
        try:
            config = GrooveConfig(**checkpoint.config)
            self.network = Groove(config)
            self.prior = CodePrior(config)
            for name, module in (("groove", self.network), ("prior", self.prior)):
                head = f"{name}."
                module.load_state_dict(
                    {k[len(head) :]: v for k, v in checkpoint.state.items() if k.startswith(head)}
                )
        except (TypeError, RuntimeError) as error:
            raise BadDataError(f"{checkpoint.path}: weights of another groove model") from error
        if not isinstance(self.network.note, NoteCoder) or not config.conditions:
            raise BadDataError(f"{checkpoint.path}: weights of a baseline, which cannot be steered")
        self.network.eval().to(device)
        self.prior.eval().to(device)
        self.device = device
        self.weights_sha256 = checkpoint.sha256

    @torch.inference_mode()
    def encode(self, performance: Performance, conditions: Conditions | None = None) -> Reference:
        """Take the groove out of a track: its codes and latents."""
        velocities = patterns.cut(performance.velocities)
        windows = patterns.Windows(velocities, patterns.cut(2 * performance.offsets))
        notes, template = self._tensor(windows.notes), self._tensor(patterns.templates(windows))
        given = conditions or blank(len(velocities), self.device)
        note = self.network.note
        assert isinstance(note, NoteCoder)
        codes = note.encode(notes, template, self.network.skeleton(template)).codes
        heard = self.network.skeleton(notes)
        latents = [
            player.encode(self._tensor(values), notes, heard, given).mean.cpu().numpy()
            for player, values in (
                (self.network.velocity, windows.velocities),
                (self.network.timing, windows.timings),
            )
        ]
        sequence = torch.cat([codes[:, :HOP_BEATS].flatten(0, 1), codes[-1, HOP_BEATS:]])
        measures = -(-performance.velocities.shape[1] // HOP_STEPS)
        return Reference(sequence[: measures * HOP_BEATS].cpu().numpy(), *latents)

    @torch.inference_mode()
    def sample_codes(
        self, template: Floats, genre: str | None, generator: np.random.Generator
    ) -> Integers:
        """Sample the codes of a track whose windows have templates ``[B, T, V]``: ``[S, R]``.

        Each window goes on from the measure that it shares with the one before.
        """
        wish = read_templates(self.prior, self._tensor(template), genre)
        known = torch.zeros(1, 0, self.prior.stages, dtype=torch.int64, device=self.device)
        whole = []
        for window in range(len(template)):
            one = Wish(wish.said[:, window : window + 1], wish.genres)
            codes = continue_codes(self.prior, one, known, generator)
            whole.append(codes[0, known.shape[1] :])
            known = codes[:, HOP_BEATS:]
        return torch.cat(whole).cpu().numpy()

    @torch.inference_mode()
    def notes(self, template: Floats, codes: Integers) -> Floats:
        """Notes ``[V, T]`` of a track from its templates ``[B, T, V]`` and codes ``[S, R]``."""
        places = HOP_BEATS * np.arange(len(template))[:, None] + np.arange(BEATS)[None]
        given = self._tensor(template)
        note = self.network.note
        assert isinstance(note, NoteCoder)
        windows = torch.from_numpy(codes[places]).to(self.device)
        logits = note.decode(windows, given, self.network.skeleton(given))
        return (join(logits.cpu().numpy()) > 0).astype(np.float32)

    @torch.inference_mode()
    def play(
        self,
        notes: Floats,
        controls: Controls,
        generator: np.random.Generator,
        reference: Reference | None = None,
    ) -> Performance:
        """Play notes ``[V, T]``, whole measures, with a reference's latents or sampled ones."""
        windows = patterns.cut(notes)
        played = self._tensor(windows)
        skeleton = self.network.skeleton(played)
        conditions = self._conditions(windows, controls)
        made = []
        for player, latents in (
            (self.network.velocity, reference.velocity if reference else None),
            (self.network.timing, reference.timing if reference else None),
        ):
            if latents is None:
                z = self._sample(player, played, skeleton, conditions, generator)
            else:
                z = self._tensor(latents[np.arange(len(windows)) % len(latents)])
            made.append(join(player.decode(z, played, skeleton, conditions).cpu().numpy()))
        velocities = np.where(notes > 0, made[0].clip(MIN_VELOCITY, 1), 0).astype(np.float32)
        offsets = np.where(notes > 0, made[1] / 2, 0).astype(np.float32)
        return Performance(velocities, offsets)

    def _sample(
        self,
        player: Player,
        notes: Tensor,
        skeleton: Tensor,
        conditions: Conditions,
        generator: np.random.Generator,
    ) -> Tensor:
        """Latents ``[B, Z]`` that drift slowly from window to window."""
        expected = player.expect(notes, skeleton, conditions)
        fresh = generator.standard_normal(expected.mean.shape).astype(np.float32)
        noise = fresh.copy()
        for window in range(1, len(noise)):
            noise[window] = DRIFT * noise[window - 1] + np.sqrt(1 - DRIFT**2) * fresh[window]
        return expected.sample(CALM * self._tensor(noise))

    def _conditions(self, windows: Floats, controls: Controls) -> Conditions:
        conditions = blank(len(windows), self.device, controls.genre)
        struck = (windows > 0).any(-1, keepdims=True)
        if controls.feel is not None:
            wish = np.arange(len(FEELS)) == FEELS.index(controls.feel)
            conditions = conditions._replace(timing=self._tensor(struck * wish))
        if controls.velocity_pattern:
            cymbals = (windows[..., [CLOSED, OPEN, RIDE, CRASH]] > 0).any(-1, keepdims=True)
            steps = np.arange(WINDOW_STEPS)[None] + HOP_STEPS * np.arange(len(windows))[:, None]
            wish = np.array(controls.velocity_pattern)[steps % len(controls.velocity_pattern)]
            classes = wish[..., None] == np.arange(1, VELOCITY_CLASSES + 1)
            conditions = conditions._replace(velocity=self._tensor(cymbals * classes))
        return conditions

    def _tensor(self, values: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values, np.float32)).to(self.device)


def groove(
    template: Performance,
    groover: Groover,
    controls: Controls,
    reference: Reference | None = None,
) -> Performance:
    """Play a template of any length; the same arguments give the same performance.

    The notes come from the reference's codes, else from the prior; velocities and microtiming from
    the reference's latents, else from those that are likely for the notes.

    Args:
        template: velocities and offsets ``[V, T]``.
        groover: the networks.
        controls: what is asked for.
        reference: a groove to be transferred (`listen`); it is repeated over the track.

    Returns:
        A performance of the template's length.
    """
    generator = np.random.default_rng([controls.seed, controls.variation])
    steps = template.velocities.shape[1]
    measures = -(-steps // HOP_STEPS)
    sketch = (template.velocities > 0).astype(np.float32)
    sketch = np.pad(sketch, ((0, 0), (0, measures * HOP_STEPS - steps)))
    if measures == 1:
        sketch = np.tile(sketch, (1, 2))
    notes = sketch
    if not controls.keep_notes:
        windows = patterns.cut(sketch)
        if reference is None:
            codes = groover.sample_codes(windows, controls.genre, generator)
        else:
            beats = sketch.shape[1] // BEAT_STEPS
            codes = reference.codes[np.arange(beats) % len(reference.codes)]
        notes = groover.notes(windows, codes)
    played = groover.play(notes, controls, generator, reference)
    played = Performance(played.velocities[:, :steps], played.offsets[:, :steps])
    return blend(template, played, controls.amount)


def listen(performance: Performance, groover: Groover) -> Reference:
    """Take the groove out of a reference track, for `groove`."""
    return groover.encode(performance)


def blend(template: Performance, played: Performance, amount: float) -> Performance:
    """Go from a template (0) to what is played of it (1); both ends are exact.

    Velocities fade from one to the other: a note that only one of them has grows or goes. A note
    moves from where the template has it; one that only one of them has keeps its own place.
    """
    if amount <= 0 or amount >= 1:
        return played if amount >= 1 else template
    velocities = (1 - amount) * template.velocities + amount * played.velocities
    offsets = (1 - amount) * template.offsets + amount * played.offsets
    offsets = np.where(template.velocities == 0, played.offsets, offsets)
    offsets = np.where(played.velocities == 0, template.offsets, offsets)
    return Performance(velocities.astype(np.float32), offsets.astype(np.float32))


def join(windows: Floats) -> Floats:
    """Cross-fade overlapping windows ``[B, T, V]`` into a track ``[V, T]``.

    Where windows agree, the track is what they say.
    """
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
