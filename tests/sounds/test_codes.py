import numpy as np
import pytest
import torch

from drumkit_cli.errors import BadDataError, UsageError
from drumkit_cli.sounds import codes
from drumkit_cli.sounds.classes import CLASSES
from drumkit_cli.sounds.codes import Code, LatentSpace
from drumkit_cli.sounds.model import Latent
from tests.synth.tiny import TINY


@pytest.fixture
def space():
    """Class c lies about c, its components are axes, of deviations 8, 7, 6 and so on."""
    latent = Latent(TINY)
    for c in range(len(CLASSES)):
        latent.mean[c] = c
        latent.scale[c] = torch.arange(8, 0, -1)
        latent.brighter[c, 0] = 1
    return LatentSpace(*(buffer.numpy() for buffer in latent.buffers()))


def code(*values, c=0):
    latent = np.zeros(8, np.float32)
    latent[: len(values)] = values
    return Code(latent, codes.class_weights(c))


def test_a_seed_gives_the_same_codes_whatever_the_count(space):
    few, many = space.sample("snare", 2, seed=5), space.sample("snare", 6, seed=5)
    for a, b in zip(few, many, strict=False):
        assert np.array_equal(a.latent, b.latent)
    other = space.sample("snare", 1, seed=6)[0]
    assert not np.array_equal(few[0].latent, other.latent)
    assert not np.array_equal(many[0].latent, many[1].latent)


def test_samples_lie_where_the_class_does_and_within_the_truncation(space):
    drawn = np.stack([c.latent for c in space.sample("clap", 400, seed=0)])
    places = (drawn - 1) / np.arange(8, 0, -1) / codes.TEMPERATURE
    assert np.abs(places).max() <= codes.TRUNCATION + 1e-6
    assert np.abs(places.mean(0)).max() < 0.2
    np.testing.assert_allclose(places.std(0), 0.88, atol=0.1)  # of a normal cut at 2


def test_controls_are_deviations_along_the_components_and_read_back(space):
    made = space.from_controls("kick", (1.0, -0.5, 2.0))
    np.testing.assert_allclose(made.latent[:4], [8, -3.5, 12, 0], atol=1e-5)
    assert space.controls(made) == pytest.approx((1.0, -0.5, 2.0), abs=1e-5)
    with pytest.raises(UsageError, match="finite"):
        space.from_controls("kick", (1.0, float("nan"), 0.0))


def test_no_variation_is_the_code_itself(space):
    start = code(1, 2, 3)
    (same,) = space.vary(start, 0.0, 1, seed=0)
    assert np.array_equal(same.latent, start.latent)
    near, far = (space.vary(start, amount, 1, seed=0)[0].latent for amount in (0.1, 0.2))
    np.testing.assert_allclose(far - start.latent, 2 * (near - start.latent), atol=1e-5)
    with pytest.raises(UsageError, match="variation"):
        space.vary(start, -1, 1, seed=0)


def test_a_softer_hit_is_duller(space):
    start = code(1, 2, 3)
    assert np.array_equal(space.at_velocity(start, 1.0).latent, start.latent)
    assert space.at_velocity(start, 0.5).latent[0] < start.latent[0]
    with pytest.raises(UsageError, match="velocity"):
        space.at_velocity(start, 1.5)


def test_the_ends_of_a_morph_are_exact():
    first, second = code(1, 0), code(0, 2, c=3)
    way = codes.between(first, second, 5)
    assert way[0] is first
    assert way[-1] is second
    lengths = [np.linalg.norm(c.latent) for c in way]
    np.testing.assert_allclose(lengths, [1, 1.25, 1.5, 1.75, 2], atol=1e-5)
    np.testing.assert_allclose([c.classes.sum() for c in way], 1, atol=1e-6)
    assert len(codes.between(first, second, 1)) == 1


@pytest.mark.parametrize(
    ("first", "second"), [((1, 1), (1, 1)), ((1, 0), (-1, 0)), ((0, 0), (1, 0))]
)
def test_codes_without_an_arc_between_them_are_joined_by_a_line(first, second):
    for made in codes.between(code(*first), code(*second), 7):
        assert np.isfinite(made.latent).all()


def test_between_a_sound_and_itself_there_is_no_other():
    numbers = np.random.default_rng(0).normal(size=8)
    end = code(*numbers)
    for made in codes.between(end, end, 7):
        assert np.array_equal(made.latent, end.latent)


def test_codes_make_a_round_trip_through_an_array():
    array = codes.to_array([code(1, 2), code(3, c=4)])
    assert array.shape == (2, 8 + len(CLASSES))
    back = codes.from_array(array, 8)
    assert np.array_equal(codes.to_array(back), array)
    assert len(codes.from_array(array[0], 8)) == 1
    with pytest.raises(BadDataError, match="shape"):
        codes.from_array(array[:, 1:], 8)
    for number in (np.nan, np.inf, 1e10):
        with pytest.raises(BadDataError, match=r"not within 1e\+06"):
            codes.from_array(np.full_like(array, number), 8)


@pytest.mark.parametrize(
    ("weights", "words"), [((0, 0), "sum to 0"), ((1, 1), "sum to 2"), ((2, -1), "within 0 to 1")]
)
def test_codes_of_no_class_are_refused_as_a_kit_refuses_them(weights, words):
    array = codes.to_array([code(1, 2), code(1, 2)])
    array[1, 8:10] = weights
    with pytest.raises(BadDataError, match=f"code 2: .*{words}"):
        codes.from_array(array, 8)


def test_an_unknown_class_is_told(space):
    with pytest.raises(UsageError, match="kick, clap"):
        space.sample("gong", 1, seed=0)
