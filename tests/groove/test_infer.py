from dataclasses import replace

import numpy as np
import pytest
import torch

from drumkit_cli.errors import BadDataError
from drumkit_cli.groove import groover as groovers
from drumkit_cli.groove import model
from drumkit_cli.groove.groover import Groover, join
from drumkit_cli.groove.infer import perform
from drumkit_cli.groove.inputs.performance import Controls, Performance
from drumkit_cli.groove.network import sampling, windowing
from drumkit_cli.learning.checkpoint import load_weights
from drumkit_cli.learning.network import OnnxNetwork
from drumkit_cli.learning.torch_network import load_network
from tests.groove.tiny import TINY, TINY_PAPER, beat, write_tiny_groove


@pytest.fixture(scope="module")
def groover(tmp_path_factory):
    path = write_tiny_groove(tmp_path_factory.mktemp("weights") / "groove.safetensors")
    return Groover(load_weights("groove", str(path)))


def sketch(measures=2, steps=None):
    velocities, _ = beat(measures)
    velocities = velocities[:, :steps]
    return Performance(np.where(velocities > 0, 0.8, 0).astype(np.float32), 0 * velocities)


def same(one, other):
    return np.array_equal(one.velocities, other.velocities) and np.array_equal(
        one.offsets, other.offsets
    )


@pytest.mark.parametrize("steps", [16, 32, 48, 160])
@pytest.mark.parametrize("keep", [False, True])
def test_a_track_of_any_length_keeps_it(groover, steps, keep):
    played = perform(sketch(10, steps), groover, Controls(density=0.0 if keep else None))
    assert played.velocities.shape == played.offsets.shape == (7, steps)
    assert played.velocities.dtype == played.offsets.dtype == np.float32
    assert 0 <= played.velocities.min() <= played.velocities.max() <= 1
    assert np.abs(played.offsets).max() <= 0.5
    assert not played.offsets[played.velocities == 0].any()


def test_the_same_seed_plays_the_same(groover):
    template = sketch(4)
    first, again, seeded, varied = (
        perform(template, groover, controls)
        for controls in (Controls(), Controls(), Controls(seed=1), Controls(variation=1))
    )
    assert same(first, again)
    assert not same(first, seeded)
    assert not same(first, varied)
    assert not same(seeded, varied)


def test_kept_notes_are_those_of_the_template(groover):
    template = sketch(3)
    played = perform(template, groover, Controls(density=0.0))
    assert np.array_equal(played.velocities > 0, template.velocities > 0)
    assert np.ptp(played.velocities[template.velocities > 0]) > 0


def test_genres_feels_and_patterns_change_what_is_played(groover):
    template = sketch(3)
    wishes = [
        Controls(density=0.0),
        *(Controls(density=0.0, genre=genre) for genre in windowing.GENRES),
        *(Controls(density=0.0, feel=f) for f in ((-1,), (0,), (1,), (0.5,), (1, 0, 0, 0))),
        *(Controls(density=0.0, velocity_pattern=p) for p in ((1,), (5,), (5, 5, 1, 1), (0, 0, 3))),
    ]
    played = [perform(template, groover, wish) for wish in wishes]
    for index, one in enumerate(played):
        assert not any(same(one, other) for other in played[:index]), wishes[index]


def test_a_reference_is_heard(groover):
    template = sketch(5)
    references = []
    for seed in (0, 1):
        velocities, offsets = beat(3, seed)
        references.append(groover.encode(Performance(velocities, offsets)))
    one, other = (perform(template, groover, Controls(), ref) for ref in references)
    assert not same(one, other)
    assert same(one, perform(template, groover, Controls(seed=9), references[0]))


@pytest.mark.parametrize("measures", [1, 2, 3])
def test_a_reference_has_four_codes_a_measure(groover, measures):
    velocities, offsets = beat(measures)
    reference = groover.encode(Performance(velocities, offsets))
    assert reference.codes.shape == (4 * measures, TINY.stages)
    assert reference.velocity.shape == reference.timing.shape
    assert reference.velocity.shape == (max(measures - 1, 1), TINY.latent)


@pytest.mark.parametrize("keep", [False, True])
def test_windows_in_many_batches_play_what_those_in_one_do(groover, monkeypatch, keep):
    """Patterns go on across batches too; sums may differ in the last bits."""
    template, controls = sketch(9), Controls(feel=(1, 0, -1), velocity_pattern=(5, 1, 0))
    controls = replace(controls, density=0.0 if keep else None)
    velocities, offsets = beat(9)
    made = []
    for batch in (64, 2):
        monkeypatch.setattr(groovers, "BATCH", batch)
        reference = groover.encode(Performance(velocities, offsets))
        made += [perform(template, groover, controls, of) for of in (None, reference)]
    for one, other in zip(made[:2], made[2:], strict=True):
        np.testing.assert_allclose(one.velocities, other.velocities, atol=1e-5)
        np.testing.assert_allclose(one.offsets, other.offsets, atol=1e-5)


@pytest.mark.parametrize("keep", [False, True])
def test_the_advance_is_told_to_the_end(groover, keep):
    told = []
    perform(sketch(5), groover, Controls(density=0.0 if keep else None), advance=told.append)
    assert sum(told) == pytest.approx(1)
    assert min(told) > 0


def test_codes_continue_from_window_to_window(groover):
    windows = windowing.cut(sketch(6).velocities)
    codes = groover.sample_codes(windows, "funk", np.random.default_rng(0))
    assert codes.shape == (24, TINY.stages)
    assert 0 <= codes.min() <= codes.max() < TINY.codebook


