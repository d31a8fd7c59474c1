"""Beats and bars out of activations, by dynamic programming.

Beats are the best path through pairs of a frame and the interval since the last beat: a beat wants
a high activation, the frames between beats a low one, the interval changes little from beat to
beat, and tempi far from the usual are less likely. It is the bar pointer model of N. Whiteley et
al., "Bayesian modelling of temporal structure in musical audio" (ISMIR 2006), with the transitions
of F. Krebs et al. (ISMIR 2015), written over beats in place of frames. Bars are then the best path
through meters and numbers of the beats.
"""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drumkit_cli.io.arrays import Floats

TEMPO_MIN_BPM: Final = 50.0
TEMPO_MAX_BPM: Final = 220.0
METERS: Final = (4, 3)
"""Beats in a bar, the likelier first."""

_QUIET: Final = 0.3
"""Before the first and after the last activation of this height there are no beats."""
_STEADINESS: Final = 60.0
"""Loss of log likelihood by a change of the interval by its whole length."""
_BETWEEN: Final = 1 / 2
"""Weight of the frames between beats, which are many."""
_BEAT_GAIN: Final = 1.5
"""Log likelihood that a beat gains over a frame between beats, so that few beats are not better."""
_USUAL_BPM: Final = 115.0
_USUAL_OCTAVES: Final = 0.7
_SHARP_FRAMES: Final = 2
_NEW_METER: Final = math.log(1e-4)
_SLIP: Final = math.log(1e-5)
_TINY: Final = 1e-3


def decode_beats(activation: Floats, frame_rate: float) -> NDArray[np.float64]:
    """Frames of the beats in an activation `[T]` of 0..1, not whole ones; empty where it is low.

    Args:
        activation: how likely each frame is a beat.
        frame_rate: frames a second.
    """
    loud = np.flatnonzero(activation >= _QUIET)
    if not len(loud):
        return np.zeros(0)
    first, last = int(loud[0]), int(loud[-1]) + 1
    frames = first + _best_path(np.asarray(activation[first:last], np.float64), frame_rate)
    return _at_peaks(activation, frames)


def decode_bars(downbeats: Floats) -> NDArray[np.intp]:
    """The number in its bar, from 1, of each beat, of how likely each is a downbeat `[n]`, 0..1.

    Bars have three or four beats; a change of the meter, or a bar cut short, is unlikely.
    """
    states = [(meter, number) for meter in METERS for number in range(meter)]
    moves = _bar_moves(states)
    likely = np.clip(np.asarray(downbeats, np.float64), _TINY, 1 - _TINY)
    is_first = np.array([number == 0 for _, number in states])
    score = np.zeros(len(states))
    back = np.zeros((len(likely), len(states)), np.intp)
    for beat, probability in enumerate(likely):
        if beat:
            reached = score[:, None] + moves
            back[beat] = reached.argmax(0)
            score = reached.max(0)
        score = score + np.where(is_first, math.log(probability), math.log(1 - probability))
    numbers = np.zeros(len(likely), np.intp)
    state = int(score.argmax())
    for beat in range(len(likely) - 1, -1, -1):
        numbers[beat] = states[state][1] + 1
        state = int(back[beat, state])
    return numbers


