import numpy as np
import pytest

from drumkit_cli.groove.network import windowing
from drumkit_cli.groove.network.windowing import (
    CLOSED,
    CRASH,
    KICK,
    OPEN,
    RIDE,
    SNARE,
    TOM,
    Windows,
)
from drumkit_cli.midi.drum_maps import ROLAND_DRUMS


def silent(count=1):
    return Windows(np.zeros((count, 32, 7), np.float32), np.zeros((count, 32, 7), np.float32))


def test_every_drum_of_the_recorded_kit_has_a_voice():
    assert set(ROLAND_DRUMS) <= set(windowing.VOICE_OF_PITCH)


def test_a_voice_is_written_as_a_pitch_of_it():
    voices = [windowing.VOICE_OF_PITCH[pitch] for pitch in windowing.VOICE_PITCHES]
    assert voices == list(range(7))


@pytest.mark.parametrize(("steps", "windows"), [(16, 1), (32, 1), (33, 2), (48, 2), (160, 9)])
def test_windows_of_two_measures_lie_a_measure_apart(steps, windows):
    values = np.arange(7 * steps, dtype=np.float32).reshape(7, steps) + 1
    cut = windowing.cut(values)
    assert cut.shape == (windows, 32, 7)
    for index, window in enumerate(cut):
        expected = values[:, 16 * index : 16 * index + 32].T
        assert np.array_equal(window[: len(expected)], expected)


def test_one_measure_is_repeated():
    values = np.random.default_rng(0).random((7, 16), np.float32)
    (window,) = windowing.cut(values)
    assert np.array_equal(window[:16], window[16:])


@pytest.mark.parametrize(
    ("cymbals", "main", "step"),
    [
        ({CLOSED: 2}, CLOSED, 2),
        ({CLOSED: 1}, CLOSED, 1),
        ({RIDE: 2, CLOSED: 8}, RIDE, 2),
        ({CRASH: 4}, CRASH, 2),
        ({OPEN: 1}, CLOSED, 1),
    ],
)
def test_the_main_cymbal_plays_eighths_or_sixteenths(cymbals, main, step):
    windows = silent()
    for voice, every in cymbals.items():
        windows.velocities[0, ::every, voice] = 0.5
    (template,) = windowing.templates(windows)
    expected = np.zeros((32, 7))
    expected[::step, main] = 1
    assert np.array_equal(template, expected)


def test_ghost_notes_soft_kicks_and_toms_go():
    windows = silent()
    windows.velocities[0, 4::8, SNARE] = [0.9, 0.8, 0.85, 0.95]
    windows.velocities[0, 7, SNARE] = 0.3
    windows.velocities[0, [0, 10], KICK] = [0.8, 0.25]
    windows.velocities[0, 30, TOM] = 1
    (template,) = windowing.templates(windows)
    assert list(np.flatnonzero(template[:, SNARE])) == [4, 12, 20, 28]
    assert list(np.flatnonzero(template[:, KICK])) == [0]
    assert template.sum() == 5


def test_a_silent_window_has_an_empty_template():
    assert not windowing.templates(silent(3)).any()


def test_velocity_patterns_have_the_class_of_the_loudest_cymbal():
    windows = silent()
    windows.velocities[0, :5, CLOSED] = [0.1, 0.2, 0.21, 0.6, 1.0]
    windows.velocities[0, 1, RIDE] = 0.7
    windows.velocities[0, 5, SNARE] = 1.0
    (pattern,) = windowing.velocity_patterns(windows.velocities)
    assert list(pattern[:5].argmax(1)) == [0, 3, 1, 2, 4]
    assert pattern[:5].sum() == 5
    assert not pattern[5:].any()


def test_timing_patterns_have_the_mean_of_a_step():
    windows = silent()
    windows.velocities[0, :4, :2] = 0.5
    windows.timings[0, :4, :2] = [[-0.5, -0.3], [0.2, -0.2], [0.4, 0.0], [0.05, 0.05]]
    (pattern,) = windowing.timing_patterns(windows)
    assert list(pattern[:4].argmax(1)) == [0, 1, 2, 1]
    assert not pattern[4:].any()
