"""The outputs of the command: a stream of stems, or a file for each of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import chain, islice
from typing import TYPE_CHECKING, Final

from drumkit_cli import console
from drumkit_cli.audio.reader import AudioReader, Samples, resampled_channels, resampled_frames
from drumkit_cli.audio.stems import stem_track_names
from drumkit_cli.audio.tape import Tape
from drumkit_cli.audio.wav import WavWriter
from drumkit_cli.audio.writing import EncodedWriter, open_writer
from drumkit_cli.io.streams import Input, open_output
from drumkit_cli.separate.layout import Layout

if TYPE_CHECKING:
    from drumkit_cli.separate.command import Job

BLOCK_FRAMES: Final = 1 << 16


def at_rate(
    blocks: Iterable[Samples], shape: tuple[int, int], from_rate: int, to_rate: int
) -> Iterator[Samples]:
    """Blocks `[S, C, n]`, `shape` being [S, C], at another rate."""
    flat = (block.reshape(-1, block.shape[2]) for block in blocks)
    for block in resampled_channels(flat, math.prod(shape), from_rate, to_rate):
        yield block.reshape(*shape, -1)


def from_tape(tape: Tape, stems: int, channels: int) -> Iterator[Samples]:
    """Blocks `[S, C, n]` from a tape that holds them frame by frame."""
    for numbers in tape.blocks(stems * channels * BLOCK_FRAMES):
        yield numbers.reshape(-1, stems, channels).transpose(1, 2, 0)


def write_stems(
    blocks: Iterator[Samples],
    gain: float,
    source: Input,
    reader: AudioReader,
    layout: Layout,
    channels: int,
    job: Job,
    comment: str,
) -> None:
    """Write the stems where the job says, whole or not at all."""
    rate = job.rate or reader.rate
    frames = resampled_frames(reader.frames, reader.rate, rate)
    blocks = chain([*islice(blocks, 1)], blocks)  # weights that fail do so before any output
    with ExitStack() as stack:

        def opened(
            path: str | None, count: int, tracks: Sequence[str] = ()
        ) -> WavWriter | EncodedWriter:
            sink = stack.enter_context(open_output(path))
            writer = open_writer(
                sink,
                job.form,
                rate,
                count,
                frames=frames,
                encoding=job.encoding,
                track_names=tracks,
                comment=comment,
            )
            stack.enter_context(writer)
            return writer

        if job.destination.is_folder:
            writers = [
                opened(job.destination.place(source.name, stem=name), channels)
                for name in layout.names
            ]
        else:
            tracks = stem_track_names(layout.names) if len(layout.names) > 1 else ()
            place = job.destination.place(source.name)
            writers = [opened(place, channels * len(layout.names), tracks)]
        for stems in blocks:
            scaled = stems * gain if gain != 1.0 else stems
            if job.destination.is_folder:
                for writer, stem in zip(writers, scaled, strict=True):
                    writer.write(stem)
            else:
                writers[0].write(scaled.reshape(-1, scaled.shape[2]))
    clipped = sum(writer.clipped_samples for writer in writers)
    if clipped:
        console.warn(f"{source.name}: {clipped} samples were clipped; --clip rescale avoids it")
    if gain != 1.0:
        console.detail(f"{source.name}: all stems were scaled by {gain:.4f} to fit")
