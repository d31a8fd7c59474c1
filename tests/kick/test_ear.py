import numpy as np
import pytest

from drumkit_cli.kick import ear as module
from drumkit_cli.kick.ear import hear_snare
from drumkit_cli.listening.config import OUTPUTS
from drumkit_cli.listening.levels import FRAME_RATE
from drumkit_cli.listening.voices import VOICES
from drumkit_cli.spectral.onset_strength import FRAME_RATE as CURVE_RATE


class FakeEar:
    thresholds = (0.5,) * len(VOICES)


@pytest.fixture
def hears(monkeypatch):
    """Let the ear give some activations `[T, 14]`."""

    def give(activations):
        monkeypatch.setattr(module, "_ear", FakeEar)
        monkeypatch.setattr(module, "listen", lambda blocks, _ear: [(None, activations)])

    return give


def active(column, frames, count=800):
    activations = np.zeros((count, len(OUTPUTS) + len(VOICES)), np.float32)
    activations[frames, column] = 0.9
    activations[:, len(OUTPUTS) :] = 0.8
    return activations


def test_snares_are_where_the_ear_hears_them_and_as_loud(hears):
    hears(active(VOICES.index("snare"), [100, 300]))
    curve = hear_snare([], 44_100, 600)
    assert curve.shape == (600,)
    first = round(100 / FRAME_RATE * CURVE_RATE)
    assert abs(curve.argmax() - first) <= 2
    assert 0.6 < curve.max() <= 0.81


def test_other_drums_are_no_snares(hears):
    hears(active(VOICES.index("kick"), [100, 300]))
    assert not hear_snare([], 44_100, 600).any()