def steady_beats(tempo_bpm: float, offset_seconds: float, seconds: float) -> NDArray[np.float64]:
    """Beats `[n, 2]` of bars of four at one tempo, of which one begins at an offset.

    They are seconds, from 0 to `seconds`, and numbers in the bar.
    """
    period = 60 / tempo_bpm
    first = -int(offset_seconds // period)
    count = int((seconds - offset_seconds) // period) + 1
    numbers = np.arange(first, max(count, first))
    return np.stack([offset_seconds + numbers * period, numbers % METERS[0] + 1.0], 1)


def meter_of(numbers: NDArray[np.intp]) -> int:
    """Beats in most bars of the numbers of beats; four where there is no whole bar."""
    bars = np.diff(np.flatnonzero(numbers == 1))
    counts = [int((bars == meter).sum()) for meter in METERS]
    return METERS[int(np.argmax(counts))]


def _best_path(activation: NDArray[np.float64], frame_rate: float) -> NDArray[np.intp]:
    """Frames of the beats on the best path through an activation `[T]`.

    What is kept of every frame is the best interval before each interval, a byte each.
    """
    shortest = math.floor(60 * frame_rate / TEMPO_MAX_BPM)
    longest = math.ceil(60 * frame_rate / TEMPO_MIN_BPM)
    intervals = np.arange(shortest, longest + 1)
    moves, prior = _interval_moves(intervals), _interval_prior(intervals, frame_rate)
    frames, count = len(activation), len(intervals)
    on_beat = np.log(np.maximum(_blurred(activation), _TINY)) + _BEAT_GAIN
    rest = np.concatenate([[0], np.cumsum(np.log(np.maximum(1 - activation, _TINY)))]) * _BETWEEN
    onward = np.full((longest, count), -np.inf)  # of a beat before its next interval; a ring
    back = np.zeros((frames, count), np.uint8)
    is_first = np.zeros((longest, count), bool)
    best, end = -np.inf, (0, 0)
    columns = np.arange(count)
    for now in range(frames):
        since = now - intervals
        reached = onward[since % longest, columns] + rest[now] - rest[np.maximum(since + 1, 0)]
        if now < longest:
            is_first[now] = reached < rest[now]
            reached = np.maximum(reached, rest[now])
        score = reached + on_beat[now] + prior
        if now >= frames - longest and score.max() + rest[-1] - rest[now + 1] > best:
            best, end = score.max() + rest[-1] - rest[now + 1], (now, int(score.argmax()))
        following = score[:, None] + moves
        back[now] = following.argmax(0)
        onward[now % longest] = following[back[now], columns]
    return _trace(back, is_first, intervals, end)


def _trace(
    back: NDArray[np.uint8],
    is_first: NDArray[np.bool_],
    intervals: NDArray[np.intp],
    end: tuple[int, int],
) -> NDArray[np.intp]:
    """Follow the best path back from its last beat and interval; frames in rising order."""
    now, index = end
    found = [now]
    while not (now < len(is_first) and is_first[now, index]):
        now -= int(intervals[index])
        index = int(back[now, index])
        found.append(now)
    return np.array(found[::-1], np.intp)


def _interval_moves(intervals: NDArray[np.intp]) -> NDArray[np.float64]:
    """Log likelihood of each interval (column) after each (row): 0 for the same."""
    change = np.abs(np.log(intervals[None, :] / intervals[:, None]))
    return np.asarray(-_STEADINESS * change, np.float64)


def _interval_prior(intervals: NDArray[np.intp], frame_rate: float) -> NDArray[np.float64]:
    """Log likelihood, up to a constant, of each interval by its tempo."""
    octaves = np.log2(60 * frame_rate / intervals / _USUAL_BPM) / _USUAL_OCTAVES
    return np.asarray(-0.5 * octaves**2, np.float64)


def _blurred(activation: NDArray[np.float64]) -> NDArray[np.float64]:
    """The activation, three quarters as high a frame beside a peak, half as high two beside it."""
    padded = np.pad(activation, _SHARP_FRAMES)
    shifted = [
        padded[_SHARP_FRAMES + k : len(padded) - _SHARP_FRAMES + k] * (1 - abs(k) / 4)
        for k in range(-_SHARP_FRAMES, _SHARP_FRAMES + 1)
    ]
    highest: NDArray[np.float64] = np.max(shifted, axis=0)
    return highest


def _at_peaks(activation: Floats, frames: NDArray[np.intp]) -> NDArray[np.float64]:
    """Move beats to the centre of what is active within some frames of them."""
    reach = _SHARP_FRAMES + 1
    padded = np.pad(np.asarray(activation, np.float64), reach)
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)[frames]
    weight = around**2 + 1e-9
    shift = (weight * np.arange(-reach, reach + 1)).sum(1) / weight.sum(1)
    return np.asarray(frames + shift, np.float64)


def _bar_moves(states: list[tuple[int, int]]) -> NDArray[np.float64]:
    """Log likelihood of each state (column) after each (row)."""
    moves = np.full((len(states), len(states)), -np.inf)
    for row, (meter, number) in enumerate(states):
        for column, (other, first) in enumerate(states):
            if first == 0:
                moves[row, column] = _SLIP + (0 if other == meter else _NEW_METER)
                if number == meter - 1:
                    moves[row, column] = 0 if other == meter else _NEW_METER
            elif other == meter and first == number + 1:
                moves[row, column] = 0
    return moves
