import numpy as np
import pytest

from drumkit_cli.bands import effects

RATE = 22_050


def tone(hertz, seconds=1.0, gain=0.5):
    time = np.arange(int(seconds * RATE)) / RATE
    return (gain * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


def rms(samples):
    return float(np.sqrt(np.square(samples, dtype=np.float64).mean()))


@pytest.mark.parametrize(
    "effect",
    [
        lambda x: effects.drive(x, 20.0, 0.2),
        lambda x: effects.equalise(x, RATE, np.random.default_rng(0), 3.0),
        lambda x: effects.band_pass(x, RATE, 100.0, 4000.0),
        lambda x: effects.room(x, RATE, np.random.default_rng(0), 0.5, 0.3),
        lambda x: effects.compress(x, RATE, -20.0, 4.0),
        lambda x: effects.normalise(x, -20.0),
    ],
)
def test_effects_keep_length_type_and_silence(effect):
    for samples in (tone(220.0), np.zeros(5000, np.float32)):
        out = effect(samples)
        assert out.shape == samples.shape
        assert out.dtype == np.float32
        assert np.isfinite(out).all()
    assert not out.any()


def test_drive_keeps_the_peak_and_adds_odd_harmonics():
    out = effects.drive(tone(100.0), 20.0)
    assert np.abs(out).max() == pytest.approx(0.5, rel=1e-4)
    spectrum = np.abs(np.fft.rfft(out))
    assert spectrum[300] > 0.1 * spectrum[100]
    assert spectrum[200] < 1e-3 * spectrum[100]


def test_band_pass_is_3_db_down_at_its_bounds():
    for hertz in (100.0, 4000.0):
        inner = effects.band_pass(tone(hertz), RATE, 100.0, 4000.0)[RATE // 2 :]
        assert 20 * np.log10(rms(inner) / rms(tone(hertz))) == pytest.approx(-3, abs=0.2)


def test_compression_evens_out_loud_and_soft():
    steps = np.concatenate([tone(200.0, gain=0.8), tone(200.0, gain=0.1)])
    out = effects.compress(steps, RATE, -20.0, 4.0)
    before = rms(steps[:RATE]) / rms(steps[RATE:])
    after = rms(out[: RATE - 500]) / rms(out[RATE + 500 :])
    assert after < 0.5 * before


def test_a_room_decays_by_60_db_in_its_time():
    click = np.zeros(RATE, np.float32)
    click[0] = 1
    out = effects.room(click, RATE, np.random.default_rng(0), 0.5, 1.0)
    early, late = rms(out[1:1100]), rms(out[9900:11000])
    assert -70 < 20 * np.log10(late / early) < -45


def test_normalise_sets_the_level_of_what_sounds():
    half_silent = np.concatenate([tone(300.0), np.zeros(RATE, np.float32)])
    out = effects.normalise(half_silent, -20.0)
    assert 20 * np.log10(rms(out[:RATE])) == pytest.approx(-20, abs=0.1)
