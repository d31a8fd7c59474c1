"""Drum patterns written as a Standard MIDI file while they are made, whatever their number.

A track's length stands before it, so that its bytes wait in a temporary file, unlinked, once they
are more than a megabyte: memory does not grow with the length.
"""

from __future__ import annotations

import heapq
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from typing import BinaryIO, Final

import numpy as np

from drumkit_cli.io.arrays import npy_header
from drumkit_cli.io.streams import open_output, spool_failure
from drumkit_cli.midi.drum_maps import VOICE_PITCHES
from drumkit_cli.midi.files import variable_length, write_midi
from drumkit_cli.midi.track import DRUM_CHANNEL, empty_track
from drumkit_cli.patterns.grid import Floats

TICKS_PER_STEP: Final = 120
NOTE_TICKS: Final = TICKS_PER_STEP // 2
LATEST: Final = 0.25
"""The most that a hit may be off its sixteenth: then no note of a drum overlaps its next one."""
_MEMORY_BYTES: Final = 1 << 20
_END: Final = b"\xff\x2f\x00"
_EMPTY_TEXT: Final = b"\xff\x01\x00"
_LONGEST_WAIT: Final = (1 << 28) - 1


def write_drums(
    path: str | None,
    blocks: Iterable[tuple[Floats, Floats | None]],
    shape: tuple[int, int, int],
    tempo_bpm: float,
    comment: str = "",
) -> None:
    """Write blocks of sixteenths of the six voices to a file, or to stdout for None and "-".

    A name that ends in .npy gets the velocities as an array of ``shape`` [N, V, T], anything else
    MIDI, as `write_drum_file`.

    Raises:
        OutputError: the file cannot be made.
        StreamError: there is no room in TMPDIR.
    """
    with open_output(path) as sink:
        if path is not None and path.lower().endswith(".npy"):
            sink.write(npy_header(shape, np.float32))
            for velocities, _ in blocks:
                sink.write(np.ascontiguousarray(velocities, "<f4").tobytes())
        else:
            write_drum_file(sink, blocks, VOICE_PITCHES, tempo_bpm, comment)


def write_drum_file(
    sink: BinaryIO,
    blocks: Iterable[tuple[Floats, Floats | None]],
    pitches: Sequence[int],
    tempo_bpm: float,
    comment: str = "",
) -> None:
    """Write blocks of sixteenths end to end as a MIDI file of one track on channel 10.

    Args:
        sink: gets the file.
        blocks: velocities ``[V, T]`` 0..1, where 0 is a rest, and how late each hit is in
            sixteenths, -0.25..0.25 (None: all on time).
        pitches: of the voices.
        tempo_bpm: quarters a minute.
        comment: becomes a text event.

    Raises:
        StreamError: there is no room in TMPDIR.
        ValueError: a tempo that MIDI cannot tell.
    """
    empty = write_midi(
        empty_track(tempo_bpm, ticks_per_quarter=4 * TICKS_PER_STEP, name="drums"), comment
    )
    head = empty[: -len(b"\x00" + _END)]
    with tempfile.SpooledTemporaryFile(_MEMORY_BYTES) as body:
        try:
            for piece in _events(blocks, pitches):
                body.write(piece)
            length = body.tell()
            body.seek(0)
        except OSError as failure:
            raise spool_failure("the MIDI track", failure) from failure
        opening = head[head.index(b"MTrk") + 8 :]
        sink.write(head[: head.index(b"MTrk") + 4])
        sink.write((len(opening) + length).to_bytes(4, "big") + opening)
        shutil.copyfileobj(body, sink)


def _events(
    blocks: Iterable[tuple[Floats, Floats | None]], pitches: Sequence[int]
) -> Iterable[bytes]:
    """The note events of blocks with the ticks between them, then the end of the track."""
    waiting: list[tuple[int, int, int, int]] = []  # tick, 0 to end or 1 to begin, pitch, velocity
    now = step = 0
    for velocities, offsets in blocks:
        for at, voice in zip(*np.nonzero(velocities.T), strict=True):
            late = float(offsets[voice, at]) if offsets is not None else 0.0
            tick = max(round((step + int(at) + late) * TICKS_PER_STEP), 0)
            velocity = min(max(round(float(velocities[voice, at]) * 127), 1), 127)
            heapq.heappush(waiting, (tick, 1, pitches[voice], velocity))
            heapq.heappush(waiting, (tick + NOTE_TICKS, 0, pitches[voice], 0))
        step += velocities.shape[1]
        ready = step * TICKS_PER_STEP - round(LATEST * TICKS_PER_STEP)
        while waiting and waiting[0][0] < ready:
            tick, _, pitch, velocity = heapq.heappop(waiting)
            yield _wait(tick - now) + bytes([0x90 | DRUM_CHANNEL, pitch, velocity])
            now = tick
    while waiting:
        tick, _, pitch, velocity = heapq.heappop(waiting)
        yield _wait(tick - now) + bytes([0x90 | DRUM_CHANNEL, pitch, velocity])
        now = tick
    yield _wait(max(step * TICKS_PER_STEP - now, 0)) + _END


def _wait(ticks: int) -> bytes:
    """The ticks before an event; empty texts stand in waits too long for one quantity."""
    texts, rest = divmod(ticks, _LONGEST_WAIT)
    return (variable_length(_LONGEST_WAIT) + _EMPTY_TEXT) * texts + variable_length(rest)
