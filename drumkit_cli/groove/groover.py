"""PocketVAE with its prior and its weights, on tracks of any length.

A track is cut into windows of two measures with a hop of one. Its codes are one sequence with four
codes a measure, so windows that share a measure decode the same codes. The overlapping outputs are
cross-faded: logits of notes before thresholding, velocities and timings as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.errors import BadDataError
from drumkit_cli.groove.inputs.performance import FEEL_VALUES, Controls, Performance
from drumkit_cli.groove.inputs.swing import STRAIGHT, Swing
from drumkit_cli.groove.network import windowing
from drumkit_cli.groove.network.config import GrooveConfig
from drumkit_cli.groove.network.sampling import (
    PriorInput,
    continue_codes,
    encode_templates,
    genre_rows,
)
from drumkit_cli.groove.network.windowing import (
    BEAT_STEPS,
    BEATS,
    CLOSED,
    CRASH,
    FEELS,
    HOP_STEPS,
    OPEN,
    RIDE,
    VELOCITY_CLASSES,
    WINDOW_STEPS,
)
from drumkit_cli.io.arrays import Floats, Integers
from drumkit_cli.learning.checkpoint import Checkpoint
from drumkit_cli.learning.network import open_network

DEFINITION: Final = "drumkit_cli.groove.model"
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
        voices: which voices it plays, ``[V]``.
        swing: its swing, which latents of timing do not hold.
    """

    codes: Integers
    velocity: Floats
    timing: Floats
    voices: NDArray[np.bool_]
    swing: Swing


