import pytest
import torch

from drumkit_cli.synth import losses


def test_mmd_is_about_zero_for_the_prior_and_grows_with_distance():
    torch.manual_seed(0)
    prior = torch.randn(3, 400, 8)
    same, near, far = (losses.mmd(torch.randn(3, 400, 8) + x, prior) for x in (0.0, 0.5, 2.0))
    assert abs(float(same)) < 0.02
    assert same < near < far


def test_distances_are_zero_for_the_same_sound_and_known_for_half_of_it():
    power = torch.rand(2, 5, 7) + 0.5
    assert losses.spectral_convergence(power, power) == pytest.approx(0, abs=1e-6)
    assert losses.log_distance(power, power) == 0
    assert losses.spectral_convergence(power, power / 4) == pytest.approx(0.5, abs=1e-5)


def test_phases_a_turn_apart_are_the_same_and_half_a_turn_is_the_most():
    phase = torch.rand(3, 4)
    weight = torch.rand(3, 4)
    turn = torch.pi
    assert losses.phase_distance(phase, phase + 2 * turn, weight) == pytest.approx(0, abs=1e-5)
    assert losses.phase_distance(phase, phase + turn, weight) == pytest.approx(2, abs=1e-5)
