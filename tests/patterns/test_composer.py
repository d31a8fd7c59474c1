import hashlib
from functools import cache

import numpy as np
import pytest

from drumkit_cli.patterns.composer import compose, euclid, family
from drumkit_cli.patterns.genres import GENRES

# Changes with any change to a table or a draw, and then on purpose: patterns have numbers.
CORPUS_SHA256 = "6c38741740d9f02487fa940d843d61e3e98341e0fa5ac63c3646c0f1bd7f4779"

BASS, SNARE, CLOSED_HAT, OPEN_HAT, RIMSHOT, COWBELL = range(6)
BEATS = slice(None, None, 4)
each_genre = pytest.mark.parametrize("genre", GENRES)


@cache
def corpus(genre):
    """All the patterns of a genre, [N, V, T]."""
    return np.stack([compose(genre, number) for number in range(1, GENRES[genre].count + 1)])


def measures(genre):
    """Where there are onsets, [N, V, 4 measures, 16 steps]."""
    return (corpus(genre) > 0).reshape(-1, 6, 4, 16)


def share(flags):
    return float(np.mean(flags))


def test_genres_are_in_order_and_counted():
    assert {name: genre.count for name, genre in GENRES.items()} == {
        "electro": 690,
        "techno": 484,
        "idm": 608,
        "house": 300,
        "breakbeat": 200,
        "dnb": 200,
    }
    assert list(GENRES)[:3] == ["electro", "techno", "idm"]
    assert all(100 <= genre.tempo_bpm <= 180 and genre.about for genre in GENRES.values())


def test_the_corpus_never_changes():
    digest = hashlib.sha256()
    for genre in GENRES:
        digest.update(np.round(corpus(genre) * 127).astype(np.uint8).tobytes())
    assert digest.hexdigest() == CORPUS_SHA256


def test_a_pattern_does_not_depend_on_what_was_composed_before():
    alone = compose("idm", 305)
    compose("idm", 306)
    again = compose("idm", 305)
    assert alone.shape == (6, 64)
    assert alone.dtype == np.float32
    np.testing.assert_array_equal(alone, again)


def test_what_is_composed_is_the_callers_to_change():
    compose("dnb", 7)[:] = 1
    assert compose("dnb", 7).min() == 0


@each_genre
def test_tables_are_whole_measures_of_known_symbols(genre):
    grammar = GENRES[genre]
    for name, line in grammar.lines.items():
        assert len(set(line.figures)) == len(line.figures)
        for figure in line.figures:
            assert len(figure) == 16
            assert set(figure) <= set("Xxo.O" if name == "H" else "Xxo."), figure
    for ornament in grammar.ornaments:
        assert len(ornament) == len("S:") + 16, ornament
    for accents in grammar.accents:
        assert len(accents) == 16
        assert set(accents) <= set("3456789")


def test_every_pattern_of_the_corpus_has_onsets_of_its_own():
    onsets = [pattern.tobytes() for genre in GENRES for pattern in corpus(genre) > 0]
    assert len(set(onsets)) == len(onsets) == sum(genre.count for genre in GENRES.values())


@each_genre
def test_velocities_are_midi_steps_and_heard(genre):
    patterns = corpus(genre)
    onsets = patterns[patterns > 0]
    assert onsets.min() >= 0.15
    assert onsets.max() <= 1
    midi = np.round(patterns * 127)
    np.testing.assert_array_equal(midi.astype(np.float32) / np.float32(127), patterns)


@each_genre
def test_velocities_tell_ghosts_from_accents(genre):
    onsets = corpus(genre)[corpus(genre) > 0]
    assert share(onsets <= 0.4) > 0.02
    assert share(onsets >= 0.85) > 0.1
    assert len(np.unique(onsets)) > 10


@each_genre
def test_an_open_hat_is_never_on_a_step_of_a_closed_one(genre):
    patterns = corpus(genre)
    assert not np.any((patterns[:, CLOSED_HAT] > 0) & (patterns[:, OPEN_HAT] > 0))


@each_genre
def test_every_measure_has_a_voice_on_one_of_its_beats(genre):
    assert measures(genre)[..., BEATS].any(axis=(1, 3)).all()


@each_genre
def test_patterns_run_from_sparse_to_dense(genre):
    onsets = measures(genre).sum(axis=(1, 2, 3))
    assert onsets.min() >= 8
    assert onsets.max() <= 151
    assert 60 < onsets.mean() < 85
    sparse, dense = np.percentile(onsets, [5, 95])
    assert sparse < 50
    assert dense > 95


@each_genre
def test_some_patterns_lack_a_snare_and_some_lack_hats(genre):
    played = measures(genre).any(axis=(2, 3))
    assert not played[:, SNARE].all()
    assert not (played[:, CLOSED_HAT] | played[:, OPEN_HAT]).all()
    assert played.any(axis=0).all()


