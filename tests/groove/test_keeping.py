"""What stays of a template: its notes, its level and its grid."""

import numpy as np
import pytest

from drumkit_cli.groove.inputs.performance import Controls, Performance
from drumkit_cli.groove.keeping import addable_voices, choose_notes, keep_level
from drumkit_cli.groove.network.windowing import CLOSED, KICK, OPEN, RIDE, SNARE, TOM

ALL = np.ones(7, bool)


HATS = slice(0, 16, 2)


def performance(*hits, late=0.0):
    """A measure of hits: voice, steps and velocity."""
    velocities = np.zeros((7, 16), np.float32)
    for voice, steps, velocity in hits:
        velocities[voice, steps] = velocity
    return Performance(velocities, np.where(velocities > 0, late, 0).astype(np.float32))


def random_logits(seed=0, steps=64):
    return np.random.default_rng(seed).normal(0, 1, (7, steps)).astype(np.float32)


def sketch_of(steps=64):
    sketch = np.zeros((7, steps), bool)
    sketch[KICK, ::4] = sketch[SNARE, 4::8] = sketch[CLOSED, ::2] = True
    return sketch


def test_by_default_the_template_stays_and_at_most_half_as_many_notes_come():
    sketch = sketch_of()
    chosen = choose_notes(sketch, random_logits(), ALL) > 0
    assert chosen[sketch].all()
    assert chosen.sum() == sketch.sum() + sketch.sum() // 2
    unlikely = choose_notes(sketch, random_logits() - 10, ALL) > 0
    np.testing.assert_array_equal(unlikely, sketch)


def test_a_density_of_0_is_the_template():
    sketch = sketch_of()
    np.testing.assert_array_equal(choose_notes(sketch, random_logits(), ALL, 0.0) > 0, sketch)


def test_the_denser_the_more_notes_and_none_goes_that_was_there():
    sketch = sketch_of()
    before = np.zeros_like(sketch)
    for density in np.linspace(-1, 1, 21):
        chosen = choose_notes(sketch, random_logits(), ALL, float(density)) > 0
        assert chosen.sum() == sketch.sum() + round(density * int(sketch.sum()))
        assert chosen[before].all()
        before = chosen


def test_kicks_and_snares_are_left_out_last():
    sketch = sketch_of()
    chosen = choose_notes(sketch, random_logits() - sketch[:1], ALL, -0.5) > 0
    assert chosen[:2].sum() == sketch[:2].sum()


def test_voices_that_may_not_change_do_not():
    hats = np.isin(np.arange(7), (CLOSED, OPEN))
    sketch = sketch_of()
    for density in (-1.0, None, 1.0):
        chosen = choose_notes(sketch, random_logits(), hats, density) > 0
        np.testing.assert_array_equal(chosen[~hats], sketch[~hats])


def test_no_sixteenth_has_both_hats_unless_the_template_has():
    chosen = choose_notes(sketch_of(), random_logits() + 5, ALL, 1.0) > 0
    assert chosen[OPEN].any()
    assert not (chosen[CLOSED] & chosen[OPEN]).any()


@pytest.mark.parametrize(
    ("played", "genre", "density", "added"),
    [
        ((KICK,), None, None, ()),
        ((CLOSED,), "funk", 1.0, ()),
        ((KICK, CLOSED), None, 1.0, ()),
        ((KICK, SNARE), None, None, (CLOSED,)),
        ((KICK, SNARE), None, 1.0, (CLOSED, OPEN, RIDE, 5)),
        ((KICK, SNARE, CLOSED), "jazz", None, (RIDE,)),
        ((KICK, SNARE, CLOSED), "electronic", 0.8, (OPEN,)),
        ((KICK, SNARE, RIDE), None, 0.75, (CLOSED, OPEN, TOM)),
        ((KICK, SNARE, RIDE, TOM), None, 0.0, ()),
    ],
)
def test_drums_are_added_that_the_genre_and_the_density_make_likely(played, genre, density, added):
    marked = np.isin(np.arange(7), played)
    expected = np.isin(np.arange(7), [*played, *added])
    np.testing.assert_array_equal(addable_voices(marked, genre, density), expected)


