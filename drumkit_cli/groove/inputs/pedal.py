"""The pedal of the hi-hat, controller 4, which says how open the hats sound that follow it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from drumkit_cli.midi.track import Event, Part
from drumkit_cli.patterns.ruler import Ruler

_FOOT_CONTROL: Final = 4


def move_pedal(
    parts: Sequence[Part], ruler: Ruler, shifts: Mapping[tuple[int, int], int]
) -> tuple[Part, ...]:
    """Move the pedal with the hats, so that none is struck before the pedal has come to its place.

    Args:
        parts: those of a file, whose other events stay.
        ruler: that of the file's grid.
        shifts: by how many ticks the hats of a channel and column were moved. What the pedal does
            in that sixteenth moves as far, and stays in the sixteenth.
    """

    def moved(event: Event, end_ticks: int) -> Event:
        message = event.message
        if message.type != "control_change" or message.control != _FOOT_CONTROL:
            return event
        column, late = ruler.place(event.tick) or (-1, 0.0)
        shift = shifts.get((message.channel, column), 0)
        if not shift or late >= 0.5:  # after the last measure
            return event
        first, last = ruler.cell_ticks(column)
        return event._replace(tick=min(max(event.tick + shift, first), last, end_ticks))

    return tuple(
        replace(
            part,
            events=tuple(
                sorted(
                    (moved(event, part.end_ticks) for event in part.events),
                    key=lambda event: event[:2],
                )
            ),
        )
        for part in parts
    )
