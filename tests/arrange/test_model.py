import pytest
import torch

from drumkit_cli.arrange.config import ModelConfig
from drumkit_cli.arrange.metre import metre_planes
from drumkit_cli.arrange.model import Discriminator, Generator, Hold, generator
from drumkit_cli.learning.checkpoint import load_weights
from drumkit_cli.learning.torch_network import state_dict
from drumkit_cli.listening.beats import steady_beats
from tests.arrange.tiny import TINY, TINY_UNET, write_tiny_arranger

PAPER_SHAPED = ModelConfig(width=4, blocks=1, discriminator_width=4)


def metre_of(frames, batch=1):
    """The metre of 120 bpm: a bar every 86 frames."""
    planes = torch.from_numpy(metre_planes(steady_beats(120, 0.0, 12.0), 0, frames))
    return planes.expand(batch, -1, -1)


@pytest.mark.parametrize(
    ("config", "bins", "frames"),
    [
        (TINY, 256, 256),
        (TINY, 64, 128),
        (PAPER_SHAPED, 256, 256),
        (PAPER_SHAPED, 64, 128),
        (TINY_UNET, 256, 128),
    ],
)
def test_the_image_keeps_its_shape_and_range(config, bins, frames):
    image = torch.rand(2, 1, bins, frames) * 2 - 1
    made = generator(config)(image, metre_of(frames, 2))
    assert made.shape == image.shape
    assert made.abs().max() <= 1


def test_a_patch_of_the_critic_is_70_by_70():
    critic = Discriminator(TINY)
    image = torch.rand(1, 1, 256, 256, requires_grad=True)
    scores = critic(image)
    assert scores.shape == (1, 1, 30, 30)
    # Instance norm looks at all of the image: without it what one score sees is its patch.
    for layer in critic.modules():
        if isinstance(layer, torch.nn.InstanceNorm2d):
            layer.forward = lambda x: x
    critic(image)[0, 0, 15, 15].backward()
    rows, columns = torch.nonzero(image.grad[0, 0], as_tuple=True)
    assert rows.max() - rows.min() + 1 == 70
    assert columns.max() - columns.min() + 1 == 70


@pytest.mark.parametrize("config", [TINY, PAPER_SHAPED, TINY_UNET])
def test_a_gradient_reaches_every_parameter(config):
    torch.manual_seed(0)
    for network in (generator(config), Discriminator(config)):
        network(torch.rand(1, 1, 256, 256), metre_of(256)).square().mean().backward()
        missing = [n for n, p in network.named_parameters() if p.grad is None]
        still = [n for n, p in network.named_parameters() if not p.grad.abs().sum() > 0]
        assert (missing, still) == ([], [])


def test_bars_are_held_alike_where_the_metre_is_known():
    torch.manual_seed(0)
    hold = Hold(2)
    torch.nn.init.constant_(hold.gate, 100.0)
    x = torch.rand(1, 2, 3, 64)
    metre = metre_planes(steady_beats(60 / (64 * 4 * 512 / 22050) * 16, 0.0, 6.0), 0, 256)
    held = hold(x, torch.from_numpy(metre)[None])  # four bars
    torch.testing.assert_close(held[..., :16], held[..., 16:32], atol=1e-3, rtol=0)
    assert not torch.equal(held, x)
    assert torch.equal(hold(x, torch.zeros(1, len(metre), 256)), x)


def test_a_batch_equals_its_singles():
    torch.manual_seed(0)
    network = Generator(TINY).eval()
    images = torch.rand(3, 1, 256, 256)
    with torch.no_grad():
        together = network(images, metre_of(256, 3))
        alone = torch.cat([network(image[None], metre_of(256)) for image in images])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


def test_the_generator_overfits_one_batch():
    torch.manual_seed(0)
    network = Generator(ModelConfig(width=8, blocks=2, fold=4, context=True))
    source = torch.rand(1, 1, 64, 64) * 2 - 1
    target = torch.where(torch.arange(64) % 8 < 2, 0.5, -1.0).expand(1, 1, 64, 64)
    optimizer = torch.optim.Adam(network.parameters(), 2e-3)
    for _ in range(80):
        optimizer.zero_grad()
        loss = torch.nn.functional.l1_loss(network(source), target)
        loss.backward()
        optimizer.step()
    assert loss < 0.1


def test_weights_make_a_round_trip(tmp_path):
    checkpoint = load_weights("arrange", str(write_tiny_arranger(tmp_path / "a.safetensors")))
    torch.manual_seed(0)
    first = Generator(TINY).eval()
    second = Generator(ModelConfig(**checkpoint.config)).eval()
    second.load_state_dict(state_dict(checkpoint))
    image = torch.rand(1, 1, 256, 256)
    metre = metre_of(256)
    assert torch.equal(first(image, metre), second(image, metre))
