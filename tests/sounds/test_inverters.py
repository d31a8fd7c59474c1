import numpy as np
import pytest
import torch

from drumkit_cli.sounds.analyser import Analyser
from drumkit_cli.sounds.config import InverterConfig
from drumkit_cli.sounds.mcnn import MCNN, MCNNConfig
from drumkit_cli.sounds.mel_image import (
    FLOOR_DB,
    FRAMES,
    LENGTH,
    MEL,
    levels_of,
    to_levels,
    to_power,
)
from drumkit_cli.sounds.spectral_inverter import SpectralInverter
from drumkit_cli.synth.data import Pool
from drumkit_cli.synth.training import losses, parametric
from drumkit_cli.synth.training.calibration import fit_reading
from tests.synth.tiny import TINY_INVERTER, TINY_MCNN


@pytest.fixture(scope="module")
def drums():
    """Samples and levels of a few synthetic drums."""
    generator = np.random.default_rng(0)
    names = ("kick", "snare", "closed-hat", "tom")
    samples = torch.from_numpy(np.stack([parametric.render(n, generator) for n in names]))
    return samples, Analyser()(samples)


def test_levels_are_those_of_pytorch(drums):
    samples, levels = drums
    np.testing.assert_allclose(levels_of(samples.numpy()), levels, atol=1e-4)
    assert levels.shape[1:] == (MEL.mels, FRAMES)


def test_a_full_scale_sine_is_level_one_and_silence_is_zero():
    time = np.arange(LENGTH) / MEL.rate
    sine = torch.from_numpy(np.sin(2 * np.pi * 3000 * time).astype(np.float32))
    levels = Analyser()(torch.stack([sine, torch.zeros(LENGTH)]))
    assert levels[0, :, 40].max() == pytest.approx(1, abs=0.03)
    assert levels[1].max() == 0


def test_levels_and_power_are_inverse_above_the_floor(drums):
    _, levels = drums
    np.testing.assert_allclose(to_levels(to_power(levels.numpy())), levels, atol=1e-5)
    assert to_power(np.zeros(1, np.float32)) == 0


def test_the_spectral_inverter_is_good_before_it_is_trained(drums):
    """What it knows of phases is worth something: it is within 1.2 dB, zero phases are 4 dB off."""
    samples, levels = drums
    with torch.no_grad():
        made = Analyser()(SpectralInverter(InverterConfig()).eval()(levels))
    assert float((made - levels).abs().mean() * -FLOOR_DB) < 1.2
    assert made.shape == levels.shape == (len(samples), MEL.mels, FRAMES)


@pytest.mark.parametrize("network", [SpectralInverter(TINY_INVERTER), MCNN(TINY_MCNN)])
def test_silence_stays_silent(network):
    with torch.no_grad():
        made = network.eval()(torch.zeros(1, MEL.mels, FRAMES))
    wave = made[0] if isinstance(made, tuple) else made
    assert wave.shape == (1, LENGTH)
    assert not wave.any()


@pytest.mark.parametrize(
    "build", [lambda: SpectralInverter(TINY_INVERTER), lambda: MCNN(TINY_MCNN)]
)
def test_a_batch_equals_its_singles(drums, build):
    torch.manual_seed(0)
    network = build().eval()
    _, levels = drums

    def sound(part):
        made = network(part)
        return MCNN.masked(*made) if isinstance(made, tuple) else made

    with torch.no_grad():
        alone = torch.cat([sound(image[None]) for image in levels])
        torch.testing.assert_close(sound(levels), alone, atol=2e-3, rtol=1e-3)


def loss_of(network, samples, levels):
    """A loss that all of a network has a part in."""
    if isinstance(network, MCNN):
        wave, mask = network(levels)
        power = Analyser().power
        return losses.log_distance(power(samples), power(wave * torch.sigmoid(mask)))
    spectrum = network.analyse(samples)
    in_time, in_bins = network.slopes(network.read(levels))
    real = spectrum.abs().clamp_min(1e-3).log()
    steps = (spectrum[:, :, 1:] * spectrum[:, :, :-1].conj()).angle()
    more = (spectrum[:, 1:] * spectrum[:, :-1].conj()).angle()
    loud = real - real.min()
    return losses.phase_distance(steps, in_time, loud[:, :, 1:]) + losses.phase_distance(
        more, in_bins, loud[:, 1:]
    )


@pytest.mark.parametrize(
    "build", [lambda: SpectralInverter(TINY_INVERTER), lambda: MCNN(TINY_MCNN)]
)
def test_a_finite_gradient_reaches_every_parameter(drums, build):
    torch.manual_seed(0)
    network = build()
    loss_of(network, *drums).backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.any(), name


@pytest.mark.parametrize(
    ("build", "share"),
    [(lambda: SpectralInverter(InverterConfig()), 0.97), (lambda: MCNN(MCNNConfig()), 0.85)],
)
def test_an_inverter_overfits_one_batch(drums, build, share):
    torch.manual_seed(0)
    network = build()
    samples, levels = (part[:2] for part in drums)
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    course = []
    for _ in range(40):
        loss = loss_of(network, samples, levels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        course.append(loss.item())
    assert course[-1] < share * course[0]


def test_the_fitted_reading_is_nearer_to_the_spectrum_than_the_plain_one(drums):
    samples, levels = drums
    pool = Pool((samples.numpy() * 32767).astype(np.int16), None, np.arange(4))
    network = SpectralInverter(TINY_INVERTER)
    real = (network.analyse(samples).abs() / 256).clamp_min(1e-4).log()
    heard = real > -6

    def error():
        with torch.no_grad():
            return (network.read(levels) - real).abs()[heard].mean()

    plain = error()
    fit_reading(network, pool)
    assert error() < 0.95 * plain


def test_corrections_bring_the_bands_nearer(drums):
    _, levels = drums

    def distance(corrections):
        torch.manual_seed(0)
        network = SpectralInverter(InverterConfig(4, refinements=1, corrections=corrections))
        with torch.no_grad():
            return (Analyser()(network(levels)) - levels).abs().mean()

    assert distance(3) < 0.95 * distance(1) < 0.9 * distance(0)


def test_the_mask_is_one_or_zero():
    wave = torch.ones(1, 4)
    assert MCNN.masked(wave, torch.tensor([[-1.0, 0.1, 3.0, -0.1]])).tolist() == [[0, 1, 1, 0]]


def test_the_papers_mcnn_can_be_built():
    network = MCNN(MCNNConfig(channels=(128, 64, 32, 16, 8, 4, 2, 2)))
    assert [layer.weight.shape[-1] for layer in network.layers] == [13] * 8
    assert all(layer.bias is None for layer in network.layers)
