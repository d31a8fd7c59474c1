import numpy as np
import pytest

from drumkit_cli.spectral.bass_share import bass_share, power_spectrum
from tests.arrange.tiny import RATE, bass_line


def noise(seconds):
    return np.random.default_rng(0).normal(0, 0.1, round(seconds * RATE)).astype(np.float32)


def test_the_share_of_the_bass_is_what_was_mixed_in():
    bass = bass_line(20)
    drums = noise(20)
    gain = np.sqrt(np.sum(drums**2) / np.sum(bass**2))
    powers = {
        share: power_spectrum(
            np.float32(np.sqrt(1 - share)) * drums + np.float32(gain * np.sqrt(share)) * bass
        )
        for share in (0.0, 0.1, 0.5, 1.0)
    }
    for share, power in powers.items():
        assert bass_share(power, power_spectrum(bass)) == pytest.approx(share, abs=0.03)


def test_hits_together_with_the_bass_are_not_of_the_bass():
    bass = bass_line(20)
    envelope = np.exp(-20 * (np.arange(20 * RATE) / RATE % 0.25)).astype(np.float32)
    kick = envelope * np.sin(2 * np.pi * 55 * np.arange(20 * RATE) / RATE).astype(np.float32)
    for hits, most in ((noise(20) * envelope, 0.02), (kick, 0.1)):
        share = bass_share(power_spectrum(hits), power_spectrum(bass))
        assert abs(share) < most
    silence = power_spectrum(np.zeros(20 * RATE, np.float32))
    assert np.isnan(bass_share(silence, power_spectrum(bass)))
