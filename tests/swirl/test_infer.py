"""The path of Eq. 8, its measures and the human touch."""

from dataclasses import replace

import numpy as np
import pytest

from drumkit_cli.errors import BadDataError
from drumkit_cli.learning.checkpoint import load_weights
from drumkit_cli.swirl import infer
from drumkit_cli.swirl.infer import humanized, measures, places
from drumkit_cli.swirl.walk import SPEED, Walk
from tests.swirl.tiny import FakeDrummer, write_tiny_drummer


def play(count, **how):
    return np.stack(list(measures(FakeDrummer(), count, Walk(**how))))


def test_the_path_is_equation_eight():
    t = 0.3
    f = np.exp(2j * t) - np.exp(19j * t) / 2 + np.exp(-20j * t) / 3 + np.exp(20j * t) / 4
    np.testing.assert_allclose(places(np.array([t]), Walk()), [[f.real, f.imag]], rtol=1e-6)
    np.testing.assert_allclose(
        places(np.zeros(1), Walk()), [[1 - 1 / 2 + 1 / 3 + 1 / 4, 0]], rtol=1e-6
    )


def test_the_path_comes_round_after_two_pi():
    times = np.linspace(0, 6, 50)
    np.testing.assert_allclose(places(times, Walk()), places(times + 2 * np.pi, Walk()), atol=1e-5)


def test_other_omegas_make_another_path():
    circle = places(np.linspace(0, 6, 50), Walk(omegas=(1, 1, 1, 1)))
    np.testing.assert_allclose(np.linalg.norm(circle, axis=1), 1 - 1 / 2 + 1 / 3 + 1 / 4, rtol=1e-5)


def test_a_seed_turns_the_path_about_its_centre():
    times = np.linspace(0, 6, 50)
    plain, turned, other = (places(times, Walk(seed=seed)) for seed in (0, 1, 2))
    np.testing.assert_array_equal(turned, places(times, Walk(seed=1)))
    lengths = [np.linalg.norm(path, axis=1) for path in (plain, turned, other)]
    np.testing.assert_allclose(lengths[1], lengths[0], rtol=1e-5)
    np.testing.assert_allclose(lengths[2], lengths[0], rtol=1e-5)
    assert np.abs(plain - turned).max() > 0.1
    assert np.abs(other - turned).max() > 0.1


def test_a_measure_is_its_quarter_of_the_pattern_at_its_time():
    drummer = FakeDrummer()
    made = np.stack(list(measures(drummer, 7, Walk())))
    assert made.shape == (7, 6, 16)
    whole = FakeDrummer().play(places(np.arange(7) * SPEED, Walk()))
    for number in range(7):
        at = 16 * (number % 4)
        np.testing.assert_array_equal(made[number], whole[number, :, at : at + 16])


@pytest.mark.parametrize("speed", [SPEED, 0.0127, -0.0127, 0.1, 1 / 3, 1e-4])
@pytest.mark.parametrize(("first", "second"), [(4, 8), (5, 6), (1, 1), (7, 130), (64, 3)])
def test_two_runs_are_one(speed, first, second):
    whole = play(first + second, speed=speed)
    then = play(second, speed=speed, start=Walk(speed=speed).end(first))
    np.testing.assert_array_equal(np.concatenate([play(first, speed=speed), then]), whole)


@pytest.mark.parametrize("start", [1.0, -5.0, 123.456])
def test_two_runs_from_anywhere_are_one(start):
    whole = play(11, start=start, seed=3)
    parts = [play(6, start=start, seed=3), play(5, start=Walk(start=start).end(6), seed=3)]
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-3)


def test_without_speed_a_phrase_repeats():
    made = play(9, speed=0.0, start=2.0)
    np.testing.assert_array_equal(made[4:8], made[:4])
    np.testing.assert_array_equal(made[8], made[0])


@pytest.mark.parametrize(
    ("time", "speed", "number"),
    [(0, 0.1, 0), (0.3, 0.1, 3), (-0.3, 0.1, -3), (0.25, 0.1, 2.5), (5, 0, 0), (0.3, -0.1, -3)],
)
def test_a_measure_has_a_number(time, speed, number):
    assert Walk(start=time, speed=speed).first_measure == pytest.approx(number, abs=1e-12)
    assert Walk(start=time, speed=speed).first_measure == round(number, 1)


def test_measures_come_in_batches_as_they_are_asked_for():
    drummer = FakeDrummer()
    stream = measures(drummer, 1_000_000, Walk())
    for _ in range(65):
        next(stream)
    assert [len(places) for places in drummer.places] == [64, 64]


@pytest.fixture(scope="module")
def varied():
    played = play(40)
    made = list(humanized(iter(played), 0, 5))
    return played, np.stack([m[0] for m in made]), np.stack([m[1] for m in made])


def test_humanising_keeps_every_hit_and_adds_none(varied):
    played, velocities, offsets = varied
    np.testing.assert_array_equal(velocities > 0, played > 0)
    assert not offsets[played == 0].any()
    assert velocities.dtype == offsets.dtype == np.float32


def test_humanising_stays_within_a_fifth_of_a_sixteenth_and_in_range(varied):
    played, velocities, offsets = varied
    assert np.abs(offsets).max() <= np.float32(0.2)
    assert offsets[played > 0].std() == pytest.approx(0.06, rel=0.1)
    assert abs(offsets[played > 0].mean()) < 0.01
    assert velocities.max() <= 1
    assert velocities[played > 0].min() >= np.float32(1 / 127)
    assert np.abs(velocities / np.where(played > 0, played, 1) - (played > 0)).max() < 0.5


def test_humanising_depends_on_seed_and_measure_number_only(varied):
    played, velocities, offsets = varied
    late = list(humanized(iter(played[7:]), 7, 5))
    np.testing.assert_array_equal(np.stack([m[0] for m in late]), velocities[7:])
    np.testing.assert_array_equal(np.stack([m[1] for m in late]), offsets[7:])
    other = np.stack([m[1] for m in humanized(iter(played), 0, 6)])
    assert np.any(other != offsets)
    assert len(list(humanized(iter(played[:2]), -9, 5))) == 2


def test_a_drummer_plays_velocities_in_range_and_nothing_inaudible(tmp_path):
    checkpoint = load_weights("swirl", str(write_tiny_drummer(tmp_path / "w.safetensors")))
    made = infer.Drummer(checkpoint).play(places(np.linspace(0, 6, 100), Walk()))
    assert made.shape == (100, 6, 64)
    assert made.dtype == np.float32
    assert made.max() <= 1
    assert made[made > 0].min() >= infer.SILENCE


def test_weights_of_another_network_are_bad_data(tmp_path):
    checkpoint = load_weights("swirl", str(write_tiny_drummer(tmp_path / "w.safetensors")))
    tensors = {name: value[:1] for name, value in checkpoint.tensors.items()}
    drummer = infer.Drummer(replace(checkpoint, tensors=tensors))
    with pytest.raises(BadDataError, match="of another shape"):
        drummer.play(np.zeros((1, 2), np.float32))
