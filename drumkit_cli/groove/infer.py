"""Performance of quantised drum tracks: `groove` of the API, and what the command shares."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.arguments import require_known, require_seed, require_within
from drumkit_cli.groove.groover import Groover, Reference
from drumkit_cli.groove.inputs.groove_file import GrooveTable, impose
from drumkit_cli.groove.inputs.performance import (
    FEEL_RANGE,
    FEEL_VALUES,
    VELOCITY_RANGE,
    Controls,
    Genre,
    Performance,
)
from drumkit_cli.groove.inputs.template import Template, play_template, template_of
from drumkit_cli.groove.network import windowing
from drumkit_cli.groove.network.windowing import (
    BEAT_STEPS,
    CLOSED,
    CRASH,
    HOP_STEPS,
    KICK,
    OPEN,
    RIDE,
    SNARE,
)
from drumkit_cli.learning.models import load_model
from drumkit_cli.midi.map_file import DrumMap
from drumkit_cli.midi.track import Track

SAMPLING_SHARE: Final = 0.8
"""Share of the time of a performance that the sampling of codes takes."""


def groove(
    track: Track,
    *,
    genre: str | None = None,
    like: Track | GrooveTable | None = None,
    feel: str | Sequence[float] = (),
    velocity_pattern: Sequence[int] = (),
    keep_notes: bool = False,
    amount: float = 1.0,
    drum_map: DrumMap | None = None,
    variation: int = 0,
    seed: int = 0,
    weights: str | Path | None = None,
    device: str = "cpu",
) -> Track:
    """Play a quantised drum track as a drummer would.

    Ghost notes are added, cymbals are added and removed, and all notes of the seven drums of the
    model get velocities and microtiming of at most half a sixteenth. All else stays as it is:
    tempo, other tracks, other drums. The model is loaded once a process.

    Args:
        track: a track with drums on channel 10 or in parts named drums; it is not changed.
        genre: "electronic", "rock", "funk", "jazz", "blues" or "hip-hop"; None for any.
        like: a track whose groove (ghost notes, dynamics, timing) is transferred, repeated over
            the track; or a table, whose velocities and timings take precedence where it has any.
        feel: "pushed", "on" or "laidback"; or the timing of each sixteenth, -1 (pushed) to 1
            (laidback), repeated over the track.
        velocity_pattern: loudness of the cymbals at each sixteenth, 1 (soft) to 5 (loud), 0 for no
            preference, repeated over the track.
        keep_notes: neither add nor remove notes.
        amount: interpolation between `track` (0) and the groove (1).
        drum_map: map of the pitches; None for General MIDI.
        variation: 0, 1, ...: independent grooves of one seed.
        seed: seed of the sampling, 0 or more.
        weights: a weights file, or a folder with one, in place of the shipped ones.
        device: "cpu", "cuda", "mps" or "auto".

    Returns:
        The track with its drums played.

    Raises:
        BadDataError: the track has none of the drums, or the weights are of another model.
        UsageError: no such genre, feel or device, or a value out of range.
        MissingInputError: `weights` does not exist.
        UnavailableError: this machine has no such device.

    Example:
        >>> played = drumkit.groove(drumkit.read_midi("beat.mid"), genre="funk", amount=0.8)
    """
    if genre is not None:
        require_known("genre", genre, [name.value for name in Genre])
    if isinstance(feel, str):
        require_known("feel", feel, FEEL_VALUES)
        feel = (FEEL_VALUES[feel],)
    for value in feel:
        require_within("feel", value, *FEEL_RANGE)
    for value in velocity_pattern:
        require_within("velocity_pattern", value, *VELOCITY_RANGE)
    require_within("amount", amount, 0, 1)
    require_seed(seed)
    require_seed(variation)
    controls = Controls(
        genre=None if genre is None else Genre(genre).in_model,
        velocity_pattern=tuple(velocity_pattern),
        feel=tuple(feel),
        keep_notes=keep_notes,
        seed=seed,
        variation=variation,
    )
    template = template_of(track, "the track", drum_map)
    reference = template_of(like, "the reference", drum_map) if isinstance(like, Track) else None
    groover = load_model(Groover, "groove", weights, device)
    played = play(
        template,
        groover,
        controls,
        like if isinstance(like, GrooveTable) else None,
        None if reference is None else groover.encode(reference.performance),
    )
    return play_template(template, played, amount, from_place=keep_notes)


def play(
    template: Template,
    groover: Groover,
    controls: Controls,
    table: GrooveTable | None = None,
    reference: Reference | None = None,
    advance: Callable[[float], None] = lambda _: None,
) -> Performance:
    """Play the drums of a file in any meter, whose steps may lie on other columns of the model.

    Args:
        template: the file.
        groover: the networks.
        controls: what the user asks for, by the file's own sixteenths.
        table: velocities and timings that take precedence.
        reference: as `perform`.
        advance: as `perform`.
    """
    by_column = replace(
        controls,
        feel=template.by_column(controls.feel),
        velocity_pattern=template.by_column(controls.velocity_pattern),
    )
    played = perform(template.performance, groover, by_column, reference, advance)
    return played if table is None else impose(table, played)


def perform(
    template: Performance,
    groover: Groover,
    controls: Controls,
    reference: Reference | None = None,
    advance: Callable[[float], None] = lambda _: None,
) -> Performance:
    """Play a template of any length; the arguments determine the performance.

    Notes are decoded from the reference's codes, or else from codes sampled from the prior;
    velocities and timings from the reference's latents, or else from sampled ones. Where the
    template rests for two measures or more, the performance rests too.

    Args:
        template: velocities and offsets ``[V, T]``.
        groover: the networks.
        controls: what the user asks for.
        reference: groove to transfer (`Groover.encode`), repeated over the track.
        advance: called with the share of the work done since the last call, 1 in all.

    Returns:
        A performance of the template's length.
    """
    steps = template.velocities.shape[1]
    sketch = (template.velocities > 0).astype(np.float32)
    sketch = np.pad(sketch, ((0, 0), (0, -steps % HOP_STEPS)))
    if sketch.shape[1] == HOP_STEPS:
        sketch = np.tile(sketch, (1, 2))
    generator = np.random.default_rng([controls.seed, controls.variation])
    windows = windowing.cut(sketch)
    passages = _runs(np.asarray(windows.any((1, 2))))
    share = 1 / max(sum(passage.stop - passage.start for passage in passages), 1)
    sampling = SAMPLING_SHARE if reference is None and not controls.keep_notes else 0.0
    velocities, offsets = np.zeros_like(sketch), np.zeros_like(sketch)
    for passage in passages:
        place = slice(HOP_STEPS * passage.start, HOP_STEPS * (passage.stop + 1))
        notes = sketch[:, place]
        if not controls.keep_notes and reference is not None:
            beats = np.arange(place.start, place.stop, BEAT_STEPS) // BEAT_STEPS
            notes = groover.notes(windows[passage], reference.codes[beats % len(reference.codes)])
        elif not controls.keep_notes:
            codes = groover.sample_codes(
                windows[passage], controls.genre, generator, lambda n: advance(share * sampling * n)
            )
            addable = addable_voices(np.asarray(sketch.any(1)))
            notes = groover.notes(windows[passage], codes) * addable[:, None]
        played = groover.play(
            notes,
            controls,
            generator,
            reference,
            lambda n: advance(share * (1 - sampling) * n),
            first_window=passage.start,
        )
        velocities[:, place], offsets[:, place] = played.velocities, played.offsets
    return Performance(velocities[:, :steps], offsets[:, :steps])


def addable_voices(played: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which voices ``[V]`` may be added to a template that plays some voices ``[V]``.

    Any, if it has kick, snare and cymbals, as all templates of the training data; cymbals, if it
    has kick and snare. Otherwise, such as for kicks alone, none, since the networks would add toms
    or snares on every sixteenth.
    """
    cymbals = np.isin(np.arange(len(played)), (CLOSED, OPEN, RIDE, CRASH))
    if not (played[KICK] and played[SNARE]):
        return played
    return played | cymbals | (played & cymbals).any()


def _runs(marked: NDArray[np.bool_]) -> list[slice]:
    """Slices of consecutive True values."""
    edges = np.flatnonzero(np.diff(marked.astype(np.int8), prepend=0, append=0))
    return [slice(int(first), int(last)) for first, last in edges.reshape(-1, 2)]
