import os
from pathlib import Path

import numpy as np
import pytest

from drumkit_cli.arrange.high_band import FALL_DB_PER_KHZ, FULL_RATE, with_high_band
from drumkit_cli.audio.reader import AudioReader, resample
from drumkit_cli.io.streams import open_input
from drumkit_cli.spectral.onsets import MEL

FULL_BAND = ("80sRock", "Country1", "Grunge", "Punk", "SpeedMetal")
"""Recordings of mdb-dev with drums up to 20 kHz; those of the others end at or below 16 kHz."""


def folded(samples, block=10_000):
    blocks = (samples[i : i + block] for i in range(0, len(samples), block))
    return np.concatenate([np.zeros(0, np.float32), *with_high_band(blocks)])


def amplitude(samples, hertz):
    """Of a partial of a steady sound of which one second is looked at."""
    second = samples[FULL_RATE // 2 : 3 * FULL_RATE // 2]
    return np.abs(np.fft.rfft(second * np.hanning(FULL_RATE)))[hertz] * 4 / FULL_RATE


@pytest.mark.parametrize("hertz", [2500, 3000, 8000, 10_500])
def test_a_sine_stays_and_its_image_is_as_far_below_as_its_frequency_says(hertz):
    made = folded(np.sin(2 * np.pi * hertz * np.arange(2 * MEL.rate) / MEL.rate, dtype=np.float32))
    image = MEL.rate - hertz
    fall = FALL_DB_PER_KHZ * (image - MEL.rate / 2) / 1000
    assert amplitude(made, hertz) == pytest.approx(1, abs=2e-3)
    assert 20 * np.log10(amplitude(made, image)) == pytest.approx(-fall, abs=0.1)


@pytest.mark.parametrize("hertz", [50, 200, 900])
def test_a_kick_has_no_image(hertz):
    made = folded(np.sin(2 * np.pi * hertz * np.arange(2 * MEL.rate) / MEL.rate, dtype=np.float32))
    assert amplitude(made, hertz) == pytest.approx(1, abs=2e-3)
    assert 20 * np.log10(amplitude(made, MEL.rate - hertz)) < -60


def test_a_click_stays_at_its_place():
    click = np.zeros(1000, np.float32)
    click[300] = 1
    made = folded(click)
    assert made.argmax() == 600
    np.testing.assert_allclose(made[1:600][::-1], made[601:1200], atol=1e-6)


@pytest.mark.parametrize("samples", [0, 1, 100, 5001])
def test_samples_are_doubled_and_do_not_depend_on_the_blocks(samples):
    noise = np.random.default_rng(0).standard_normal(samples).astype(np.float32)
    whole = folded(noise)
    assert len(whole) == 2 * samples
    assert np.array_equal(folded(noise, 7), whole)


def test_silence_stays_silent():
    assert not folded(np.zeros(5000, np.float32)).any()


@pytest.mark.parametrize("song", FULL_BAND)
def test_the_band_has_the_level_of_that_of_real_drums_and_follows_it(song):
    """Their own band below 11 kHz is folded, and compared with what they have from 11 to 17."""
    real = real_drums(song)
    made = folded(resample(real[None], FULL_RATE, MEL.rate)[0])[: len(real)]
    (true, found) = (levels_db(sound, 11_025, 17_000) for sound in (real, made))
    sounding = true > true.max() - 50
    assert np.corrcoef(true[sounding], found[sounding])[0, 1] > 0.9
    assert -6 < (found - true)[sounding].mean() < 3


def real_drums(song):
    data = os.environ.get("DRUMKIT_DATA")
    if not data:
        pytest.skip("DRUMKIT_DATA names no data folder")
    (path,) = (Path(data) / "mdb-dev" / song).glob("drums*")
    with open_input(str(path)) as source, AudioReader(source) as reader:
        blocks = [block.mean(0) for block in reader.blocks(1 << 16)]
        return resample(np.concatenate(blocks)[None], reader.rate, FULL_RATE)[0]


def levels_db(samples, low_hz, high_hz):
    """Of 12 ms each, in decibels, between two frequencies."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, 512)[::256]
    hertz = np.fft.rfftfreq(512, 1 / FULL_RATE)
    spectra = np.fft.rfft(frames * np.hanning(512))[:, (hertz >= low_hz) & (hertz < high_hz)]
    return 10 * np.log10(np.square(np.abs(spectra)).sum(1) + 1e-12)
