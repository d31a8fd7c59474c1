"""Beats and bars of a song that is heard block by block."""

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import tee

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.audio.reader import resampled
from drumkit_cli.io.arrays import Floats
from drumkit_cli.learning.models import load_model
from drumkit_cli.listening.bar_features import Heard, beat_features, keep, near
from drumkit_cli.listening.beats import decode_bars, decode_beats
from drumkit_cli.listening.ear import BEAT, DOWNBEAT, Listener, listen
from drumkit_cli.listening.levels import FRAME_RATE, MEL, PITCH, PITCH_FRAMES
from drumkit_cli.spectral.mel_spectrogram import discretise, mel_blocks


class BeatTracker:
    """Passes on what the ear hears of a song, and keeps of it what its beats are found in.

    That is 5 kB a second.
    """

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._kept: list[tuple[Floats, NDArray[np.uint8], NDArray[np.uint8]]] = []
        self._pitches: list[NDArray[np.uint8]] = []

    def listen(self, blocks: Iterable[Floats]) -> Iterator[tuple[Floats, Floats]]:
        """Yield levels and activations as `ear.listen` does."""
        ours, theirs = tee(blocks)
        pitches = mel_blocks(theirs, PITCH)
        frames = pitch_frames = 0
        before: Floats | None = None
        for levels, activations in listen(ours, self._listener):
            self._kept.append(keep(levels, levels[0] if before is None else before, activations))
            before = levels[-1]
            frames += len(levels)
            while pitch_frames * PITCH_FRAMES < frames:
                self._pitches.append(discretise(next(pitches).T, PITCH))
                pitch_frames += len(self._pitches[-1])
            yield levels, activations

    def beats(self) -> NDArray[np.float64]:
        """Beats `[n, 2]` of what was listened to: seconds, number in the bar."""
        if not self._kept:
            return np.zeros((0, 2))
        activations, rises, timbre = map(np.concatenate, zip(*self._kept, strict=True))
        pitches = np.concatenate(self._pitches)
        return beats_of(Heard(activations, rises, timbre, pitches), self._listener)


def hear_beats(blocks: Iterable[Floats], rate: int) -> NDArray[np.float64]:
    """The beats `[n, 2]` of mono blocks of music: seconds, number in the bar.

    Raises:
        UnavailableError, BadDataError: as `load_model`.
    """
    tracker = BeatTracker(load_model(Listener, "transcribe"))
    deque(tracker.listen(resampled(blocks, rate, MEL.rate)), maxlen=0)
    return tracker.beats()


def beats_of(heard: Heard, listener: Listener) -> NDArray[np.float64]:
    """Beats `[n, 2]` of a song: seconds, number in the bar.

    Without a network of bars, downbeats are those of the ear.
    """
    beats = decode_beats(heard.activations[:, BEAT], FRAME_RATE) / FRAME_RATE
    if not len(beats):
        return np.zeros((0, 2))
    if listener.finds_bars:
        downbeats = listener.downbeats(beat_features(heard, beats))
    else:
        downbeats = near(heard.activations, beats)[:, DOWNBEAT]
    return np.stack([beats, decode_bars(downbeats)], 1)
