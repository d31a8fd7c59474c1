import numpy as np
import pytest
import torch

from drumkit_cli.learning.checkpoint import load_weights
from drumkit_cli.learning.configs import restore
from drumkit_cli.learning.torch_network import state_dict
from drumkit_cli.patterns import composer
from drumkit_cli.patterns.networks import to_targets, to_velocities
from drumkit_cli.swirl.model import Discriminator, Generator, ModelConfig, played
from tests.swirl.tiny import TINY, TINY_CONV, write_tiny_drummer

each_config = pytest.mark.parametrize("config", [TINY, TINY_CONV], ids=["lstm", "conv"])


def patterns(count):
    made = [composer.compose("idm", number) for number in range(1, count + 1)]
    return torch.from_numpy(np.stack(made))


@each_config
def test_noise_becomes_patterns_and_patterns_a_verdict(config):
    logits = Generator(config)(torch.randn(3, 2))
    assert logits.shape == (3, 6, 64)
    assert Discriminator(config)(to_velocities(logits)).shape == (3, 1)


@each_config
@pytest.mark.parametrize("network", [Generator, Discriminator])
def test_a_gradient_reaches_every_parameter(config, network):
    torch.manual_seed(0)
    model = network(config)
    model(torch.randn(4, 2) if network is Generator else patterns(4)).square().mean().backward()
    still = [
        name
        for name, parameter in model.named_parameters()
        if parameter.grad is None or not parameter.grad.abs().sum() > 0
    ]
    assert still == []


def test_the_generator_overfits_one_batch():
    torch.manual_seed(0)
    network, batch, noise = Generator(TINY), patterns(4), torch.randn(4, 2)
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    for _ in range(200):
        optimizer.zero_grad()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(
            network(noise), to_targets(batch)
        )
        loss.backward()
        optimizer.step()
    assert torch.equal(network(noise) > 0, batch > 0)


@each_config
def test_the_discriminator_overfits_one_batch(config):
    torch.manual_seed(0)
    network, batch, real = Discriminator(config), patterns(8), torch.eye(2).repeat(4, 1)[:, :1]
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    for _ in range(200):
        optimizer.zero_grad()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(network(batch), real)
        loss.backward()
        optimizer.step()
    assert torch.equal(network(batch) > 0, real.bool())


@each_config
def test_a_batch_equals_its_singles(config):
    torch.manual_seed(0)
    for model, batch in (
        (Generator(config).eval(), torch.randn(5, 2)),
        (Discriminator(config).eval(), patterns(5)),
    ):
        with torch.no_grad():
            alone = torch.cat([model(one[None]) for one in batch])
            torch.testing.assert_close(model(batch), alone, atol=1e-5, rtol=1e-5)


def test_weights_make_a_round_trip(tmp_path):
    checkpoint = load_weights("swirl", str(write_tiny_drummer(tmp_path / "w.safetensors")))
    config = restore(ModelConfig, checkpoint.config)
    assert config == TINY
    torch.manual_seed(0)
    first, second = Generator(TINY).eval(), Generator(config).eval()
    second.load_state_dict(state_dict(checkpoint))
    noise = torch.randn(3, 2)
    assert torch.equal(first(noise), second(noise))


def test_what_is_played_is_the_velocities_and_silent_notes_have_a_gradient():
    logits = torch.tensor([-3.0, -0.1, 0.1, 4.0], requires_grad=True)
    heard = played(logits)
    torch.testing.assert_close(heard, to_velocities(logits))
    assert heard[:2].tolist() == [0, 0]
    heard.sum().backward()
    assert (logits.grad > 0).all()
