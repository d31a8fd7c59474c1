"""A file again with its drums played: all that is no drum of ours stays.

A note of the template keeps its pitch, channel and track; what is played says whether it stays,
when it sounds and how loud.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from drumkit_cli.groove.inputs.pedal import move_pedal
from drumkit_cli.groove.inputs.performance import Controls, Performance
from drumkit_cli.groove.inputs.swing import Swing
from drumkit_cli.groove.inputs.template import Cell, Template
from drumkit_cli.groove.network.windowing import BEAT_STEPS, CLOSED, OPEN, VOICE_PITCHES, VOICES
from drumkit_cli.midi.track import Note, Track, moved

AS_PLAYED: Final = Controls()


def play_template(
    template: Template,
    played: Performance,
    controls: Controls = AS_PLAYED,
    swing: Swing | None = None,
    *,
    from_place: bool = False,
) -> Track:
    """The file with its drums played.

    Velocities and onsets go from the template's (an amount of 0, exactly) to the played ones (1). A
    note that is not played fades out, one that the template lacks fades in. Notes stay in their
    sixteenth, and within the template's measures or the file's length.

    Args:
        template: the file.
        played: what is played, ``[V, T]`` like the template's performance.
        controls: the amounts, and which voices are played.
        swing: that of what is played; None: the template's.
        from_place: the played offsets are from where the template's notes lie, and not from the
            sixteenths.
    """
    ruler = template.ruler
    last = max(note.onset_ticks for notes in template.cells.values() for note in notes)
    # An early downbeat at the end of a file lies in a cell of the measure after, and a last note
    # may ring into that measure; it does not belong to the file.
    steps = max(ruler.columns_begun(last), ruler.columns_filled(template.track.end_ticks))
    ends = ruler.ticks[:steps] + ruler.ticks_per_step
    end_ticks = max(template.track.end_ticks, math.ceil(np.nanmax(ends, initial=0)))
    player = _Player(template, played, controls, swing or template.swing, from_place)
    changed = {
        cell: player.move(cell, notes, end_ticks) if controls.plays(cell[0]) else notes
        for cell, notes in template.cells.items()
    }
    made = [note for notes in changed.values() for note in notes]
    made += player.added(steps)
    replaced = {note for notes in template.cells.values() for note in notes}
    kept = [note for note in template.track.notes if note not in replaced]
    track = template.track.with_notes([*kept, *_shorten(made, replaced, end_ticks)])
    shifts = {}
    for cell, notes in template.cells.items():
        place = ruler.place(notes[0].onset_ticks)
        if cell[0] in (CLOSED, OPEN) and changed[cell] and place is not None:
            shift = changed[cell][0].onset_ticks - notes[0].onset_ticks
            shifts[notes[0].channel, place[0]] = shift
    return replace(track, parts=move_pedal(track.parts, ruler, shifts))


@dataclass(frozen=True)
class _Player:
    """Moves the notes of a template, and adds some; as `play_template`."""

    template: Template
    played: Performance
    controls: Controls
    swing: Swing
    from_place: bool

    def move(self, cell: Cell, notes: Sequence[Note], end_ticks: int) -> list[Note]:
        """The notes of a cell; the loudest is as played, others keep their distance and proportion.

        They move together, and no further than all stay in the cell: strokes of a flam never meet.
        """
        loudest, ruler = notes[0], self.template.ruler
        goal = 127 * float(self.played.velocities[cell])
        share = self.controls.amount * self.controls.velocity
        velocity = loudest.velocity + share * (goal - loudest.velocity)
        if not goal and velocity < 0.5:
            return []
        first, last = self._room(cell)
        onsets = [note.onset_ticks for note in notes]
        before, after = (of.delays(BEAT_STEPS)[cell[1] % BEAT_STEPS] for of in self._swings)
        late = (loudest.onset_ticks - float(ruler.ticks[cell[1]])) / ruler.ticks_per_step - before
        lead = float(self.played.offsets[cell]) - (0 if self.from_place else late)
        moves = after - before + (self.controls.timing * lead if goal else 0)
        shift = round(moves * ruler.ticks_per_step)
        shift = min(shift, max(min(last, end_ticks - 1) - max(onsets), 0))
        shift = round(self.controls.amount * max(shift, first - min(onsets)))
        changed = []
        for note in notes:
            louder = round(velocity * note.velocity / loudest.velocity)
            made = replace(note, velocity=min(max(louder, 1), 127))
            if shift:
                made = moved(made, note.onset_ticks + shift, note.duration_ticks)
            changed.append(made)
        return changed

    def added(self, steps: int) -> Iterable[Note]:
        """Notes that the template lacks, of the drum that it plays or, if it never does, of any."""
        track, ruler = self.template.track, self.template.ruler
        homes = _homes(self.template)
        loudness = 127 * self.controls.amount * self.controls.velocity
        delays = self.swing.delays(BEAT_STEPS)
        for step, voice in np.argwhere(self.played.velocities[:, :steps].T).tolist():
            velocity = round(loudness * float(self.played.velocities[voice, step]))
            home = homes[voice]
            known = (voice, step) in self.template.cells or np.isnan(ruler.ticks[step])
            if home is None or velocity == 0 or known or not self.controls.plays(voice):
                continue
            first, last = self._room((voice, step))
            if first > last:
                continue
            late = delays[step % BEAT_STEPS]
            late += self.controls.timing * float(self.played.offsets[voice, step])
            onset = round(float(ruler.ticks[step] + late * ruler.ticks_per_step))
            yield replace(
                track.note(
                    min(max(onset, first), last),
                    max(round(ruler.ticks_per_step), 1),
                    home.pitch,
                    min(velocity, 127),
                ),
                channel=home.channel,
                program=home.program,
                drum=home.drum,
                part=home.part,
            )

    @property
    def _swings(self) -> tuple[Swing, Swing]:
        return self.template.swing, self.swing

    def _room(self, cell: Cell) -> tuple[int, int]:
        """First and last tick nearest to a sixteenth as it swings; no note where first > last.

        An offset above 1/2, which only a groove file has, reaches as far, if no note follows there.
        """
        ruler, (voice, column) = self.template.ruler, cell
        delays = self.swing.delays(BEAT_STEPS)
        before, here, after = (delays[(column + step) % BEAT_STEPS] for step in (-1, 0, 1))
        early, late = (here + before - 1) / 2, (here + after + 1) / 2
        following = (voice, column + 1)
        if self.played.offsets[cell] > 1 / 2 and following not in self.template.cells:
            late = max(late, here + float(self.played.offsets[cell]))
        first, last = (
            math.ceil(ruler.ticks[column] + edge * ruler.ticks_per_step) for edge in (early, late)
        )
        return max(first, 0), last - 1


def _homes(template: Template) -> list[Note | None]:
    """A note for each voice whose pitch, channel and track added ones get.

    The drum of that voice that the template plays most; where it plays none, the one that General
    MIDI has, or the first of the drum map; None where the map has no drum of the voice.
    """
    found: list[Counter[tuple[int, int, int]]] = [Counter() for _ in VOICES]
    examples: dict[tuple[int, int, int], Note] = {}
    for (voice, _), notes in sorted(template.cells.items(), key=lambda cell: cell[0][::-1]):
        for note in notes:
            key = (note.pitch, note.channel, note.part)
            found[voice][key] += 1
            examples.setdefault(key, note)
    first = next(iter(examples.values()))
    homes: list[Note | None] = []
    for voice, (count, usual) in enumerate(zip(found, VOICE_PITCHES, strict=True)):
        if count:
            homes.append(examples[count.most_common(1)[0][0]])
            continue
        pitches = [pitch for pitch, of in template.voices.items() if of == voice]
        pitch = usual if usual in pitches else next(iter(pitches), None)
        homes.append(None if pitch is None else replace(first, pitch=pitch))
    return homes


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
