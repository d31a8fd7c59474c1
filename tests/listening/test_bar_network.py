import pytest
import torch

from drumkit_cli.listening.bar_features import FEATURES
from drumkit_cli.listening.bar_network import BarNetwork


@pytest.fixture
def network():
    torch.manual_seed(0)
    return BarNetwork(8)


def test_features_become_a_logit_a_beat(network):
    assert network(torch.rand(2, 7, FEATURES)).shape == (2, 7)


def test_features_are_standardised(network):
    network.eval()
    features = torch.rand(1, 5, FEATURES)
    expected = network(features)
    network.mean.fill_(3)
    network.scale.fill_(2)
    torch.testing.assert_close(network(2 * features + 3), expected)


def test_it_overfits_one_batch(network):
    batch = torch.rand(2, 16, FEATURES)
    targets = (torch.rand(2, 16) > 0.7).float()
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    losses = []
    for _ in range(200):
        optimizer.zero_grad()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(network(batch), targets)
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0] / 4


def test_a_batch_equals_its_singles(network):
    network.eval()
    batch = torch.rand(3, 9, FEATURES)
    with torch.no_grad():
        torch.testing.assert_close(network(batch), torch.cat([network(one[None]) for one in batch]))
