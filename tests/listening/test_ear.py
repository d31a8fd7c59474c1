import numpy as np
import pytest

from drumkit_cli.learning.checkpoint import load_weights
from drumkit_cli.listening import ear
from drumkit_cli.listening.config import OUTPUTS
from drumkit_cli.listening.levels import FRAME_RATE, MEL, level_blocks, levels
from drumkit_cli.listening.voices import VOICES
from tests.listening.tiny import pulses, write_tiny_ear


@pytest.fixture
def listener(tmp_path):
    return ear.Listener(load_weights("transcribe", str(write_tiny_ear(tmp_path / "w.safetensors"))))


def noise(seconds):
    count = int(seconds * MEL.rate)
    return np.random.default_rng(0).normal(0, 0.1, count).astype(np.float32)


def test_levels_span_eighty_five_decibels():
    power = np.array([0, 1e-8, 1, 10**0.5, 1e9]) * MEL.full_scale
    assert levels(power).tolist() == pytest.approx([0, 0, 240 / 255, 1, 1], abs=1e-4)


@pytest.mark.parametrize("length", [1000, 22_050, 10**6])
def test_blocks_of_any_length_give_the_same_activations(listener, length, monkeypatch):
    monkeypatch.setattr(ear, "CHUNK_FRAMES", 100)
    sound = noise(4)
    whole = listener.activations(np.concatenate(list(level_blocks([sound]))))
    blocks = [sound[start : start + length] for start in range(0, len(sound), length)]
    heard = list(ear.listen(blocks, listener))
    np.testing.assert_allclose(np.concatenate([made for _, made in heard]), whole, atol=1e-5)
    assert all(len(levels) == len(made) for levels, made in heard)


def test_no_sound_has_no_activations(listener):
    assert list(ear.listen([], listener)) == []
    assert list(ear.listen([np.zeros(0, np.float32)], listener)) == []


def test_beats_have_seconds_and_numbers():
    times = np.arange(0.5, 20, 0.5)
    curves = np.stack([pulses(times, 21), pulses(times[2::4], 21)], 1)
    beats = ear.beats_of(curves)
    np.testing.assert_allclose(beats[:, 0], times, atol=0.01)
    assert beats[:5, 1].tolist() == [3, 4, 1, 2, 3]


def test_beats_of_a_sound_are_those_of_its_activations(listener, monkeypatch):
    activations = np.zeros((800, len(OUTPUTS) + len(VOICES)), np.float32)
    activations[50::50, OUTPUTS.index("beat")] = 0.9
    monkeypatch.setattr(ear, "load_model", lambda _build, _feature: listener)
    monkeypatch.setattr(ear, "listen", lambda _blocks, _listener: [(None, activations)])
    beats = ear.hear_beats([], 44_100)
    np.testing.assert_allclose(np.diff(beats[:, 0]), 50 / FRAME_RATE, atol=1e-6)


def test_silence_has_no_beats():
    assert ear.beats_of(np.zeros((int(3 * FRAME_RATE), 2), np.float32)).shape == (0, 2)
    assert ear.beats_of(np.zeros((0, 2), np.float32)).shape == (0, 2)