class Groover:
    """The trained networks, from NumPy to NumPy."""

    def __init__(self, checkpoint: Checkpoint, device: str = "cpu") -> None:
        """Open the networks of a checkpoint.

        Raises:
            BadDataError: the weights are of other networks.
        """
        config = checkpoint.restore(GrooveConfig)
        if not config.steerable:
            raise BadDataError(f"{checkpoint.path}: weights of a baseline, which cannot be steered")
        self._network = open_network(checkpoint, device, DEFINITION)
        self._stages, self.latent = config.stages, config.latent
        self.weights_sha256 = checkpoint.sha256

    def encode(self, performance: Performance, swing: Swing = STRAIGHT) -> Reference:
        """Encode a track as the codes and latents of its windows."""
        velocities = windowing.cut(performance.velocities)
        delays = np.where(
            performance.velocities > 0, swing.delays(performance.velocities.shape[1]), 0
        )
        offsets = (performance.offsets - delays).clip(-0.5, 0.5).astype(np.float32)
        windows = windowing.Windows(velocities, windowing.cut(2 * offsets))
        notes, templates = windows.notes, windowing.templates(windows)
        codes: list[Integers] = []
        latents: list[list[Floats]] = []
        for part in _batches(len(velocities)):
            played = _contiguous(notes[part])
            shape = (len(played), BEATS, self._stages)
            codes += self._network.run(
                "encode_notes", [played, _contiguous(templates[part])], [shape]
            )
            values = (_contiguous(windows.velocities[part]), _contiguous(windows.timings[part]))
            latents.append(
                self._network.run(
                    "encode_players", [*values, played], [(len(played), self.latent)] * 2
                )
            )
        beats = np.concatenate(codes)
        sequence = np.concatenate(
            [beats[:, :HOP_BEATS].reshape(-1, self._stages), beats[-1, HOP_BEATS:]]
        )
        measures = -(-performance.velocities.shape[1] // HOP_STEPS)
        velocity, timing = (np.concatenate(pieces) for pieces in zip(*latents, strict=True))
        voices = np.asarray(performance.velocities.any(1))
        return Reference(sequence[: measures * HOP_BEATS], velocity, timing, voices, swing)

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
        known = np.zeros((1, 0, self._stages), np.int64)
        whole = []
        for part in _batches(len(template)):
            windows = _contiguous(template[part])
            given = encode_templates(self._network, windows, genre)
            for window in range(len(windows)):
                one = slice(window, window + 1)
                prior_input = PriorInput(given.templates[:, one], given.genres)
                codes = self._choose_codes(prior_input, known, windows[one], generator)
                whole.append(codes[0, known.shape[1] :])
                known = codes[:, HOP_BEATS:]
                advance(1)
        return np.concatenate(whole)

    def window_codes(
        self, template: Floats, genre: str | None, generator: np.random.Generator
    ) -> Integers:
        """Sample the codes ``[B, S, R]`` of windows that do not follow each other."""
        known = np.zeros((len(template), 0, self._stages), np.int64)
        prior_input = encode_templates(self._network, template, genre)
        return self._choose_codes(prior_input, known, template, generator)

    def _choose_codes(
        self,
        prior_input: PriorInput,
        known: Integers,
        template: Floats,
        generator: np.random.Generator,
    ) -> Integers:
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
        known, given = known.repeat(CANDIDATES, 0), template.repeat(CANDIDATES, 0)
        sampled = continue_codes(self._network, prior_input.repeated(CANDIDATES), known, generator)
        logits = self._note_logits(sampled, given)
        kept = ((logits > 0) * given).sum((1, 2)).reshape(count, CANDIDATES)
        candidates = sampled.reshape(count, CANDIDATES, *sampled.shape[1:])
        best: Integers = candidates[np.arange(count), kept.argmax(1)]
        return best

    def note_logits(self, template: Floats, codes: Integers) -> Floats:
        """Decode logits of notes ``[V, T]`` of a track from templates ``[B, T, V]`` and codes."""
        places = HOP_BEATS * np.arange(len(template))[:, None] + np.arange(BEATS)[None]
        return join(self._note_logits(codes[places], _contiguous(template)))

    def window_notes(self, template: Floats, codes: Integers) -> Floats:
        """Decode the notes ``[B, T, V]`` of windows from templates and codes ``[B, S, R]``."""
        return (self._note_logits(codes, template) > 0).astype(np.float32)

    def _note_logits(self, codes: Integers, template: Floats) -> Floats:
        made = []
        for part in _batches(len(template)):
            shapes = [template[part].shape]
            made += self._network.run("decode_notes", [codes[part], template[part]], shapes)
        return np.concatenate(made)

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
        if reference is not None:
            repeated = first_window + np.arange(len(windows))
            latents = [of[repeated % len(of)] for of in (reference.velocity, reference.timing)]
        else:
            size = (len(windows), self.latent)
            latents = [_correlated_noise(generator.standard_normal(size)) for _ in range(2)]
        made = self.play_windows(
            windows,
            controls,
            latents,
            HOP_STEPS * first_window,
            sampled=reference is None,
            advance=advance,
        )
        velocities, timings = map(join, made)
        velocities = np.where(notes > 0, velocities.clip(MIN_VELOCITY, 1), 0)
        offsets = np.where(notes > 0, timings / 2, 0)
        return Performance(velocities.astype(np.float32), offsets.astype(np.float32))

    def play_windows(
        self,
        windows: Floats,
        controls: Controls,
        latents: list[Floats],
        first_step: int = 0,
        *,
        sampled: bool = True,
        advance: Callable[[int], None] = lambda _: None,
    ) -> list[Floats]:
        """Decode velocities and timings ``[B, T, V]`` of notes ``[B, T, V]``.

        Args:
            windows: notes.
            controls: genre and patterns.
            latents: of velocities and of timings, ``[B, Z]``: standard normal noise, from which
                latents are sampled, or latents themselves.
            first_step: place of the first window in the track, for the patterns.
            sampled: whether it is noise.
            advance: is called with the number of windows done.
        """
        name, made = "play" if sampled else "replay", []
        for part in _batches(len(windows)):
            notes = _contiguous(windows[part])
            given = _conditions(notes, controls, first_step + HOP_STEPS * part.start)
            inputs = [*(latent[part] for latent in latents), notes, *given]
            made.append(self._network.run(name, inputs, [notes.shape] * 2))
            advance(len(notes))
        return [np.concatenate(of) for of in zip(*made, strict=True)]


def _conditions(windows: Floats, controls: Controls, first_step: int) -> list[Floats]:
    """Genre ``[B, 6]``, velocity and timing pattern ``[B, T, classes]`` of windows."""
    velocity = np.zeros((len(windows), WINDOW_STEPS, VELOCITY_CLASSES), np.float32)
    timing = np.zeros((len(windows), WINDOW_STEPS, len(FEELS)), np.float32)
    places = np.arange(WINDOW_STEPS)[None] + HOP_STEPS * np.arange(len(windows))[:, None]
    places += first_step
    if controls.feel:
        struck = (windows > 0).any(-1, keepdims=True)
        values = np.array(controls.feel)[places % len(controls.feel)]
        # A value between two feels is a mixture of both.
        shares = (1 - np.abs(values[..., None] - [*FEEL_VALUES.values()])).clip(0, 1)
        timing = _contiguous(struck * shares)
    if controls.velocity_pattern:
        cymbals = (windows[..., [CLOSED, OPEN, RIDE, CRASH]] > 0).any(-1, keepdims=True)
        levels = np.array(controls.velocity_pattern)[places % len(controls.velocity_pattern)]
        classes = levels[..., None] == np.arange(1, VELOCITY_CLASSES + 1)
        velocity = _contiguous(cymbals * classes)
    return [genre_rows(len(windows), controls.genre), velocity, timing]


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


def _contiguous(values: NDArray[Any]) -> Floats:
    return np.ascontiguousarray(values, np.float32)
