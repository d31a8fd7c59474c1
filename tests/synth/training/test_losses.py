import pytest
import torch

from drumkit_cli.sounds.mel_image import MEL
from drumkit_cli.synth.training import losses


def test_mmd_is_about_zero_for_the_prior_and_grows_with_distance():
    torch.manual_seed(0)
    prior = torch.randn(3, 400, 8)
    same, near, far = (losses.mmd(torch.randn(3, 400, 8) + x, prior) for x in (0.0, 0.5, 2.0))
    assert abs(float(same)) < 0.02
    assert same < near < far


def test_mmd_has_its_closed_form_of_points():
    """Two codes at one place, two draws at another: the sum of the seven kernels, by hand."""
    apart = 3.0
    codes, prior = torch.zeros(1, 2, 2), torch.full((1, 2, 2), apart)
    square, wide = 2 * apart**2, 2 * 2
    across = sum(s * wide / (s * wide + square) for s in (0.1, 0.2, 0.5, 1, 2, 5, 10))
    assert losses.mmd(codes, prior) == pytest.approx(7 + 7 - 2 * across, rel=1e-5)


def test_mmd_is_of_each_class_alone():
    """Two classes that only together look like the prior are as far from it as each of them."""
    torch.manual_seed(0)
    halves = torch.randn(1, 600, 1).sort(1).values.unflatten(1, (2, 300))[0]
    prior = torch.randn(2, 600, 1)
    together = losses.mmd(halves.reshape(1, 600, 1), prior[:1])
    assert losses.mmd(halves, prior) > 10 * abs(together)


def test_distances_are_zero_for_the_same_sound_and_known_for_half_of_it():
    power = torch.rand(2, 5, 7) + 0.5
    assert losses.spectral_convergence(power, power) == pytest.approx(0, abs=1e-6)
    assert losses.log_distance(power, power) == 0
    assert losses.spectral_convergence(power, power / 4) == pytest.approx(0.5, abs=1e-5)
    full = torch.full((1, 5, 7), float(MEL.full_scale))  # 20 of its 80 dB are a quarter
    assert losses.log_distance(full, full / 100) == pytest.approx(0.25, abs=1e-5)


def test_phases_a_turn_apart_are_the_same_and_half_a_turn_is_the_most():
    phase = torch.rand(3, 4)
    weight = torch.rand(3, 4)
    turn = torch.pi
    assert losses.phase_distance(phase, phase + 2 * turn, weight) == pytest.approx(0, abs=1e-5)
    assert losses.phase_distance(phase, phase + turn, weight) == pytest.approx(2, abs=1e-5)
