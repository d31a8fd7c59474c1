"""Loudness has closed forms for sines, and the test signals of EBU Tech 3341."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drumkit_cli.audio import loudness
from drumkit_cli.audio.loudness import LoudnessMeter, gated_loudness, start_loudness

RATE = 48_000


def gain_db(hertz):
    """Gain of the standard's filter, from its tables."""
    z = np.exp(-2j * np.pi * hertz / RATE) ** np.arange(3)
    stages = (loudness._SHELF, loudness._HIGH_PASS)
    return sum(20 * math.log10(abs(np.dot(b, z) / np.dot(a, z))) for b, a in stages)


def sine(level_db, seconds, rate=RATE, hertz=997.0, channels=2):
    """A sine `[C, N]` with a peak of so many dB of full scale, alike in all channels."""
    time = np.arange(round(seconds * rate)) / rate
    wave = 10 ** (level_db / 20) * np.sin(2 * np.pi * hertz * time)
    return np.tile(wave, (channels, 1)).astype(np.float32)


def measured(samples, rate=RATE, block=65_536):
    meter = LoudnessMeter(rate, len(samples))
    for start in range(0, samples.shape[1], block):
        meter.push(samples[:, start : start + block])
    return meter.integrated()


@pytest.mark.parametrize("rate", [8000, 22_050, 44_100, 48_000, 96_000])
@pytest.mark.parametrize(("level", "channels"), [(-23, 2), (-33, 2), (0, 1)])
def test_a_sine_of_997_hz_has_its_level_less_3_db_in_one_channel(rate, level, channels):
    """That of two channels is its level: -0.691 + 0.691 dB of the filter + 2 channels of half."""
    expected = level + 10 * math.log10(channels / 2)
    assert measured(sine(level, 5, rate, channels=channels), rate) == pytest.approx(
        expected, abs=0.005
    )


@pytest.mark.parametrize("hertz", [25, 60, 500, 2000, 10_000])
def test_other_sines_have_what_the_filter_leaves_of_them(hertz):
    expected = -0.691 + gain_db(hertz) - 20
    assert measured(sine(-20, 10, hertz=hertz)) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([(-23, 20)], -23),
        ([(-33, 20)], -33),
        ([(-36, 10), (-23, 60), (-36, 10)], -23),
        ([(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)], -23),
        ([(-26, 20), (-20, 20.1), (-26, 20)], -23),
    ],
)
def test_the_signals_of_ebu_tech_3341_are_within_a_tenth(parts, expected):
    samples = np.concatenate([sine(*part, hertz=1000.0) for part in parts], axis=1)
    assert measured(samples) == pytest.approx(expected, abs=0.1)


def test_the_absolute_gate_leaves_out_what_is_below_minus_70():
    below, above = (10 ** ((level + 0.691) / 10) for level in (-70.1, -69.9))
    assert gated_loudness(np.full(10, below)) == -math.inf
    assert gated_loudness(np.full(10, above)) == pytest.approx(-69.9)


def test_the_relative_gate_leaves_out_what_is_10_below_the_mean():
    powers = np.repeat([1.0, 1e-6], [40, 400])
    kept = (37 + 0.75 + 0.5 + 0.25) / 40  # blocks of 400 ms, of which three are partly loud
    assert gated_loudness(powers) == pytest.approx(-0.691 + 10 * math.log10(kept), abs=1e-4)


@pytest.mark.parametrize(("samples", "is_long"), [(19_199, False), (19_200, True)])
def test_what_is_shorter_than_400_ms_has_no_loudness(samples, is_long):
    assert (measured(np.full((1, samples), 0.5, np.float32)) is not None) == is_long


def test_nothing_and_silence():
    assert measured(np.zeros((2, 0), np.float32)) is None
    assert measured(np.zeros((2, RATE), np.float32)) == -math.inf


@settings(max_examples=10, deadline=None)
@given(st.integers(1000, 200_000), st.integers(0, 1 << 32))
def test_blocks_of_any_size_give_the_same(block, seed):
    noise = np.random.default_rng(seed).normal(0, 0.1, (2, 3 * RATE)).astype(np.float32)
    assert measured(noise, block=block) == pytest.approx(measured(noise), abs=1e-6)


def test_the_convolution_is_the_recursive_filter():
    noise = np.random.default_rng(0).normal(0, 0.1, 2 * RATE).astype(np.float32)
    filtered = noise.astype(float).tolist()
    for stage in (loudness._SHELF, loudness._HIGH_PASS):
        filtered = loudness._filtered(filtered, *stage)
    steps = np.square(filtered).reshape(-1, loudness.STEP_SAMPLES).mean(1)
    assert measured(noise[None]) == pytest.approx(gated_loudness(steps), abs=1e-9)


@pytest.mark.parametrize("rate", [8000, 22_050, 44_100, 96_000])
@pytest.mark.parametrize("hertz", [100, 1000, 3000])
def test_the_start_of_a_sine_has_what_the_filter_leaves_of_it(rate, hertz):
    samples = sine(-20, 0.3, rate, hertz, channels=1)[0]
    expected = -0.691 + gain_db(hertz) - 20 - 10 * math.log10(2)
    assert start_loudness(samples, rate) == pytest.approx(expected, abs=0.1)


def test_a_start_that_is_cut_short_is_quieter_and_silence_has_no_loudness():
    samples = sine(-20, 0.05, RATE, 1000, channels=1)[0]
    whole = start_loudness(np.tile(samples, 2), RATE)
    assert start_loudness(samples, RATE) == pytest.approx(whole - 10 * math.log10(2), abs=0.1)
    assert start_loudness(np.zeros(100, np.float32), RATE) == -math.inf
