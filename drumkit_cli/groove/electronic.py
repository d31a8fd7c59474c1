"""What stays of electronic templates that are played at the defaults, for `evaluate`."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from drumkit_cli import console
from drumkit_cli.groove.groover import Groover
from drumkit_cli.groove.infer import play
from drumkit_cli.groove.inputs.performance import Controls
from drumkit_cli.groove.inputs.swing import Swing
from drumkit_cli.groove.inputs.template import Cell, Template, template_of
from drumkit_cli.groove.network.windowing import KICK, SNARE
from drumkit_cli.io.arrays import Floats
from drumkit_cli.midi.track import moved
from drumkit_cli.patterns.drum_file import drum_track
from drumkit_cli.patterns.pattern_sets import load_step_sequences

COUNT: Final = 60
TEMPO_BPM: Final = 120.0
MILLISECONDS_PER_STEP: Final = 15_000 / TEMPO_BPM
SWINGS: Final = (Swing(1, 0.56), Swing(1, 0.62), Swing(2, 0.58), Swing(2, 2 / 3))
"""What templates are swung with; they are on the grid."""


class Kept(NamedTuple):
    """What stays of a template.

    Attributes:
        shift_ms: mean onset from the grid, at 120 bpm.
        spread_ms: standard deviation of the onsets.
        backbone: share of its kicks and snares that are played.
        velocity: mean velocity of its notes that are played, relative to their own.
        velocity_of_all: mean velocity of all notes played, relative to that of all its own.
        added: notes added, for each note that it has.
    """

    shift_ms: float
    spread_ms: float
    backbone: float
    velocity: float
    velocity_of_all: float
    added: float


def describe(data: Path, groover: Groover) -> list[str]:
    """Sentences on the held-out electronic patterns beside the folder; none where there are none.

    Raises:
        BadDataError: a pattern is damaged.
    """
    patterns = load_step_sequences(data.resolve().parent)
    if patterns is None:
        return []
    held_out = patterns.where("test", "electronic")
    chosen = held_out[np.linspace(0, len(held_out) - 1, min(COUNT, len(held_out))).astype(int)]
    templates = [
        template_of(drum_track([(velocities, None)], TEMPO_BPM), "the template")
        for velocities in chosen
        if velocities[:4].any()
    ]
    with console.progress(2 * len(templates), "playing electronic templates") as bar:
        kept = []
        for template in templates:
            kept.append(compare(template, groover))
            bar.advance(1)
        swings = []
        for number, template in enumerate(templates):
            swings += list(_swings(template, SWINGS[number % len(SWINGS)], groover))
            bar.advance(1)
    return [*_of_straight(kept), *_of_swung(swings)]


def compare(template: Template, groover: Groover, controls: Controls | None = None) -> Kept:
    """Play a template, and compare the two."""
    controls = controls or Controls()
    before = template.performance
    after = template_of(play(template, groover, controls), "the groove").performance
    steps = min(before.velocities.shape[1], after.velocities.shape[1])
    own, made = before.velocities[:, :steps], after.velocities[:, :steps]
    had, has = own > 0, made > 0
    late = MILLISECONDS_PER_STEP * after.offsets[:, :steps][has]
    backbone = had[[KICK, SNARE]]
    return Kept(
        float(late.mean()),
        float(late.std()),
        float(has[[KICK, SNARE]][backbone].mean()) if backbone.any() else 1.0,
        float(made[had & has].mean() / own[had & has].mean()),
        float(made[has].mean() / own[had].mean()),
        float((has & ~had).sum() / had.sum()),
    )


def swung(template: Template, swing: Swing) -> Template:
    """A template on the grid with its notes as late as a swing has them."""
    ruler = template.ruler
    delays = swing.delays(ruler.columns) * ruler.ticks_per_step
    notes = [
        moved(note, note.onset_ticks + round(float(delays[column])), note.duration_ticks)
        for (_, column), cell in template.cells.items()
        for note in cell
    ]
    return template_of(template.track.with_notes(notes), "the template")


def _swings(template: Template, swing: Swing, groover: Groover) -> Iterator[tuple[float, float]]:
    """The ratio of the swung template and of its notes in its groove; none where none swings."""
    late = swung(template, swing)
    swing = late.swing  # of sixteenths where the template has these alone
    if swing.is_straight:
        return
    groove = template_of(play(late, groover, Controls()), "the groove")
    seconds = [cell for cell in late.cells if cell[1] % (2 * swing.pair) == swing.pair]
    yield _ratio(late, late, seconds, swing), _ratio(groove, late, seconds, swing)


def _ratio(played: Template, written: Template, seconds: Sequence[Cell], swing: Swing) -> float:
    """The ratio of pairs in what is played of a template, by their second notes.

    Each is that of its voice nearest to where it was written.
    """
    ruler = written.ruler
    late = []
    for voice, column in seconds:
        onset = written.cells[voice, column][0].onset_ticks
        onsets = [
            note.onset_ticks
            for cell, notes in played.cells.items()
            if cell[0] == voice
            for note in notes
        ]
        nearest = min(onsets, key=lambda other: abs(other - onset))
        late.append((nearest - ruler.ticks[column]) / ruler.ticks_per_step)
    return 1 / 2 + float(np.mean(late)) / (2 * swing.pair)


def _of_straight(played: Sequence[Kept]) -> list[str]:
    figures: Floats = np.array(played, np.float32)
    mean = Kept(*figures.mean(0).tolist())
    shifts = np.abs(figures[:, 0])
    shift = f"{mean.shift_ms:+.2f} ms (of one {shifts.mean():.2f}, up to {shifts.max():.2f})"
    timing = f"mean onset {shift}, spread {mean.spread_ms:.1f} ms"
    velocity = f"{mean.velocity:.3f} of the template's, of all notes {mean.velocity_of_all:.3f}"
    kept = f"kicks and snares kept {mean.backbone:.3f}, notes added {mean.added:.3f}"
    return [
        f"{len(figures)} held-out electronic templates at the defaults, 120 bpm: {timing}",
        f"the same: {kept}, mean velocity of kept notes {velocity}",
    ]


def _of_swung(swings: Sequence[tuple[float, float]]) -> list[str]:
    if not swings:
        return []
    before, after = np.array(swings).T
    ratios = f"ratio {before.mean():.3f} before, {after.mean():.3f} after"
    apart = np.abs(after - before).max()
    return [f"{len(swings)} of them swung: {ratios}, at most {apart:.3f} apart"]