@each_genre
def test_measures_repeat_with_variation(genre):
    first, *others = np.moveaxis(measures(genre), 2, 0)
    distances = [np.sum(first != other, axis=(1, 2)) for other in others]
    assert share(np.min(distances, axis=0) == 0) > 0.5
    assert share(np.max(distances, axis=0) > 0) > 0.8
    assert np.mean(distances) < 0.15 * 6 * 16


@each_genre
def test_a_family_shares_a_theme(genre):
    count = GENRES[genre].count
    families = np.array([family(genre, number) for number in range(1, count + 1)])
    onsets = measures(genre).reshape(count, -1).astype(np.float32)
    totals = onsets.sum(axis=1)
    distance = totals[:, None] + totals[None] - 2 * onsets @ onsets.T
    related = families[:, None] == families[None]
    within = distance[related & ~np.eye(count, dtype=bool)].mean()
    assert within < 0.35 * distance[~related].mean()
    assert len(set(families)) == -(-count // 4)


def test_four_in_a_row_are_a_family_named_by_its_genre():
    assert [family("techno", number) for number in (1, 4, 5, 484)] == [
        "techno/1",
        "techno/1",
        "techno/2",
        "techno/121",
    ]


def test_the_third_of_a_family_accents_its_theme_otherwise():
    theme, filled, third = (compose("house", number)[OPEN_HAT] for number in (1, 2, 3))
    common = (theme > 0) & (filled > 0) & (third > 0)
    assert common.any()
    np.testing.assert_array_equal(theme[common], filled[common])
    assert np.any(theme[common] != third[common])


@each_genre
def test_a_kick_on_all_beats_is_for_techno_and_house(genre):
    kicks = share(measures(genre)[:, BASS, 0, BEATS].all(axis=1))
    if genre in ("techno", "house"):
        assert 0.7 < kicks < 0.97
    else:
        assert kicks < 0.05


@pytest.mark.parametrize(
    ("genre", "least"), [("electro", 0.75), ("house", 0.75), ("breakbeat", 0.85), ("dnb", 0.85)]
)
def test_the_snare_keeps_the_backbeat(genre, least):
    backbeats = measures(genre)[:, SNARE, :, [4, 12]]
    assert share(backbeats) > least


def test_idm_avoids_the_backbeat():
    assert share(measures("idm")[:, SNARE, :, [4, 12]]) < 0.5


def test_open_hats_fall_between_the_beats_in_techno_and_house():
    for genre in ("techno", "house"):
        steps = measures(genre)[:, OPEN_HAT].sum(axis=(0, 1))
        assert steps[2::4].sum() > 0.7 * steps.sum()


def test_the_cowbell_is_electros_and_the_rimshot_technos():
    cowbells = {genre: share(measures(genre)[:, COWBELL].any(axis=(1, 2))) for genre in GENRES}
    rimshots = {genre: share(measures(genre)[:, RIMSHOT].any(axis=(1, 2))) for genre in GENRES}
    assert max(cowbells, key=cowbells.get) == "electro"
    assert max(rimshots, key=rimshots.get) in ("techno", "idm")


def test_breaks_have_ghost_snares():
    def ghosts(genre):
        snares = corpus(genre)[:, SNARE]
        return share(((snares > 0) & (snares <= 0.4)).any(axis=1))

    assert ghosts("breakbeat") > 0.75
    assert ghosts("dnb") > 0.6
    assert ghosts("techno") < 0.5


@pytest.mark.parametrize(
    ("onsets", "steps", "figure"),
    [
        (3, 8, "x..x..x."),
        (5, 8, "x.xx.xx."),
        (4, 16, "x...x...x...x..."),
        (5, 16, "x..x..x..x..x..."),
        (7, 16, "x..x.x.x..x.x.x."),
        (2, 5, "x.x.."),
        (3, 7, "x.x.x.."),
        (0, 4, "...."),
        (4, 4, "xxxx"),
        (0, 0, ""),
    ],
)
def test_euclid_spreads_onsets_evenly(onsets, steps, figure):
    assert euclid(onsets, steps) == figure


def test_euclid_starts_at_a_step_of_the_figure():
    assert euclid(3, 8, 3) == "x..x.x.."
    assert euclid(3, 8, 8) == euclid(3, 8)
    assert euclid(3, 8, 11) == euclid(3, 8, -5) == euclid(3, 8, 3)


@pytest.mark.parametrize(("onsets", "steps"), [(9, 8), (-1, 8)])
def test_euclid_refuses_what_does_not_fit(onsets, steps):
    with pytest.raises(ValueError, match="cannot spread"):
        euclid(onsets, steps)


@pytest.mark.parametrize("function", [compose, family])
def test_an_unknown_genre_or_number_is_refused(function):
    with pytest.raises(ValueError, match=r"no genre 'polka': there are electro, techno, idm"):
        function("polka", 1)
    for number in (0, -1, 485):
        with pytest.raises(ValueError, match=rf"no pattern techno:{number}: there are 1 to 484"):
            function("techno", number)
