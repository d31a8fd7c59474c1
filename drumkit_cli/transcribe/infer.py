"""Drum transcription: hits, beats and bars of audio of any length, in constant memory."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.arguments import require_within
from drumkit_cli.audio.reader import resampled
from drumkit_cli.audio.samples import as_channels, blocks_of
from drumkit_cli.errors import BadDataError, UsageError
from drumkit_cli.io.arrays import Floats
from drumkit_cli.learning.models import load_model
from drumkit_cli.listening.beat_tracker import BeatTracker
from drumkit_cli.listening.ear import Listener, listen
from drumkit_cli.listening.hits import Hit, hits_of
from drumkit_cli.listening.levels import FRAME_RATE, MEL
from drumkit_cli.listening.voices import VOICES
from drumkit_cli.midi.track import Track
from drumkit_cli.transcribe.drum_track import drum_track

VOICE_COUNTS: Final = (3, 6)
QUANTIZE_MAX: Final = 192


@dataclass(frozen=True)
class Transcription:
    """What was heard.

    Attributes:
        hits: by time.
        beats: float64 `[n, 2]`: seconds, number in the bar.
        seconds: length of the sound.
    """

    hits: tuple[Hit, ...]
    beats: NDArray[np.float64]
    seconds: float


def transcribe(
    samples: NDArray[np.floating[Any]],
    rate: int,
    *,
    drums: NDArray[np.floating[Any]] | None = None,
    voices: int = 6,
    threshold: float | None = None,
    quantize: int | None = None,
    weights: str | Path | None = None,
    device: str = "cpu",
) -> Track:
    """Write down the drums of a song as MIDI, with its tempi, meters and bars.

    The model is loaded once a process.

    Args:
        samples: the song, floats ``[channels, samples]`` or ``[samples]``, full scale at 1.
        rate: its sample rate in Hz, 1,000 to 768,000.
        drums: its drums alone, of that rate, where they are known: hits are then taken from them,
            and beats from the song.
        voices: 6 (kick, snare, closed hat, open hat, tom, cymbal), or 3 (kick, snare, hat).
        threshold: how sure the model must be of a hit, 0 to 1; None for what suits each voice.
        quantize: move hits to the nearest of so many parts of a whole note, 1 to 192.
        weights: a weights file, or a folder with one, in place of the shipped ones.
        device: "cpu", "cuda", "mps" or "auto".

    Returns:
        Drum notes on channel 10 where they sound, in a track of the song's length.

    Raises:
        BadDataError: not samples as above, or weights of another model.
        UsageError: no such device, or a value out of range.
        MissingInputError: `weights` does not exist.
        UnavailableError: this machine has no such device.

    Example:
        >>> song, rate = drumkit.read_audio("song.flac")
        >>> track = drumkit.transcribe(song, rate, drums=drumkit.separate(song, rate)["drums"])
    """
    song = as_channels(samples, rate)
    alone = None if drums is None else as_channels(drums, rate)
    if alone is not None and alone.shape[1] != song.shape[1]:
        raise BadDataError("the drums and the song have different lengths")
    if voices not in VOICE_COUNTS:
        raise UsageError(f"{voices} voices", "take 3 or 6")
    if threshold is not None:
        require_within("threshold", threshold, 0, 1)
    if quantize is not None:
        require_within("quantize", quantize, 1, QUANTIZE_MAX)
    listener = load_model(Listener, "transcribe", weights, device)

    def mono(channels: Floats | None) -> Iterable[Floats] | None:
        return None if channels is None else (block.mean(0) for block in blocks_of(channels))

    heard = hear(mono(song) or (), rate, listener, mono(alone), threshold=threshold)
    return drum_track(keep_voices(heard.hits, voices), heard.beats, heard.seconds, quantize)


def hear(
    song: Iterable[Floats],
    rate: int,
    listener: Listener,
    drums: Iterable[Floats] | None = None,
    *,
    threshold: float | None = None,
    advance: Callable[[float], None] = lambda _: None,
    watch: Callable[[Floats, Floats], None] = lambda _levels, _activations: None,
) -> Transcription:
    """Hear a song of any length, in constant memory.

    Args:
        song: blocks of mono samples ``[n]`` at ``rate``.
        rate: sample rate, Hz.
        listener: the trained ear.
        drums: blocks of its drums alone, from which hits are then taken.
        threshold: of every voice; None for those of the weights.
        advance: called with the seconds done since the last call.
        watch: called with the levels ``[t, F]`` and activations ``[t, 14]`` of what hits are
            taken from, block by block.
    """
    thresholds = listener.thresholds if threshold is None else (threshold,) * len(VOICES)
    share = 1.0 if drums is None else 0.5  # of the work, in each pass
    tracker = BeatTracker(listener)
    length = _Length()

    def activations(heard: Iterable[tuple[Floats, Floats]], *, watched: bool) -> Iterator[Floats]:
        for levels, block in heard:
            if watched:
                watch(levels, block)
            advance(len(block) / FRAME_RATE * share)
            yield block

    of_song = tracker.listen(resampled(length.of(song), rate, MEL.rate))
    if drums is None:
        hits = list(hits_of(activations(of_song, watched=True), thresholds))
    else:
        deque(activations(of_song, watched=False), maxlen=0)
        of_drums = listen(resampled(drums, rate, MEL.rate), listener)
        hits = list(hits_of(activations(of_drums, watched=True), thresholds))
    return Transcription(tuple(sorted(hits)), tracker.beats(), length.samples / rate)


def keep_voices(hits: Iterable[Hit], voices: int) -> list[Hit]:
    """The hits of so many voices; of 3, open hi-hats are hats, and toms and cymbals go."""
    if voices == len(VOICES):
        return list(hits)
    closed, opened = VOICES.index("closed hat"), VOICES.index("open hat")
    return [hit._replace(voice=min(hit.voice, closed)) for hit in hits if hit.voice <= opened]


class _Length:
    """Counts the samples that pass."""

    samples = 0

    def of(self, blocks: Iterable[Floats]) -> Iterator[Floats]:
        for block in blocks:
            self.samples += len(block)
            yield block
