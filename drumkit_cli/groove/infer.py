"""Performance of quantised drum tracks: `groove` of the API, and what the command shares."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.arguments import require_known, require_seed, require_within
from drumkit_cli.errors import UsageError
from drumkit_cli.groove.groover import Groover, Reference
from drumkit_cli.groove.inputs.groove_file import COLUMNS, GrooveTable, impose, swing_of
from drumkit_cli.groove.inputs.performance import (
    DENSITY_RANGE,
    DYNAMICS,
    FEEL_RANGE,
    FEEL_VALUES,
    VELOCITY_RANGE,
    Controls,
    Genre,
    Performance,
)
from drumkit_cli.groove.inputs.swing import Swing
from drumkit_cli.groove.inputs.template import Template, template_of
from drumkit_cli.groove.keeping import MOST_ADDED, addable_voices, choose_notes, keep_level
from drumkit_cli.groove.network import windowing
from drumkit_cli.groove.network.windowing import BEAT_STEPS, HOP_STEPS
from drumkit_cli.groove.playing import play_template
from drumkit_cli.io.arrays import Floats
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
    density: float | None = None,
    dynamics: float = DYNAMICS,
    swing: float | None = None,
    only: Sequence[str] = (),
    amount: float = 1.0,
    timing: float = 1.0,
    velocity: float = 1.0,
    drum_map: DrumMap | None = None,
    variation: int = 0,
    seed: int = 0,
    weights: str | Path | None = None,
    device: str = "cpu",
) -> Track:
    """Play a quantised drum track as a drummer would.

    Ghost notes and cymbals are added, and all notes of the seven drums of the model get velocities
    around those of the track and microtiming of at most half a sixteenth, 0 on average. Swing and
    all else stay as they are: tempo, other tracks, other drums. The model is loaded once a process.

    Args:
        track: a track with drums on channel 10 or in parts named drums; it is not changed.
        genre: "electronic", "rock", "funk", "jazz", "blues" or "hip-hop"; None for any.
        like: a track whose groove (ghost notes, dynamics, timing) is transferred, repeated over
            the track; or a table, whose velocities and timings take precedence where it has any.
        feel: "pushed", "on" or "laidback"; or the timing of each sixteenth, -1 (pushed) to 1
            (laidback), repeated over the track.
        velocity_pattern: loudness of the cymbals at each sixteenth, 1 (soft) to 5 (loud), 0 for no
            preference, repeated over the track.
        keep_notes: neither add nor remove notes; as a density of 0.
        density: how many notes are added (0 to 1) or left out (-1 to 0), for each note of the
            track; None: those that the model plays, at most half as many as the track has.
        dynamics: how strongly the model's accents shape the velocities of the track, 0 to 1.
        swing: 0 (straight) to 1 (triplets); None: that of the reference or else the track.
        only: drums to play, of "kick", "snare", "closed-hat", "open-hat", "ride", "crash" and
            "tom"; the others stay as they are. Empty: all.
        amount: interpolation between `track` (0) and the groove (1).
        timing: the same for timing alone; it multiplies `amount`.
        velocity: the same for velocities alone, and so for notes that are added and left out.
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
    if density is not None:
        if keep_notes:
            raise UsageError("keep_notes is a density of 0", "give one of them")
        require_within("density", density, *DENSITY_RANGE)
    shares = {"dynamics": dynamics, "amount": amount, "timing": timing, "velocity": velocity}
    for name, share in {**shares, "swing": swing or 0}.items():
        require_within(name, share, 0, 1)
    for voice in only:
        require_known("drum", voice, COLUMNS)
    require_seed(seed)
    require_seed(variation)
    controls = Controls(
        genre=None if genre is None else Genre(genre).in_model,
        velocity_pattern=tuple(velocity_pattern),
        feel=tuple(feel),
        density=0.0 if keep_notes else density,
        swing=swing,
        only=tuple(COLUMNS.index(voice) for voice in only),
        seed=seed,
        variation=variation,
        **shares,
    )
    template = template_of(track, "the track", drum_map)
    reference: Template | GrooveTable | None = None
    if like is not None:
        reference = (
            like if isinstance(like, GrooveTable) else template_of(like, "the reference", drum_map)
        )
    groover = load_model(Groover, "groove", weights, device)
    return play(template, groover, controls, prepare(groover, reference))


