from dataclasses import replace

import numpy as np
import pytest
import torch

from drumkit_cli.errors import BadDataError
from drumkit_cli.learning.checkpoint import load_weights, save_weights
from drumkit_cli.learning.configs import restore
from drumkit_cli.learning.torch_network import state_dict
from drumkit_cli.listening.bar_features import FEATURES
from drumkit_cli.listening.config import EarConfig
from drumkit_cli.listening.ear import Listener
from drumkit_cli.listening.model import Ear, build
from tests.listening.tiny import TINY, write_tiny_ear


def test_levels_become_fourteen_curves():
    assert Ear(TINY)(torch.rand(2, 50, 80)).shape == (2, 50, 14)


def test_the_network_that_ships_has_a_million_parameters():
    count = sum(parameter.numel() for parameter in Ear(EarConfig()).parameters())
    assert 0.9e6 < count < 1.1e6


def test_a_gradient_reaches_every_parameter():
    torch.manual_seed(0)
    network = Ear(TINY)
    loss = network(torch.rand(2, 50, 80)).square().mean()
    (loss + network.bars(torch.rand(2, 9, FEATURES)).square().mean()).backward()
    still = [
        name
        for name, parameter in network.named_parameters()
        if parameter.grad is None or not parameter.grad.abs().sum() > 0
    ]
    assert still == []


def test_it_overfits_one_batch():
    torch.manual_seed(0)
    network, batch = Ear(TINY), torch.rand(2, 40, 80)
    targets = (torch.rand(2, 40, 14) > 0.9).float()
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    losses = []
    for _ in range(300):
        optimizer.zero_grad()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(network(batch), targets)
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0] / 4


def test_a_batch_equals_its_singles():
    torch.manual_seed(0)
    network, batch = Ear(TINY).eval(), torch.rand(3, 50, 80)
    with torch.no_grad():
        alone = torch.cat([network(one[None]) for one in batch])
        torch.testing.assert_close(network(batch), alone, atol=1e-5, rtol=1e-5)


def test_nothing_beyond_its_reach_bears_on_a_frame():
    torch.manual_seed(0)
    network, near = Ear(TINY).eval(), torch.rand(1, 400, 80)
    far = near.clone()
    far[:, : 200 - TINY.reach_frames] = 0
    far[:, 201 + TINY.reach_frames :] = 0
    with torch.no_grad():
        torch.testing.assert_close(network(near)[:, 200], network(far)[:, 200])


def test_weights_make_a_round_trip(tmp_path):
    checkpoint = load_weights("transcribe", str(write_tiny_ear(tmp_path / "w.safetensors")))
    config = restore(EarConfig, checkpoint.config)
    assert config == TINY
    torch.manual_seed(0)
    first, second = Ear(TINY).eval(), build(checkpoint.config).eval()
    second.load_state_dict(state_dict(checkpoint))
    levels = torch.rand(1, 30, 80)
    assert torch.equal(first(levels), second(levels))


@pytest.mark.parametrize("change", [{"thresholds": [0.5]}, {"slow_layers": 30}])
def test_weights_of_another_ear_are_bad_data(change, tmp_path):
    from dataclasses import asdict

    path = tmp_path / "w.safetensors"
    config = asdict(TINY) | change
    save_weights(path, Ear(TINY).state_dict(), feature="transcribe", config=config, card={})
    with pytest.raises(BadDataError, match="another transcribe"):
        Listener(load_weights("transcribe", str(path)))


def test_tensors_of_another_ear_are_bad_data(tmp_path):
    checkpoint = load_weights("transcribe", str(write_tiny_ear(tmp_path / "w.safetensors")))
    tensors = {name: value[:1] for name, value in checkpoint.tensors.items()}
    listener = Listener(replace(checkpoint, tensors=tensors))
    with pytest.raises(BadDataError, match="of another shape"):
        listener.activations(np.zeros((40, 80), np.float32))
