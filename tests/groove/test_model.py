import pytest
import torch
import torch.nn.functional as F

from drumkit_cli.groove.baselines.networks import GenreClassifier, OneStep
from drumkit_cli.groove.model import BEATS, Conditions, Groove, NoteCoder
from drumkit_cli.groove.network.config import GrooveConfig
from drumkit_cli.groove.network.layers import Gaussian, Quantiser
from drumkit_cli.groove.network.prior import CodePrior
from drumkit_cli.groove.training.reconstruction import Batch, divergence, reconstruct
from drumkit_cli.learning.checkpoint import load_weights
from drumkit_cli.learning.torch_network import state_dict
from tests.groove.tiny import TINY, TINY_PAPER, random_windows, write_tiny_groove

TINY_VAE = GrooveConfig(
    note_code="vae", width=16, skeleton_width=8, latent=8, conditions=False, prior_width=8
)
TINY_ONE = GrooveConfig(kind="one-step", width=16, skeleton_width=8, latent=8)
TINY_ONE_CONV = GrooveConfig(
    kind="one-step", trunk="conv", blocks=1, width=16, skeleton_width=8, latent=8
)
COUNT = 3


def build(config):
    torch.manual_seed(0)
    return OneStep(config) if config.kind == "one-step" else Groove(config)


def batch(count=COUNT):
    notes, velocities, timings, template = random_windows(count)
    generator = torch.Generator().manual_seed(0)
    conditions = Conditions(
        F.one_hot(torch.arange(count) % 6, 6).float(),
        F.one_hot(torch.randint(5, (count, 32), generator=generator), 5).float(),
        F.one_hot(torch.randint(3, (count, 32), generator=generator), 3).float(),
    )
    return Batch(notes, velocities, timings, template, conditions, torch.arange(count) % 6)


def losses(model, given):
    """All that training asks of a model, without its weights."""
    if isinstance(model, OneStep):
        found = model.encode(given.notes, given.velocities, given.timings, given.template)
        logits, velocities, timings = model.decode(
            found.sample(0.1 + 0 * found.mean), given.template
        )
        wrong = (velocities - given.velocities).square() + (timings - given.timings).square()
        note = F.binary_cross_entropy_with_logits(logits, given.notes)
        return note + wrong.mean() + 0.001 * divergence(found, None)
    skeleton = model.skeleton(given.template)
    if isinstance(model.note, NoteCoder):
        coded = model.note.encode(given.notes, given.template, skeleton)
        logits = model.note.decoder(coded.vectors, given.template, skeleton)
        loss = 0.2 * (coded.codebook_loss + coded.commitment_loss)
    else:
        found = model.note.encode(given.notes, given.template, skeleton)
        logits = model.note.decode(found.sample(0.1 + 0 * found.mean), given.template, skeleton)
        loss = 0.001 * divergence(found, None)
    loss = loss + F.binary_cross_entropy_with_logits(logits, given.notes)
    skeleton = model.skeleton(given.notes)
    for player, values in ((model.velocity, given.velocities), (model.timing, given.timings)):
        found = player.encode(values, given.notes, skeleton, given.conditions)
        expected = player.latent_prior(given.notes, skeleton, given.conditions)
        z = found.sample(0.1 + 0 * found.mean)
        made = player.decode(z, given.notes, skeleton, given.conditions)
        wrong = (given.notes * (made - values)).square().mean()
        loss = loss + wrong + 1e-4 * divergence(found, expected)
    return loss


CONFIGS = [TINY, TINY_PAPER, TINY_VAE, TINY_ONE, TINY_ONE_CONV]


@pytest.mark.parametrize("config", CONFIGS)
def test_reconstructions_have_the_shape_and_range_of_a_performance(config):
    given = batch()
    notes, velocities, timings = reconstruct(build(config), given)
    assert notes.shape == velocities.shape == timings.shape == given.notes.shape
    assert set(notes.unique().tolist()) <= {0.0, 1.0}
    assert 0 <= velocities.min() <= velocities.max() <= 1
    assert timings.abs().max() <= 1
    assert not velocities[notes == 0].any()
    assert not timings[notes == 0].any()


@pytest.mark.parametrize("config", CONFIGS)
def test_a_gradient_reaches_every_parameter(config):
    model = build(config)
    losses(model, batch(8)).backward()
    still = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert still == []


