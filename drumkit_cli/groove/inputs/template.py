"""The drums of a MIDI file, and the file again with them played: all that is no drum of ours stays.

A note of the template is known by the cell of the grid, voice and sixteenth, that it lies in. It
keeps its pitch, channel and track; what is played says whether it stays, when it sounds and how
loud.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from drumkit_cli.errors import BadDataError
from drumkit_cli.groove.inputs.performance import Performance
from drumkit_cli.groove.network.windowing import VOICE_OF_PITCH, VOICE_PITCHES, VOICES
from drumkit_cli.midi.files import read_midi
from drumkit_cli.midi.track import Note, Track, moved
from drumkit_cli.patterns.grid import (
    MEASURE_STEPS,
    STEPS_PER_QUARTER,
    drum_notes,
    nearest_step,
    read_grid,
)

Cell = tuple[int, int]
"""Voice and sixteenth."""


@dataclass(frozen=True)
class Template:
    """A MIDI file whose drums are to be played.

    Attributes:
        track: all of the file.
        performance: its drums as they are.
        cells: the notes of each voice and sixteenth that has any, the loudest first.
        unknown: pitch to the number of drum notes of no voice, which stay as they are.
    """

    track: Track
    performance: Performance
    cells: Mapping[Cell, Sequence[Note]]
    unknown: Mapping[int, int]

    @property
    def ticks_per_step(self) -> float:
        """Ticks a sixteenth."""
        return self.track.ticks_per_quarter / STEPS_PER_QUARTER


def read_template(data: bytes, name: str) -> Template:
    """Read a MIDI file; ``name`` is for messages.

    Raises:
        BadDataError: no MIDI file, none of the seven voices in it, or as `read_grid`.
    """
    track = read_midi(data, name)
    grid = read_grid(track, name, VOICE_OF_PITCH, len(VOICES))
    cells: dict[Cell, list[Note]] = defaultdict(list)
    for note in drum_notes(track):
        if note.pitch in VOICE_OF_PITCH:
            step, _ = nearest_step(note.onset_ticks, track.ticks_per_quarter / STEPS_PER_QUARTER)
            cells[VOICE_OF_PITCH[note.pitch], step].append(note)
    if not cells:
        raise BadDataError(f"{name} has no notes to play", f"a groove has {', '.join(VOICES)}")
    for notes in cells.values():
        notes.sort(key=lambda note: -note.velocity)  # stable: of equals the first, as in the grid
    performance = Performance(grid.velocities, grid.offsets)
    return Template(track, performance, dict(cells), grid.unknown)


def play_template(template: Template, played: Performance, amount: float = 1.0) -> Track:
    """The file with its drums played.

    Velocities and onsets go from the template's (``amount`` 0, exactly) to the played ones (1). A
    note that is not played fades out, one that the template lacks fades in, at its own place. Notes
    stay in their sixteenth, and within the template's measures or the file's length.

    Args:
        template: the file.
        played: what is played, ``[V, T]`` like the template's performance.
        amount: 0 to 1.
    """
    steps = _steps(template)
    end_ticks = max(template.track.end_ticks, math.ceil(steps * template.ticks_per_step))
    made = [
        note
        for cell, notes in template.cells.items()
        for note in _move(template, cell, notes, played, amount, end_ticks)
    ]
    made += _added(template, played, amount, steps)
    replaced = {note for notes in template.cells.values() for note in notes}
    kept = [note for note in template.track.notes if note not in replaced]
    return template.track.with_notes([*kept, *_shorten(made, replaced, end_ticks)])


def _steps(template: Template) -> int:
    """The sixteenths of the file's measures: no note is added after.

    An early downbeat at the end of a file lies in a cell of the measure after, and a last note may
    ring into that measure; it does not belong to the file.
    """
    measure_ticks = template.ticks_per_step * MEASURE_STEPS
    last = max(note.onset_ticks for notes in template.cells.values() for note in notes)
    measures = max(int(last / measure_ticks) + 1, round(template.track.end_ticks / measure_ticks))
    return measures * MEASURE_STEPS


def _move(
    template: Template,
    cell: Cell,
    notes: Sequence[Note],
    played: Performance,
    amount: float,
    end_ticks: int,
) -> list[Note]:
    """The notes of a cell; the loudest is as played, others keep their distance and proportion.

    They move together, and no further than all stay in the cell: strokes of a flam never meet.
    """
    loudest = notes[0]
    goal = 127 * float(played.velocities[cell])
    velocity = loudest.velocity + amount * (goal - loudest.velocity)
    shift = 0
    if goal:
        onset = (cell[1] + float(played.offsets[cell])) * template.ticks_per_step
        first, last = _ticks(cell[1], template.ticks_per_step)
        onsets = [note.onset_ticks for note in notes]
        shift = round(amount * (onset - loudest.onset_ticks))
        shift = min(shift, max(min(last, end_ticks - 1) - max(onsets), 0))
        shift = max(shift, first - min(onsets))
    elif velocity < 0.5:
        return []
    changed = []
    for note in notes:
        louder = round(velocity * note.velocity / loudest.velocity)
        made = replace(note, velocity=min(max(louder, 1), 127))
        if shift:
            made = moved(made, note.onset_ticks + shift, note.duration_ticks)
        changed.append(made)
    return changed


def _added(template: Template, played: Performance, amount: float, steps: int) -> Iterable[Note]:
    """The notes that the template lacks, where it plays that drum or, if it never does, any."""
    track, ticks_per_step = template.track, template.ticks_per_step
    homes = _homes(template)
    for step, voice in zip(*np.nonzero(played.velocities[:, :steps].T), strict=True):
        velocity = round(127 * amount * float(played.velocities[voice, step]))
        first, last = _ticks(int(step), ticks_per_step)
        if (int(voice), int(step)) in template.cells or velocity == 0 or first > last:
            continue
        onset = round((int(step) + float(played.offsets[voice, step])) * ticks_per_step)
        home = homes[int(voice)]
        yield replace(
            track.note(
                min(max(onset, first), last),
                max(round(ticks_per_step), 1),
                home.pitch,
                min(velocity, 127),
            ),
            channel=home.channel,
            program=home.program,
            drum=home.drum,
            part=home.part,
        )


def _homes(template: Template) -> list[Note]:
    """A note for each voice whose pitch, channel and track added ones get.

    The drum of that voice that the template plays most; where it plays none, General MIDI's.
    """
    found: list[Counter[tuple[int, int, int]]] = [Counter() for _ in VOICES]
    examples: dict[tuple[int, int, int], Note] = {}
    for (voice, _), notes in sorted(template.cells.items(), key=lambda cell: cell[0][::-1]):
        for note in notes:
            key = (note.pitch, note.channel, note.part)
            found[voice][key] += 1
            examples.setdefault(key, note)
    first = next(iter(examples.values()))
    return [
        examples[count.most_common(1)[0][0]] if count else replace(first, pitch=pitch)
        for count, pitch in zip(found, VOICE_PITCHES, strict=True)
    ]


def _ticks(step: int, ticks_per_step: float) -> tuple[int, int]:
    """The first and the last tick whose nearest sixteenth is this; none where first > last."""
    first = max(math.ceil((step - 0.5) * ticks_per_step), 0)
    return first, math.ceil((step + 0.5) * ticks_per_step) - 1


def _shorten(made: Iterable[Note], template: set[Note], end_ticks: int) -> list[Note]:
    """Let no changed note run into the next one of its drum, nor beyond the end."""
    drums: dict[tuple[int, int, int], list[Note]] = defaultdict(list)
    for note in made:
        drums[note.part, note.channel, note.pitch].append(note)
    fitted = []
    for notes in drums.values():
        notes.sort(key=lambda note: note.onset_ticks)
        for note, following in zip(notes, [*notes[1:], None], strict=True):
            end = note.onset_ticks + note.duration_ticks
            limit = end if note in template else end_ticks
            if following is not None and not (note in template and following in template):
                limit = min(limit, following.onset_ticks)
            fitted.append(
                replace(note, duration_ticks=max(limit - note.onset_ticks, 0))
                if end > limit
                else note
            )
    return fitted
