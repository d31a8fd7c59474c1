import numpy as np
import pytest

from drumkit_cli.sounds.classes import CLASSES
from drumkit_cli.sounds.mel_image import LENGTH, MEL
from drumkit_cli.synth.training import parametric


def centroid(samples):
    size = np.abs(np.fft.rfft(samples))
    return (size * np.fft.rfftfreq(LENGTH, 1 / MEL.rate)).sum() / size.sum()


@pytest.mark.parametrize("name", CLASSES)
def test_a_seed_is_a_drum(name):
    first, again, other = (
        parametric.render(name, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert first.shape == (LENGTH,)
    assert first.dtype == np.float32
    assert np.isfinite(first).all()
    assert 0.9 < np.abs(first).max() <= 1


def test_classes_differ_as_their_names_say():
    def mean(name, of):
        return np.mean([of(parametric.render(name, np.random.default_rng(i))) for i in range(8)])

    assert mean("kick", centroid) < mean("snare", centroid) < mean("closed-hat", centroid)
    energy = {n: mean(n, lambda x: (x**2).sum()) for n in ("closed-hat", "open-hat")}
    assert energy["closed-hat"] < energy["open-hat"]
