from dataclasses import replace

import numpy as np
import pytest
import torch

from drumkit_cli.interpolate.model import ModelConfig, PatternVAE
from drumkit_cli.learning.checkpoint import load_weights
from drumkit_cli.learning.configs import restore
from drumkit_cli.learning.torch_network import state_dict
from drumkit_cli.patterns import composer
from drumkit_cli.patterns.networks import to_targets
from tests.interpolate.tiny import TINY, TINY_CONV, write_tiny_autoencoder

each_config = pytest.mark.parametrize("config", [TINY, TINY_CONV], ids=["lstm", "conv"])


def patterns(count):
    made = [composer.compose("techno", number) for number in range(1, count + 1)]
    return torch.from_numpy(np.stack(made))


@each_config
def test_patterns_become_codes_and_codes_patterns(config):
    network = PatternVAE(config)
    logits, mean, log_variance = network(patterns(3), torch.zeros(3, 4))
    assert logits.shape == (3, 6, 64)
    assert mean.shape == log_variance.shape == (3, 4)
    assert log_variance.max() <= 4
    assert log_variance.min() >= -10


@each_config
def test_a_gradient_reaches_every_parameter(config):
    torch.manual_seed(0)
    network = PatternVAE(config)
    logits, mean, log_variance = network(patterns(4), torch.randn(4, 4))
    (logits.square().mean() + mean.square().mean() + log_variance.mean()).backward()
    still = [
        name
        for name, parameter in network.named_parameters()
        if parameter.grad is None or not parameter.grad.abs().sum() > 0
    ]
    assert still == []


@each_config
def test_one_batch_is_overfitted(config):
    torch.manual_seed(0)
    network = PatternVAE(replace(config, latent=16))
    batch, noise = patterns(4), torch.zeros(4, 16)
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    for _ in range(150):
        optimizer.zero_grad()
        logits = network(batch, noise)[0]
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, to_targets(batch))
        loss.backward()
        optimizer.step()
    assert torch.equal(logits > 0, batch > 0)


@each_config
def test_a_batch_equals_its_singles(config):
    torch.manual_seed(0)
    network = PatternVAE(config).eval()
    batch = patterns(5)
    with torch.no_grad():
        together = network.decode(network.encode(batch)[0])
        alone = torch.cat([network.decode(network.encode(one[None])[0]) for one in batch])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


@each_config
def test_weights_make_a_round_trip(config, tmp_path):
    path = write_tiny_autoencoder(tmp_path / "w.safetensors", config)
    checkpoint = load_weights("interpolate", str(path))
    assert restore(ModelConfig, checkpoint.config) == config
    torch.manual_seed(0)
    first = PatternVAE(config).eval()
    second = PatternVAE(restore(ModelConfig, checkpoint.config)).eval()
    second.load_state_dict(state_dict(checkpoint))
    batch = patterns(2)
    assert torch.equal(first.encode(batch)[0], second.encode(batch)[0])


def test_a_code_begins_with_little_noise():
    torch.manual_seed(0)
    _, log_variance = PatternVAE(TINY).encode(patterns(8))
    assert log_variance.mean() < -3
