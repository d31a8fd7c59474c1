import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drumkit_cli.audio import reader
from tests import signals


@pytest.mark.parametrize("to_rate", [8000, 22050, 44100, 48000, 96000])
@pytest.mark.parametrize("from_rate", [22050, 44100])
def test_a_resampled_sine_is_the_sine_at_the_new_rate(from_rate, to_rate):
    converted = reader.resample(signals.sine(from_rate, 1.0, 2), from_rate, to_rate)
    expected = signals.sine(to_rate, 1.0, 2)
    assert converted.shape == expected.shape
    middle = slice(to_rate // 10, -to_rate // 10)
    np.testing.assert_allclose(converted[:, middle], expected[:, middle], atol=1e-3)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 5000),
    st.sampled_from([8000, 11025, 22050, 44100, 48000, 192000]),
    st.sampled_from([8000, 11025, 22050, 44100, 48000, 192000]),
    st.lists(st.integers(0, 2000), max_size=4),
)
def test_resampling_in_blocks_is_resampling_at_once(frames, from_rate, to_rate, cuts):
    samples = np.random.default_rng(frames).normal(size=(2, frames)).astype(np.float32)
    whole = reader.resample(samples, from_rate, to_rate)
    assert whole.shape == (2, int(frames * to_rate / from_rate + 0.5))
    resampler = reader.Resampler(from_rate, to_rate, 2)
    places = [0, *sorted(min(cut, frames) for cut in cuts), frames]
    parts = [
        resampler.push(samples[:, begin:end], last=index == len(places) - 2)
        for index, (begin, end) in enumerate(itertools.pairwise(places))
    ]
    np.testing.assert_allclose(np.concatenate(parts, axis=1), whole, atol=1e-5)
