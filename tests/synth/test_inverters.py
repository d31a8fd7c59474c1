import numpy as np
import pytest
import torch

from drumkit_cli import spectral
from drumkit_cli.synth import drum_synth, losses
from drumkit_cli.synth.inverters import MCNN, InverterConfig, MCNNConfig, SpectralInverter
from drumkit_cli.synth.sound import FRAMES, LENGTH, MEL, Analyser, to_levels, to_power
from tests.synth.tiny import TINY_INVERTER, TINY_MCNN


@pytest.fixture(scope="module")
def drums():
    """Samples and levels of a few synthetic drums."""
    generator = np.random.default_rng(0)
    names = ("kick", "snare", "closed-hat", "tom")
    samples = torch.from_numpy(np.stack([drum_synth.render(n, generator) for n in names]))
    return samples, Analyser()(samples)


def test_levels_are_those_of_the_mel_preset(drums):
    samples, levels = drums
    power = spectral.mel_power(samples.numpy(), MEL)
    np.testing.assert_allclose(to_levels(torch.from_numpy(power)), levels, atol=1e-4)
    assert levels.shape[1:] == (MEL.mels, FRAMES)


def test_a_full_scale_sine_is_level_one_and_silence_is_zero():
    time = np.arange(LENGTH) / MEL.rate
    sine = torch.from_numpy(np.sin(2 * np.pi * 3000 * time).astype(np.float32))
    levels = Analyser()(torch.stack([sine, torch.zeros(LENGTH)]))
    assert levels[0, :, 40].max() == pytest.approx(1, abs=0.03)
    assert levels[1].max() == 0


def test_levels_and_power_are_inverse_above_the_floor(drums):
    _, levels = drums
    np.testing.assert_allclose(
        to_levels(torch.from_numpy(to_power(levels.numpy()))), levels, atol=1e-5
    )
    assert to_power(np.zeros(1, np.float32)) == 0


def test_the_spectral_inverter_is_good_before_it_is_trained(drums):
    """What it knows of phases alone is worth more than forty iterations of Griffin-Lim, at six."""
    samples, levels = drums
    with torch.no_grad():
        made = Analyser()(SpectralInverter(InverterConfig()).eval()(levels))
    rough = torch.rand(levels.shape) * 0.2
    assert (made - levels).abs().mean() < 0.012
    assert (made - levels).abs().mean() < rough.mean()
    assert made.shape == levels.shape
    assert len(samples) == len(made)


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


@pytest.mark.parametrize(
    "build", [lambda: SpectralInverter(TINY_INVERTER), lambda: MCNN(TINY_MCNN)]
)
def test_a_finite_gradient_reaches_every_parameter(drums, build):
    torch.manual_seed(0)
    network = build()
    samples, levels = drums
    made = network(levels)
    if isinstance(made, tuple):
        made = made[0] * torch.sigmoid(made[1])
    losses.log_distance(Analyser().power(samples), Analyser().power(made)).backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.any(), name


@pytest.mark.parametrize(
    ("build", "rate"),
    [(lambda: SpectralInverter(TINY_INVERTER), 3e-3), (lambda: MCNN(MCNNConfig()), 3e-3)],
)
def test_an_inverter_overfits_one_batch(drums, build, rate):
    torch.manual_seed(0)
    network, analyser = build(), Analyser()
    samples, levels = (part[:2] for part in drums)
    power = analyser.power(samples)
    optimizer = torch.optim.Adam(network.parameters(), rate)
    course = []
    for _ in range(25):
        made = network(levels)
        if isinstance(made, tuple):
            made = made[0] * torch.sigmoid(made[1])
        loss = losses.log_distance(power, analyser.power(made))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        course.append(float(loss))
    assert course[-1] < 0.85 * course[0]


def test_the_mask_is_one_or_zero():
    wave = torch.ones(1, 4)
    assert MCNN.masked(wave, torch.tensor([[-1.0, 0.1, 3.0, -0.1]])).tolist() == [[0, 1, 1, 0]]


def test_the_papers_mcnn_can_be_built():
    network = MCNN(MCNNConfig(channels=(128, 64, 32, 16, 8, 4, 2, 2)))
    assert [layer.weight.shape[-1] for layer in network.layers] == [13] * 8
    assert all(layer.bias is None for layer in network.layers)
