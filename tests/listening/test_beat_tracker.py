from collections import deque
from dataclasses import replace

import numpy as np
import pytest

from drumkit_cli.learning.checkpoint import load_weights
from drumkit_cli.listening import beat_tracker, ear
from drumkit_cli.listening.bar_features import Heard, keep
from drumkit_cli.listening.beat_tracker import BeatTracker, beats_of
from drumkit_cli.listening.levels import FRAME_RATE, MEL, PITCH, PITCH_FRAMES
from tests.listening.tiny import DEAF_TO_BARS, pulses, write_tiny_ear


@pytest.fixture
def listener(tmp_path):
    return ear.Listener(load_weights("transcribe", str(write_tiny_ear(tmp_path / "w.safetensors"))))


class Counting:
    """An ear that takes the beats from some number on for downbeats, four by four."""

    finds_bars = True

    def __init__(self, first):
        self.first = first

    def downbeats(self, features):
        return np.where((np.arange(len(features)) - self.first) % 4 == 0, 0.9, 0.1)


def heard(seconds, downbeats=()):
    length = 21
    curves = np.zeros((int(length * FRAME_RATE), 14), np.float32)
    curves[:, 6], curves[:, 7] = pulses(seconds, length), pulses(downbeats, length)
    levels = np.zeros((len(curves), MEL.mels), np.float32)
    pitches = np.zeros((-(-len(curves) // PITCH_FRAMES), PITCH.mels), np.uint8)
    return Heard(*keep(levels, levels[0], curves), pitches)


@pytest.mark.parametrize("length", [1000, 22_050, 10**6])
def test_blocks_of_any_length_are_kept_alike(listener, length, monkeypatch):
    monkeypatch.setattr(ear, "CHUNK_FRAMES", 100)
    sound = np.random.default_rng(0).normal(0, 0.1, 4 * MEL.rate).astype(np.float32)
    kept = []
    monkeypatch.setattr(beat_tracker, "beats_of", lambda heard, _listener: kept.append(heard))
    for size in (length, len(sound)):
        tracker = BeatTracker(listener)
        blocks = (sound[start : start + size] for start in range(0, len(sound), size))
        deque(tracker.listen(blocks), maxlen=0)
        tracker.beats()
    one, other = kept
    assert len(one.timbre) == len(one.pitches) == 41
    np.testing.assert_array_equal(one.pitches, other.pitches)
    np.testing.assert_allclose(one.activations, other.activations, atol=1e-5)


def test_the_network_of_bars_numbers_the_beats():
    times = np.arange(0.5, 20, 0.5)
    beats = beats_of(heard(times, times[::4]), Counting(2))
    np.testing.assert_allclose(beats[:, 0], times, atol=0.01)
    assert beats[:5, 1].tolist() == [3, 4, 1, 2, 3]


def test_without_it_the_ear_numbers_them(tmp_path):
    path = write_tiny_ear(tmp_path / "w.safetensors", DEAF_TO_BARS)
    listener = ear.Listener(load_weights("transcribe", str(path)))
    times = np.arange(0.5, 20, 0.5)
    assert beats_of(heard(times, times[1::4]), listener)[:4, 1].tolist() == [4, 1, 2, 3]


def test_untrained_bars_number_all_beats(listener):
    times = np.arange(0.5, 20, 0.5)
    assert len(beats_of(heard(times), listener)) == len(times)


def test_beats_of_a_sound_are_those_of_its_activations(listener, monkeypatch):
    activations = np.zeros((800, 14), np.float32)
    activations[50::50, 6] = 0.9
    levels = np.zeros((800, MEL.mels), np.float32)
    monkeypatch.setattr(beat_tracker, "load_model", lambda _build, _feature: listener)
    monkeypatch.setattr(beat_tracker, "listen", lambda _blocks, _listener: [(levels, activations)])
    beats = beat_tracker.hear_beats([np.zeros(800 * MEL.hop - 1, np.float32)], MEL.rate)
    np.testing.assert_allclose(np.diff(beats[:, 0]), 50 / FRAME_RATE, atol=1e-6)


def test_silence_and_no_sound_have_no_beats(listener):
    assert beats_of(heard([]), listener).shape == (0, 2)
    tracker = BeatTracker(listener)
    assert list(tracker.listen([])) == []
    assert tracker.beats().shape == (0, 2)
    silent = heard([])
    empty = replace(silent, activations=np.zeros((0, 8), np.float32))
    assert beats_of(empty, listener).shape == (0, 2)