@pytest.mark.parametrize("config", CONFIGS)
def test_a_batch_equals_its_singles(config):
    model, given = build(config).eval(), batch()
    with torch.no_grad():
        together = reconstruct(model, given)
        for index in range(COUNT):
            one = slice(index, index + 1)
            single = Batch(
                given.notes[one],
                given.velocities[one],
                given.timings[one],
                given.template[one],
                Conditions(*(part[one] for part in given.conditions)),
                given.genres[one],
            )
            for all_of_them, alone in zip(together, reconstruct(model, single), strict=True):
                torch.testing.assert_close(all_of_them[one], alone, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("config", [TINY, TINY_PAPER, TINY_ONE])
def test_one_batch_is_overfitted(config):
    model, given = build(config), batch(2)
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    first = float(losses(model, given).detach())
    for _ in range(30):
        optimizer.zero_grad()
        loss = losses(model, given)
        loss.backward()
        optimizer.step()
    assert loss < 0.8 * first


def test_weights_make_a_round_trip(tmp_path):
    checkpoint = load_weights("groove", str(write_tiny_groove(tmp_path / "g.safetensors")))
    second = Groove(GrooveConfig(**checkpoint.config))
    second.load_state_dict(
        {k[7:]: v for k, v in state_dict(checkpoint).items() if k.startswith("groove.")}
    )
    made = reconstruct(second.eval(), batch())
    again = reconstruct(build(TINY).eval(), batch())
    assert all(torch.equal(one, other) for one, other in zip(made, again, strict=True))


def test_codes_say_all_that_the_decoder_hears():
    model, given = build(TINY).eval(), batch()
    skeleton = model.skeleton(given.template)
    coded = model.note.encode(given.notes, given.template, skeleton)
    assert coded.codes.shape == (COUNT, BEATS, TINY.stages)
    torch.testing.assert_close(model.note.quantiser.look_up(coded.codes), coded.vectors)


def test_each_stage_comes_nearer():
    torch.manual_seed(0)
    z = torch.randn(4, BEATS, 16)
    errors = []
    for stages in (1, 2, 3):
        torch.manual_seed(1)
        quantiser = Quantiser(GrooveConfig(stages=stages, codebook=256))
        errors.append(float((quantiser(z).vectors - z).square().mean()))
    assert errors[0] > errors[1] > errors[2]


def test_the_straight_through_gradient_is_that_of_the_vectors():
    z = torch.randn(2, BEATS, 16, requires_grad=True)
    Quantiser(GrooveConfig())(z).vectors.sum().backward()
    assert torch.equal(z.grad, torch.ones_like(z))


@pytest.mark.parametrize("config", [TINY, TINY_PAPER])
def test_the_prior_hears_only_what_came_before(config):
    torch.manual_seed(0)
    prior = CodePrior(config).eval()
    codes = torch.randint(config.codebook, (2, BEATS, config.stages))
    genre, template = torch.eye(6)[:2], batch(2).template
    before = prior(codes, genre, template)
    assert before.shape == (2, BEATS, config.stages, config.codebook)
    changed = codes.clone()
    changed[:, 4:] = (changed[:, 4:] + 1) % config.codebook
    after = prior(changed, genre, template)
    torch.testing.assert_close(before[:, :4], after[:, :4])
    torch.testing.assert_close(before[:, 4, 0], after[:, 4, 0])  # its first stage too
    assert not torch.allclose(before[:, 5:], after[:, 5:])


def test_the_prior_learns_a_sequence():
    torch.manual_seed(0)
    prior = CodePrior(TINY)
    codes = torch.randint(TINY.codebook, (2, BEATS, TINY.stages))
    genre, template = torch.eye(6)[:2], batch(2).template
    optimizer = torch.optim.Adam(prior.parameters(), 1e-2)
    for _ in range(300):
        optimizer.zero_grad()
        logits = prior(codes, genre, template)
        loss = F.cross_entropy(logits.flatten(0, 2), codes.flatten())
        loss.backward()
        optimizer.step()
    assert loss < 0.1
    still = [n for n, p in prior.named_parameters() if not p.grad.abs().sum() > 0]
    assert still == []


def test_the_classifier_tells_genres():
    torch.manual_seed(0)
    given, classifier = batch(6), GenreClassifier(width=16, dropout=0.0)
    optimizer = torch.optim.Adam(classifier.parameters(), 1e-2)
    for _ in range(80):
        optimizer.zero_grad()
        logits = classifier(given.notes, given.velocities, given.timings)
        F.cross_entropy(logits, given.genres).backward()
        optimizer.step()
    assert logits.shape == (6, 6)
    assert torch.equal(logits.argmax(-1), given.genres)
    assert all(p.grad.abs().sum() > 0 for p in classifier.parameters())


def test_the_divergence_is_that_of_gaussians_in_closed_form():
    one = Gaussian(torch.tensor([[1.0]]), torch.tensor([[0.0]]))
    other = Gaussian(torch.tensor([[0.0]]), torch.tensor([[2 * 0.6931472]]))
    assert float(divergence(one, one)) == 0
    assert float(divergence(one, None)) == pytest.approx(0.5)
    assert float(divergence(one, other)) == pytest.approx(0.6931472 + 2 / 8 - 0.5)