def test_the_mean_velocity_of_each_voice_is_that_of_the_template():
    template = performance((KICK, slice(0, 16, 4), 0.8), (CLOSED, HATS, 0.5))
    played = performance((KICK, slice(0, 16, 4), [0.5, 0.2, 0.4, 0.3]), (CLOSED, HATS, 0.9))
    kept = keep_level(template, played, Controls(dynamics=1.0)).velocities
    for voice, level in ((KICK, 0.8), (CLOSED, 0.5)):
        assert kept[voice][played.velocities[voice] > 0].mean() <= level + 1e-6
    assert kept[CLOSED, ::2] == pytest.approx(0.5)
    assert kept[KICK, [4, 12]] == pytest.approx([0.8 * 0.2 / 0.35, 0.8 * 0.3 / 0.35])


def test_dynamics_of_0_leave_velocities_as_they_are_and_more_spread_them_more():
    template = performance((CLOSED, HATS, 0.4))
    levels = np.linspace(0.1, 0.8, 8)
    played = performance((CLOSED, HATS, levels))
    spreads = []
    for dynamics in (0.0, 0.25, 0.5, 1.0):
        kept = keep_level(template, played, Controls(dynamics=dynamics)).velocities[CLOSED, ::2]
        assert kept.mean() == pytest.approx(0.4, abs=0.01)
        spreads.append(kept.std())
    assert spreads[0] == pytest.approx(0, abs=1e-6)
    assert spreads == sorted(spreads)


def test_an_added_note_is_as_much_softer_as_it_is_played():
    template = performance((SNARE, 4, 0.9), (SNARE, 12, 0.9))
    played = performance((SNARE, 4, 0.6), (SNARE, 12, 0.6), (SNARE, 7, 0.2), (TOM, 9, 0.4))
    kept = keep_level(template, played, Controls()).velocities
    assert kept[SNARE, [4, 7, 12]] == pytest.approx([0.9, 0.3, 0.9])
    assert kept[TOM, 9] == pytest.approx(0.6)


def test_told_cymbals_are_as_loud_as_they_are_told():
    template = performance((CLOSED, HATS, 0.4), (KICK, 0, 0.4))
    played = performance((CLOSED, HATS, 0.9), (KICK, 0, 0.9))
    kept = keep_level(template, played, Controls(velocity_pattern=(5, 0, 0, 0))).velocities
    assert kept[CLOSED, :8:2] == pytest.approx([0.9, 0.4, 0.9, 0.4])
    assert kept[KICK, 0] == pytest.approx(0.4)


def test_timing_is_centred_and_spread_as_it_is_played_unless_a_feel_is_asked_for():
    template = performance((CLOSED, slice(None), 0.5), (KICK, 0, 0.9))
    played = performance((CLOSED, slice(None), 0.5), (KICK, 0, 0.9), late=-0.2)
    played.offsets[CLOSED, ::8] = -0.1
    hits = played.velocities > 0
    kept = keep_level(template, played, Controls())
    assert kept.offsets[hits].mean() == pytest.approx(0, abs=1e-6)
    assert np.ptp(kept.offsets[CLOSED, ::2]) == pytest.approx(0.1)
    assert not kept.offsets[~hits].any()
    asked = keep_level(template, played, Controls(feel=(0.0,)))
    np.testing.assert_array_equal(asked.offsets, played.offsets)
    hats = keep_level(template, played, Controls(only=(CLOSED,)))
    assert hats.offsets[CLOSED].mean() == pytest.approx(0, abs=1e-6)


def test_late_sixteenths_make_no_swing_that_the_template_lacks():
    template = performance((CLOSED, slice(None), 0.5))
    played = performance((CLOSED, slice(None), 0.5))
    played.offsets[CLOSED, 1::2] = 0.2
    assert keep_level(template, played, Controls()).offsets == pytest.approx(0)
