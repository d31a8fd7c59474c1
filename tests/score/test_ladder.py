from dataclasses import replace

import numpy as np
import pytest

from drumkit_cli.grading.buckets import BUCKETS, bucket_of
from drumkit_cli.grading.features import WINDOW_SAMPLES
from drumkit_cli.grading.songs import Song
from drumkit_cli.score.ladder import INSTEAD, LATER, RULES, scenes_of
from tests.score.tiny import RATE, scene


def test_more_damage_is_no_better_grade():
    for rule in RULES:
        assert len(rule.levels) == len(rule.grades) > 2
        assert list(rule.levels) == sorted(rule.levels)
        assert list(rule.grades) == sorted(rule.grades, reverse=True)


def test_every_bucket_has_rules_of_its_own():
    grades = [grade for rule in (*RULES, *INSTEAD) for grade in rule.grades]
    assert {bucket_of(grade) for grade in grades} == set(range(len(BUCKETS)))


@pytest.mark.parametrize("rule", [*RULES, *INSTEAD], ids=lambda rule: rule.name)
def test_a_rule_gives_as_many_finite_samples_and_the_same_for_a_seed(rule):
    if not rule.fits(scene()):
        assert rule.name == LATER
        return
    first, again = (rule.apply(scene(), rule.levels[-1], np.random.default_rng(3)) for _ in "ab")
    assert first.shape == scene().drums.shape
    assert first.dtype == np.float32
    assert np.isfinite(first).all()
    np.testing.assert_array_equal(first, again)


def song(windows=3, beat_seconds=0.5):
    drums = np.tile(scene().drums, windows)
    bass = np.tile(scene().bass, windows)
    times = np.arange(0, len(drums) / RATE, beat_seconds)
    beats = np.stack([times, np.arange(len(times)) % 4 + 1], 1)
    return Song("song", bass, drums, drums + bass, times, beats)


def test_a_song_is_cut_into_scenes_whose_rest_is_what_is_neither_drums_nor_bass():
    found = list(scenes_of(song()))
    assert len(found) == 3
    for one in found:
        assert len(one.drums) == len(one.bass) == len(one.later) == WINDOW_SAMPLES
        assert np.abs(one.rest).max() < 1e-6


def test_later_drums_are_those_of_another_bar_where_bars_are_known():
    first = next(iter(scenes_of(song())))
    np.testing.assert_array_equal(first.later, song().drums[4 * RATE :][:WINDOW_SAMPLES])
    (one, *_) = scenes_of(replace(song(), beats=np.zeros((0, 2))))
    assert not len(one.later)


def test_silent_stretches_are_no_scenes():
    quiet = replace(
        song(),
        drums=np.concatenate(
            [song().drums[:-WINDOW_SAMPLES], np.zeros(WINDOW_SAMPLES, np.float32)]
        ),
    )
    assert len(list(scenes_of(quiet))) == 2
