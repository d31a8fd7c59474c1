import itertools

import torch

from drumkit_cli.separate.model import separator_network
from tests.separate.tiny import TINY


def test_output_has_a_stem_for_every_source_and_the_length_of_the_mix():
    stems = separator_network(TINY).eval()(torch.randn(2, 1, 12_345))
    assert stems.shape == (2, 4, 1, 12_345)
    assert torch.isfinite(stems).all()


def test_a_gradient_reaches_every_parameter():
    network = separator_network(TINY)
    network(torch.randn(1, 1, 22_050)).square().mean().backward()
    missing = [name for name, p in network.named_parameters() if p.grad is None]
    assert missing == []


def test_a_batch_equals_its_singles_in_eval_mode():
    network = separator_network(TINY).eval()
    mix = torch.randn(3, 1, 20_000)
    with torch.no_grad():
        together = network(mix)
        singles = torch.cat([network(one[None]) for one in mix])
    torch.testing.assert_close(together, singles, rtol=1e-4, atol=1e-5)


def test_it_overfits_one_batch():
    network = separator_network(TINY)
    time = torch.arange(22_050) / 22_050
    low = torch.sin(2 * torch.pi * 80 * time)
    clicks = torch.zeros(22_050)
    clicks[::5000] = 5
    sources = torch.stack([clicks, low, 0 * low, 0 * low])[None, :, None]
    mix = sources.sum(1)
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    losses = []
    for _ in itertools.repeat(None, 60):
        optimizer.zero_grad()
        loss = (network(mix) - sources).abs().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.35 * losses[0]
