import numpy as np
import pytest
import torch

from drumkit_cli.kick import model
from drumkit_cli.kick.config import ModelConfig
from drumkit_cli.kick.curves import INPUTS
from drumkit_cli.kick.drummer import Drummer
from drumkit_cli.kick.model import Discriminator, GatedAutoencoder, Stack
from drumkit_cli.learning.checkpoint import load_weights
from drumkit_cli.learning.network import OnnxNetwork
from drumkit_cli.learning.torch_network import TorchNetwork
from tests.kick.tiny import TINY, curves, tiny_network, write_tiny_kick


def batch(count=3, frames=50):
    torch.manual_seed(1)
    return torch.randn(count, 4, frames), torch.randn(count, 1, frames)


def test_kick_and_context_become_codes_and_codes_a_kick():
    network, (context, kick) = tiny_network(), batch()
    codes = network.encode(context, kick)
    assert codes.shape == (3, 4, 50)
    assert network.decode(context, codes).shape == (3, 1, 50)
    assert Discriminator(TINY)(codes, network.context(context)).shape == (3, 1, 50)


def test_the_sizes_are_those_of_the_paper():
    network = GatedAutoencoder(ModelConfig())
    outputs = [layer.weight.shape[0] for layer in network.context.layers]
    assert outputs == [32, 32, 64, 64, 64, 128, 128, 256]
    assert [layer.weight.shape[0] for layer in network.codes.layers] == [128, 128, 64, 32, 32, 16]
    assert {layer.weight.shape[2] for layer in network.kick.layers} == {2}
    groups = [layer.weight.shape[1] for layer in network.context.layers]
    assert groups == [1, 8, 8, 16, 16, 16, 128, 128]


def test_forward_is_equation_five():
    network, (context, kick), (other, _) = tiny_network(), batch(), batch(frames=50)
    rebuilt, codes, filtered = network(context, kick, other)
    torch.testing.assert_close(codes, network.encode(context, kick))
    torch.testing.assert_close(rebuilt, network.decode(other, codes))
    torch.testing.assert_close(filtered, network.context(context))


def test_held_rows_are_played_by_the_mean_code_of_their_song():
    network, (context, kick), (other, _) = tiny_network(), batch(5), batch(5)
    rebuilt, codes, _ = network(context, kick, other, held=4, group=2)
    for rows in ([0, 1], [2, 3]):
        mean = codes[rows].mean((0, 2))[None, :, None].expand(2, -1, 50)
        torch.testing.assert_close(rebuilt[rows], network.decode(other[rows], mean))
    torch.testing.assert_close(rebuilt[4:], network.decode(other[4:], codes[4:]))


@pytest.mark.parametrize("kernel", [1, 2])
def test_the_transposed_layer_is_the_adjoint(kernel):
    torch.manual_seed(0)
    for layer in Stack(3, [4, 5, 6], kernel).layers:
        inputs = layer.bias_back.shape[0]
        signal, other = torch.randn(2, inputs, 40), torch.randn(2, layer.bias.shape[0], 40)
        left = (layer(signal) * other).sum()
        right = (signal * layer.transposed(other)).sum()
        torch.testing.assert_close(left, right, rtol=1e-4, atol=1e-4)


def test_the_inputs_are_kept_apart_below():
    network = GatedAutoencoder(ModelConfig())
    context = torch.zeros(1, len(INPUTS), 300)
    changed = context.clone()
    changed[0, 2] = 1
    signal, other = context, changed
    for layer in network.context.layers[:6]:
        signal, other = layer(signal), layer(other)
    moved = (signal - other).abs().amax((0, 2)) > 0
    assert moved.nonzero().flatten().tolist() == list(range(64, 96))


def test_a_gradient_reaches_every_parameter():
    network, (context, kick) = tiny_network(), batch()
    rebuilt, codes, filtered = network(context, kick, context)
    judge = Discriminator(TINY)
    (rebuilt.square().mean() + judge(codes, filtered).square().mean()).backward()
    parameters = [*network.named_parameters(), *judge.named_parameters()]
    # the way back through the lowest layer of the codes ends in the gate; that of U is never gone
    still = [n for n, p in parameters if p.grad is None or not p.grad.abs().sum() > 0]
    assert [name for name in still if not name.startswith("context") or "back" not in name] == []


def test_the_autoencoder_overfits_one_batch():
    network, (context, kick) = tiny_network(), batch(2, 40)
    adam = torch.optim.Adam(network.parameters(), 1e-2)
    losses = []
    for _ in range(300):
        adam.zero_grad()
        loss = (network(context, kick, context)[0] - kick).square().mean()
        loss.backward()
        adam.step()
        losses.append(float(loss))
    assert losses[-1] < 0.3 * losses[0]


def test_a_batch_equals_its_singles():
    network, (context, kick) = tiny_network().eval(), batch()
    with torch.no_grad():
        whole = network(context, kick, context)[0]
        alone = [network(c[None], k[None], c[None])[0] for c, k in zip(context, kick, strict=True)]
    torch.testing.assert_close(whole, torch.cat(alone), rtol=1e-4, atol=1e-5)


def test_both_runtimes_agree(tmp_path):
    checkpoint = load_weights("kick", str(write_tiny_kick(tmp_path / "tiny.safetensors")))
    rows = curves()
    made = []
    for network in (OnnxNetwork(checkpoint), TorchNetwork(checkpoint, model, "cpu")):
        drummer = Drummer(network, TINY)
        codes = drummer.encode(rows[:4], rows[4])
        made.append((codes, drummer.decode(rows[:4], codes)))
    for one, other in zip(*made, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)