@pytest.mark.parametrize("genre", [None, "jazz"])
def test_sampling_beat_by_beat_is_the_prior(tmp_path, genre):
    """The codes are those that the whole sequence's logits would give."""
    checkpoint = load_weights("groove", str(write_tiny_groove(tmp_path / "g.safetensors")))
    network = OnnxNetwork(checkpoint)
    prior = load_network(checkpoint, model).prior
    template = windowing.cut(sketch(2).velocities)
    known = np.zeros((1, 0, TINY.stages), np.int64)
    prior_input = sampling.encode_templates(network, template, genre)
    codes = sampling.continue_codes(network, prior_input, known, np.random.default_rng(3))
    with torch.no_grad():
        by_run = [
            prior(torch.from_numpy(codes), torch.from_numpy(one[None]), torch.from_numpy(template))
            for one in prior_input.genres
        ]
    by_run = [logits.numpy() for logits in by_run]
    logits = by_run[0] + sampling.GUIDANCE * (by_run[0] - by_run[-1])
    generator = np.random.default_rng(3)
    for step in range(codes.shape[1]):
        for stage in range(TINY.stages):
            code = sampling.sample_top_p(logits[:, step, stage], generator)
            assert code == int(codes[0, step, stage])


def test_unlikely_codes_are_not_chosen():
    logits = np.log(np.array([[0.5, 0.35, 0.1, 0.05]], np.float32)).repeat(20_000, 0)
    chosen = (
        np.bincount(sampling.sample_top_p(logits, np.random.default_rng(0)), minlength=4) / 20_000
    )
    np.testing.assert_allclose(chosen, np.array([0.5, 0.35, 0, 0]) / 0.85, atol=0.02)


def test_windows_that_agree_join_without_seams():
    track = np.random.default_rng(0).random((7, 80), np.float32)
    np.testing.assert_allclose(join(windowing.cut(track)), track, rtol=1e-6)


def test_windows_that_differ_fade_into_each_other():
    windows = np.stack([np.zeros((32, 7)), np.ones((32, 7))]).astype(np.float32)
    (row, *_) = join(windows)
    assert not row[:16].any()
    assert (row[32:] == 1).all()
    assert (np.diff(row[15:33]) > 0).all()
    assert np.diff(row).max() < 0.1


def test_a_silent_template_is_played(groover):
    played = perform(
        Performance(np.zeros((7, 32), np.float32), np.zeros((7, 32), np.float32)),
        groover,
        Controls(density=0.0),
    )
    assert not played.velocities.any()


def rests(*measures):
    """A beat of ten measures that rests in some of them."""
    velocities = sketch(10).velocities.reshape(7, 10, 16).copy()
    velocities[:, measures] = 0
    velocities = velocities.reshape(7, 160)
    return Performance(velocities, 0 * velocities)


@pytest.mark.parametrize("keep", [False, True])
def test_windows_that_rest_are_not_played_at_all(groover, monkeypatch, keep):
    played = []
    for name, axis in (("sample_codes", 0), ("play", 1)):
        method = getattr(groover, name)

        def counted(values, *args, method=method, axis=axis, **options):
            played.append(values.shape[axis] // (1 if axis == 0 else 16) - axis)
            return method(values, *args, **options)

        monkeypatch.setattr(groover, name, counted)
    made = perform(rests(3, 4, 5, 8, 9), groover, Controls(density=0.0 if keep else None))
    # Measures 1 to 4 and 6 to 9: three windows each, one between that rests and one at the end.
    assert played == ([3, 3] if keep else [3, 3, 3, 3])
    assert not made.velocities[:, 16 * 4 : 16 * 5].any()
    assert not made.velocities[:, 16 * 9 :].any()
    assert made.velocities.shape == (7, 160)


def test_what_is_played_before_a_rest_does_not_depend_on_what_follows(groover):
    long, short = rests(3, 4, 5, 6, 7, 8, 9), rests(3, 4, 5, 6, 7, 8, 9)
    short = Performance(short.velocities[:, :64], short.offsets[:, :64])
    one, other = (perform(template, groover, Controls()) for template in (long, short))
    assert np.array_equal(one.velocities[:, :64], other.velocities)


def test_a_reference_goes_on_where_the_track_is(groover):
    """After a rest a measure is played like the same one of a track without the rest."""
    velocities, offsets = beat(4)
    reference = groover.encode(Performance(velocities, offsets))
    whole = perform(sketch(10), groover, Controls(), reference)
    parted = perform(rests(3, 4, 5), groover, Controls(), reference)
    np.testing.assert_allclose(
        parted.velocities[:, 16 * 8 :], whole.velocities[:, 16 * 8 :], atol=1e-5
    )


def test_other_weights_are_bad_data(tmp_path):
    path = write_tiny_groove(tmp_path / "paper.safetensors", TINY_PAPER)
    with pytest.raises(BadDataError, match="baseline"):
        Groover(load_weights("groove", str(path)))


@pytest.mark.slow
def test_the_papers_networks_play_too(tmp_path):
    config = replace(TINY_PAPER, conditions=True)
    path = write_tiny_groove(tmp_path / "paper.safetensors", config)
    groover = Groover(load_weights("groove", str(path)))
    played = perform(sketch(3), groover, Controls(genre="jazz", feel=(-1,)))
    assert played.velocities.shape == (7, 48)
