import pytest
import torch
from torch.nn import functional as F

from drumkit_cli.learning.checkpoint import load_weights
from drumkit_cli.learning.torch_network import state_dict
from drumkit_cli.sounds.classes import CLASSES
from drumkit_cli.sounds.config import ModelConfig
from drumkit_cli.sounds.mel_image import FRAMES, MEL
from drumkit_cli.sounds.model import CWAE
from drumkit_cli.synth.training.classifier import ClassifierNet
from tests.synth.tiny import TINY, write_tiny_synth

PAPER_DENSE = ModelConfig(channels=(4, 4, 4), dense=(1024, 512))


def images(count):
    torch.manual_seed(0)
    return torch.rand(count, MEL.mels, FRAMES), torch.eye(len(CLASSES))[:count]


@pytest.mark.parametrize("config", [TINY, PAPER_DENSE])
def test_images_become_codes_and_come_back_in_their_shape(config):
    network = CWAE(config)
    levels, classes = images(3)
    codes = network.encode(levels, classes)
    assert codes.shape == (3, config.latent)
    made, spread = network.decode(codes, classes)
    assert made.shape == spread.shape == levels.shape
    assert made.min() >= 0
    assert spread.min() > 0


def test_the_papers_convolutions_shrink_the_image_by_three_and_two():
    assert TINY.sizes == ((512, 87), (171, 44), (57, 22), (19, 11))


def test_a_gradient_reaches_every_parameter():
    network = CWAE(TINY)
    levels, _ = images(1)
    image, spread, codes = network(
        levels.repeat(len(CLASSES), 1, 1) + 0.1 * torch.rand(len(CLASSES), 1, 1),
        torch.eye(len(CLASSES)),
    )
    (image.square().mean() + spread.mean() + codes.square().mean()).backward()
    still = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert still == []


def test_a_class_is_a_condition():
    network = CWAE(TINY)
    with torch.no_grad():
        for norm in network.decoder.norms:
            norm.gain += torch.rand_like(norm.gain)
    codes = torch.zeros(3, TINY.latent)
    half = torch.eye(len(CLASSES))[:2].mean(0, keepdim=True)
    with torch.no_grad():
        made, _ = network.eval().decode(codes, torch.cat([torch.eye(len(CLASSES))[:2], half]))
    assert not torch.allclose(made[0], made[1])
    assert not torch.allclose(made[0], made[2])


def test_a_batch_equals_its_singles():
    network = CWAE(TINY).eval()
    levels, classes = images(3)
    with torch.no_grad():
        together = network(levels, classes)
        alone = [network(levels[i : i + 1], classes[i : i + 1]) for i in range(3)]
    for whole, parts in zip(together, zip(*alone, strict=True), strict=True):
        torch.testing.assert_close(whole, torch.cat(parts), atol=1e-5, rtol=1e-5)


def test_the_autoencoder_overfits_one_batch():
    torch.manual_seed(0)
    network = CWAE(ModelConfig(channels=(8, 8, 8), dense=(64, 64)))
    levels, classes = images(4)
    levels = F.interpolate(levels[:, None, ::64, ::16], levels.shape[1:])[:, 0]
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    first = None
    for _ in range(60):
        optimizer.zero_grad()
        loss = F.mse_loss(network(levels, classes)[0], levels)
        loss.backward()
        optimizer.step()
        first = first or loss.item()
    assert loss.item() < first / 5


def test_weights_make_a_round_trip(tmp_path):
    checkpoint = load_weights("synth", str(write_tiny_synth(tmp_path)))
    network = CWAE(TINY)
    network.load_state_dict(
        {k[5:]: v for k, v in state_dict(checkpoint).items() if k.startswith("cwae.")}
    )
    torch.manual_seed(0)
    original = CWAE(TINY)
    original.mean += 0.4
    levels, classes = images(2)
    for made, wanted in zip(
        network.eval()(levels, classes), original.eval()(levels, classes), strict=True
    ):
        assert torch.equal(made, wanted)


def test_the_classifier_gives_an_embedding_and_a_logit_a_class():
    network = ClassifierNet(width=4).eval()
    levels, _ = images(2)
    assert network.embed(levels).shape == (2, 96)
    assert network(levels).shape == (2, len(CLASSES))
    torch.testing.assert_close(
        network(levels), torch.cat([network(x[None]) for x in levels]), atol=1e-5, rtol=1e-5
    )
