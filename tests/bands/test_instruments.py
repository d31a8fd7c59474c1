import numpy as np
import pytest

from drumkit_cli.bands import instruments
from drumkit_cli.bands.instruments import RATE, Note, SynthBass, Voice
from drumkit_cli.bands.sampled import SampledDrums


def onset_frames(samples, threshold=0.01):
    loud = np.abs(samples) > threshold
    return np.flatnonzero(loud[1:] & ~loud[:-1])


def hit(length=2000, gain=1.0):
    return (gain * np.exp(-np.arange(length) / 300)).astype(np.float32)


def dominant_hertz(samples):
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return np.argmax(spectrum) * RATE / len(samples)


def test_drum_hits_start_at_their_onsets_and_grow_with_velocity():
    drums = SampledDrums({36: [hit()]}, np.random.default_rng(0))
    out = drums.play([Note(0.1, 0.1, 36, 40), Note(0.5, 0.1, 36, 127)], RATE)
    assert out.shape == (RATE,)
    soft, loud = round(0.1 * RATE), round(0.5 * RATE)
    assert out[soft - 1] == 0
    assert 0 < out[soft] < out[loud]


def test_unknown_drums_are_silent():
    drums = SampledDrums({36: [hit()]}, np.random.default_rng(0))
    assert not drums.play([Note(0.1, 0.1, 99, 100)], RATE).any()


def test_a_closed_hat_chokes_the_open_one():
    rng = np.random.default_rng(0)
    drums = SampledDrums({46: [np.ones(RATE, np.float32)], 42: [hit(10)]}, rng)
    out = drums.play([Note(0.0, 0.1, 46, 127), Note(0.3, 0.1, 42, 127)], RATE)
    before, after = out[round(0.29 * RATE)], out[round(0.6 * RATE)]
    assert before > 0.1
    assert abs(after) < 0.01 * before


def test_hits_beyond_the_end_are_cut():
    drums = SampledDrums({36: [hit()]}, np.random.default_rng(0))
    out = drums.play([Note(0.999, 0.1, 36, 100), Note(5.0, 0.1, 36, 100)], RATE)
    assert len(out) == RATE


@pytest.mark.parametrize("pitch", [33, 45])
def test_the_synthetic_bass_plays_its_pitch_and_stops(pitch):
    out = SynthBass(np.random.default_rng(3)).play([Note(0.0, 0.5, pitch, 100)], RATE)
    hertz = 440 * 2 ** ((pitch - 69) / 12)
    assert dominant_hertz(out[: RATE // 2]) == pytest.approx(hertz, rel=0.05)
    assert np.abs(out[int(0.75 * RATE) :]).max() < 0.01 * np.abs(out).max()


def test_the_voice_sounds_while_its_notes_do():
    notes = [Note(0.2, 0.3, 60, 100)]
    out = Voice(np.random.default_rng(0)).play(notes, RATE)
    assert np.isfinite(out).all()
    assert np.abs(out[int(0.25 * RATE) : int(0.45 * RATE)]).max() > 0.01
    assert not out[int(0.55 * RATE) :].any()


def test_the_same_generator_seed_gives_the_same_sound():
    notes = [Note(0.1, 0.3, 40, 90), Note(0.5, 0.3, 43, 110)]
    for make in (SynthBass, Voice):
        first, second = (make(np.random.default_rng(7)).play(notes, RATE) for _ in range(2))
        assert np.array_equal(first, second)


def test_an_overdriven_guitar_is_band_limited():
    time = np.arange(RATE) / RATE
    clean = np.sin(2 * np.pi * 110 * time).astype(np.float32)
    out = instruments.overdriven_guitar(clean, np.random.default_rng(0))
    spectrum = np.abs(np.fft.rfft(out))
    assert spectrum[9000:].sum() < 0.05 * spectrum.sum()
    assert spectrum[330] > 0.01 * spectrum[110]
