import numpy as np
import pytest

from drumkit_cli.errors import BadDataError, MissingInputError
from drumkit_cli.groove import data
from drumkit_cli.groove.network import windowing
from drumkit_cli.groove.network.windowing import GENRES
from tests.groove.tiny import write_tiny_dataset


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return data.load(write_tiny_dataset(tmp_path_factory.mktemp("groove")), ("train", "test"))


def test_beats_in_four_four_with_three_voices_are_read(corpus):
    # Four tracks of four measures; of the odd ones only that of one measure, repeated, counts.
    assert np.array_equal(np.bincount(corpus["train"].tracks), [3, 3, 3, 3, 1])
    assert np.array_equal(np.bincount(corpus["test"].tracks), [3, 3, 3, 3])


def test_windows_hold_what_was_played(corpus):
    windows = corpus["train"].windows
    assert windows.velocities.shape == windows.timings.shape == (13, 32, 7)
    assert windows.velocities.dtype == windows.timings.dtype == np.float32
    assert 0 <= windows.velocities.min() <= windows.velocities.max() <= 1
    assert np.abs(windows.timings).max() == pytest.approx(0.6, abs=0.02)
    assert not windows.timings[windows.velocities == 0].any()
    assert np.array_equal(windowing.templates(windows), corpus["train"].templates)


def test_a_style_outside_of_the_six_genres_has_none(corpus):
    genres = [GENRES[g] if g >= 0 else None for g in corpus["test"].genres[::3]]
    assert genres == ["rock", "funk", "jazz", None]


@pytest.mark.parametrize(
    ("style", "genre"),
    [("rock/shuffle", "blues"), ("rock/indie", "rock"), ("hiphop/groove6", "hip hop")],
)
def test_a_full_style_goes_before_its_first_word(style, genre):
    assert GENRES[data.genre_of_style(style)] == genre


def test_an_unknown_style_is_bad_data():
    with pytest.raises(BadDataError, match="polka"):
        data.genre_of_style("polka/fast")


def test_a_folder_without_the_table_is_missing_input(tmp_path):
    with pytest.raises(MissingInputError, match=r"no info\.csv"):
        data.load(tmp_path, ("train",))


def test_another_table_is_bad_data(tmp_path):
    (tmp_path / "info.csv").write_text("a,b\n1,2\n")
    with pytest.raises(BadDataError, match=r"info\.csv: no column split"):
        data.load(tmp_path, ("train",))


def test_a_split_without_tracks_is_bad_data(tmp_path):
    folder = write_tiny_dataset(tmp_path)
    with pytest.raises(BadDataError, match="no other beats"):
        data.load(folder, ("other",))


def test_a_seed_gives_the_same_batches(corpus):
    first, second, other = (next(data.batches(corpus["train"], 8, seed)) for seed in (1, 1, 2))
    assert np.array_equal(first[0].velocities, second[0].velocities)
    assert np.array_equal(first[1], second[1])
    assert not np.array_equal(first[0].velocities, other[0].velocities)


def test_batches_that_are_not_varied_are_of_the_corpus(corpus):
    train = corpus["train"]
    windows, reduced, genres = next(data.batches(train, 4, 0, varied=0.0))
    for window, template, genre in zip(windows.velocities, reduced, genres, strict=True):
        (place,) = [
            i for i, known in enumerate(train.windows.velocities) if (known == window).all()
        ]
        assert np.array_equal(template, train.templates[place])
        assert genre == train.genres[place]


def test_varied_performances_stay_in_range_and_rest_where_there_is_no_note(corpus):
    batches = data.batches(corpus["train"], 64, 0, varied=1.0)
    for windows, reduced, _ in (next(batches) for _ in range(10)):
        assert 0 <= windows.velocities.min() <= windows.velocities.max() <= 1
        assert np.abs(windows.timings).max() <= 1
        assert not windows.timings[windows.velocities == 0].any()
        assert set(np.unique(reduced)) <= {0, 1}


def test_varied_rhythms_are_new_ones(corpus):
    known = {notes.tobytes() for notes in corpus["train"].windows.notes}
    windows, _, _ = next(data.batches(corpus["train"], 256, 0, varied=0.5))
    new = [notes.tobytes() not in known for notes in windows.notes]
    assert not any(new[:128])
    assert np.mean(new[128:]) > 0.5
