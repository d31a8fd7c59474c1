"""From a stiff template to a played track; where the template rests, the performance rests."""

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
"""Of the time that it takes to play, the share of sampling codes."""


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
    """Play a stiff drum track as a drummer would.

    Ghost notes are added, cymbals are added and left out, all get velocities and microtiming of
    half a sixteenth at most. What is no drum of the seven that are played stays as it is: tempo,
    other tracks, other drums. The model is loaded once a process.

    Args:
        track: with drums on channel 10 or in tracks that are called drums; it is not changed.
        genre: "electronic", "rock", "funk", "jazz", "blues" or "hip-hop"; None for any.
        like: a track whose groove is taken over, which repeats: its ghost notes, dynamics and
            timing; or a table of velocities and timing, which are imposed where it has some.
        feel: "pushed", "on" or "laidback"; or how late each sixteenth is, -1 (pushed) to 1
            (laidback), which repeats.
        velocity_pattern: how loud the cymbals are at each sixteenth, 1 (soft) to 5 (loud), 0 for no
            preference, which repeats.
        keep_notes: add no note and leave none out.
        amount: how far to go from `track` (0: as it is) to the groove (1).
        drum_map: what the pitches are; None: those of General MIDI.
        variation: 0, 1, ...: other grooves of the same seed.
        seed: of what is sampled, 0 or more.
        weights: a weights file, or a folder with one, in place of what ships.
        device: "cpu", "cuda", "mps" or "auto".

    Returns:
        The track with its drums played.

    Raises:
        BadDataError: a track without drums that are played, or weights of another model.
        UsageError: no such genre, feel or device, or a value out of range.
        MissingInputError: `weights` does not exist.
        UnavailableError: the device is not there.

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
    """Play the drums of a file, whose steps may lie on other columns than the model's.

    Args:
        template: the file.
        groover: the networks.
        controls: what is asked for, by the file's own sixteenths.
        table: velocities and timing that are imposed.
        reference: a groove to be transferred, as `perform`.
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
    """Play a template of any length; the same arguments give the same performance.

    The notes come from the reference's codes, else from the prior; velocities and microtiming from
    the reference's latents, else from those that are likely for the notes.

    Where the template rests for two measures or more, the performance rests too.

    Args:
        template: velocities and offsets ``[V, T]``.
        groover: the networks.
        controls: what is asked for.
        reference: a groove to be transferred (`Groover.encode`); it is repeated over the track.
        advance: is told which share of the work has been done since the last time, 1 in all.

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
    """Which voices may be added to a template by those that it plays, both ``[V]``.

    All to a kick, a snare and cymbals, which is what the networks were trained on; cymbals to kick
    and snare. To less, such as a track of kicks alone, they would add toms or snares at each
    sixteenth, so that it gets no other drum.
    """
    cymbals = np.isin(np.arange(len(played)), (CLOSED, OPEN, RIDE, CRASH))
    if not (played[KICK] and played[SNARE]):
        return played
    return played | cymbals | (played & cymbals).any()


def _runs(marked: NDArray[np.bool_]) -> list[slice]:
    """Slices of consecutive places that are marked."""
    edges = np.flatnonzero(np.diff(marked.astype(np.int8), prepend=0, append=0))
    return [slice(int(first), int(last)) for first, last in edges.reshape(-1, 2)]
