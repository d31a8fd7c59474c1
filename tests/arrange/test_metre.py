import numpy as np
import pytest

from drumkit_cli.arrange.metre import PLANES, metre_planes
from drumkit_cli.listening.beats import steady_beats
from drumkit_cli.spectral.onsets import SECONDS_PER_FRAME


def places(planes):
    """Places 0..1 in the bar and in the beat."""
    return [np.arctan2(planes[n + 1], planes[n]) / (2 * np.pi) % 1 for n in (1, 3)]


def test_planes_are_the_places_in_bar_and_beat():
    planes = metre_planes(steady_beats(120, 0.5, 12.0), 0, 400)
    seconds = np.arange(400) * SECONDS_PER_FRAME
    bar, beat = places(planes)
    assert (planes[0] == 1).all()
    for found, wanted in ((bar, (seconds - 0.5) / 2), (beat, seconds * 2)):
        np.testing.assert_allclose(
            np.exp(2j * np.pi * found), np.exp(2j * np.pi * wanted), atol=1e-3
        )


def test_the_metre_goes_on_before_the_first_beat_and_after_the_last():
    beats = steady_beats(100, 0.0, 30.0)
    whole = metre_planes(beats, -50, 1000)
    np.testing.assert_allclose(metre_planes(beats[12:21], -50, 1000), whole, atol=2e-3)


def test_a_window_has_the_planes_of_the_whole():
    beats = steady_beats(93, 0.2, 20.0)
    whole = metre_planes(beats, 0, 800)
    np.testing.assert_array_equal(metre_planes(beats, 300, 256), whole[:, 300:556])


def test_bars_of_three_beats_are_known():
    beats = np.array([(beat / 2, beat % 3 + 1) for beat in range(12)])
    bar, _ = places(metre_planes(beats, 0, 200))
    line = round(1.5 / SECONDS_PER_FRAME)
    assert min(bar[line], 1 - bar[line]) < 0.01


@pytest.mark.parametrize("beats", [[], [(0.5, 1)], [(0.5, 2), (1.0, 3)]], ids=str)
def test_without_beats_or_bars_the_metre_is_unknown(beats):
    planes = metre_planes(np.array(beats).reshape(-1, 2), 0, 64)
    assert planes.shape == (PLANES, 64)
    assert not planes.any()
