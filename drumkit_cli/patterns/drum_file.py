"""Streams drum patterns into a MIDI or NPY file of any length, in constant memory.

A MIDI track is preceded by its length, so its bytes are collected first, in memory up to a
megabyte and in an unlinked temporary file beyond.
"""

import heapq
import io
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from typing import BinaryIO, Final

import numpy as np
from mido.frozen import FrozenMetaMessage

from drumkit_cli.io.arrays import Floats, npy_header
from drumkit_cli.io.outputs import kind_of
from drumkit_cli.io.spools import spool_failure
from drumkit_cli.io.streams import open_output
from drumkit_cli.midi.drum_maps import VOICE_PITCHES
from drumkit_cli.midi.files import read_midi, write_midi
from drumkit_cli.midi.messages import END_MARK, MAX_TICKS, encode, encode_note, encode_ticks
from drumkit_cli.midi.track import DRUM_CHANNEL, Track, empty_track

TICKS_PER_STEP: Final = 120
NOTE_TICKS: Final = TICKS_PER_STEP // 2
LATEST: Final = 0.25
"""Largest offset from a sixteenth, in sixteenths: notes of one drum then never overlap."""
_MEMORY_BYTES: Final = 1 << 20
_LONGEST_WAIT: Final = encode_ticks(MAX_TICKS) + encode(FrozenMetaMessage("text"))
"""The longest wait that can be written, and an empty text to end it."""


def write_drums(
    path: str | None,
    blocks: Iterable[tuple[Floats, Floats | None]],
    shape: tuple[int, int, int],
    tempo_bpm: float,
    comment: str = "",
) -> None:
    """Write blocks of sixteenths of the six voices to a file, or to stdout for None and "-".

    A name that ends in .npy gets the velocities as an array of ``shape`` [N, V, T]; any other
    output is MIDI, as `write_drum_file` writes it.

    Raises:
        OutputError: the file cannot be made.
        StreamError: there is no room in TMPDIR.
    """
    with open_output(path) as sink:
        if path is not None and kind_of(path) == ".npy":
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
    """Write consecutive blocks of sixteenths as a MIDI file of one track on channel 10.

    Args:
        sink: file to write to.
        blocks: velocities ``[V, T]`` 0..1, where 0 is a rest, and offsets ``[V, T]`` of the hits,
            -0.25 (early) to 0.25 (late) of a sixteenth, or None for no offsets.
        pitches: MIDI pitches of the voices.
        tempo_bpm: quarter notes per minute.
        comment: text of a text event; none where it is empty.

    Raises:
        StreamError: there is no room in TMPDIR.
        ValueError: MIDI cannot represent the tempo.
    """
    empty = write_midi(
        empty_track(tempo_bpm, ticks_per_quarter=4 * TICKS_PER_STEP, name="drums"), comment
    )
    head = empty[: -len(encode_ticks(0) + END_MARK)]
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


def drum_track(blocks: Iterable[tuple[Floats, Floats | None]], tempo_bpm: float) -> Track:
    """What `write_drums` writes as MIDI, as a track."""
    sink = io.BytesIO()
    write_drum_file(sink, blocks, VOICE_PITCHES, tempo_bpm)
    return read_midi(sink.getvalue(), "the drums")


def _events(
    blocks: Iterable[tuple[Floats, Floats | None]], pitches: Sequence[int]
) -> Iterable[bytes]:
    """The encoded note events of blocks with their delta times, then the end of the track."""
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
            yield _wait(tick - now) + encode_note("note_on", DRUM_CHANNEL, pitch, velocity)
            now = tick
    while waiting:
        tick, _, pitch, velocity = heapq.heappop(waiting)
        yield _wait(tick - now) + encode_note("note_on", DRUM_CHANNEL, pitch, velocity)
        now = tick
    yield _wait(max(step * TICKS_PER_STEP - now, 0)) + END_MARK


def _wait(ticks: int) -> bytes:
    """Encode a delta time; empty text events divide one that exceeds a variable-length quantity."""
    texts, rest = divmod(ticks, MAX_TICKS)
    return _LONGEST_WAIT * texts + encode_ticks(rest)
