import numpy as np
import pytest

from drumkit_cli.learning.checkpoint import load_weights
from drumkit_cli.listening import ear
from drumkit_cli.listening.levels import MEL, level_blocks, levels
from tests.listening.tiny import write_tiny_ear


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