Like = Reference | GrooveTable | None
"""A groove to take over: the codes and latents of a track, or a table."""


def prepare(groover: Groover, like: Template | GrooveTable | None) -> Like:
    """Encode what is taken over if it is a track."""
    if isinstance(like, Template):
        return groover.encode(like.performance, like.swing)
    return like


def play(
    template: Template,
    groover: Groover,
    controls: Controls,
    like: Like = None,
    advance: Callable[[float], None] = lambda _: None,
) -> Track:
    """Play the drums of a file in any meter, whose steps may lie on other columns of the model.

    Args:
        template: the file.
        groover: the networks.
        controls: what the user asks for, by the file's own sixteenths.
        like: groove to take over.
        advance: as `perform`.
    """
    by_column = replace(
        controls,
        feel=template.by_column(controls.feel),
        velocity_pattern=template.by_column(controls.velocity_pattern),
    )
    reference = like if isinstance(like, Reference) else None
    played = perform(template.performance, groover, by_column, reference, advance)
    if reference is None:
        played = keep_level(template.performance, played, by_column)
    swing = _swing(template, like, controls)
    if isinstance(like, GrooveTable):
        played = impose(like, played, swing)
    from_place = controls.keeps_notes or (like is None and not controls.feel)
    return play_template(template, played, controls, swing, from_place=from_place)


def perform(
    template: Performance,
    groover: Groover,
    controls: Controls,
    reference: Reference | None = None,
    advance: Callable[[float], None] = lambda _: None,
) -> Performance:
    """Play a template of any length; the arguments determine the performance.

    Notes are added as codes of the reference, or else codes sampled from the prior, make them
    likely; velocities and timings are decoded from the reference's latents, or else from sampled
    ones. Where the template rests for two measures or more, the performance rests too.

    Args:
        template: velocities and offsets ``[V, T]``.
        groover: the networks.
        controls: what the user asks for.
        reference: groove to transfer (`Groover.encode`), repeated over the track.
        advance: called with the share of the work done since the last call, 1 in all.

    Returns:
        A performance of the template's length, as the networks play it.
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
    samples = reference is None and not controls.keeps_notes
    sampling = SAMPLING_SHARE if samples else 0.0
    addable = _addable(sketch, controls, reference)
    velocities, offsets = np.zeros_like(sketch), np.zeros_like(sketch)
    for passage in passages:
        place = slice(HOP_STEPS * passage.start, HOP_STEPS * (passage.stop + 1))
        notes = sketch[:, place]
        if not controls.keeps_notes:
            if reference is not None:
                beats = np.arange(place.start, place.stop, BEAT_STEPS) // BEAT_STEPS
                codes = reference.codes[beats % len(reference.codes)]
            else:
                codes = groover.sample_codes(
                    windows[passage],
                    controls.genre,
                    generator,
                    lambda n: advance(share * sampling * n),
                )
            logits = groover.note_logits(windows[passage], codes)
            most = MOST_ADDED if reference is None else math.inf
            notes = choose_notes(notes > 0, logits, addable, controls.density, most)
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


def _swing(template: Template, like: Like, controls: Controls) -> Swing:
    """The swing that is asked for, or else that of what is taken over, or else the template's."""
    swing = template.swing
    if like is not None:
        others = swing_of(like) if isinstance(like, GrooveTable) else like.swing
        swing = swing if others.is_straight else others
    return swing if controls.swing is None else swing.with_amount(controls.swing)


def _addable(sketch: Floats, controls: Controls, reference: Reference | None) -> NDArray[np.bool_]:
    """Which voices ``[V]`` may get notes: those of the reference or likely ones, if asked for."""
    played = np.asarray(sketch.any(1))
    if reference is not None:
        played = played | reference.voices
    else:
        played = addable_voices(played, controls.genre, controls.density)
    return played & [controls.plays(voice) for voice in range(len(played))]


def _runs(marked: NDArray[np.bool_]) -> list[slice]:
    """Slices of consecutive True values."""
    edges = np.flatnonzero(np.diff(marked.astype(np.int8), prepend=0, append=0))
    return [slice(int(first), int(last)) for first, last in edges.reshape(-1, 2)]
