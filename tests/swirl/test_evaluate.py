import numpy as np
import pytest

from drumkit_cli.learning import checkpoint
from drumkit_cli.patterns import drum_file
from drumkit_cli.patterns.pattern_sets import PatternSet
from drumkit_cli.swirl import evaluate, infer
from drumkit_cli.swirl.walk import Walk
from tests.swirl.tiny import write_tiny_drummer


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return str(write_tiny_drummer(tmp_path_factory.mktemp("weights") / "swirl.safetensors"))


def noise(count, chance, seed=0):
    hits = np.random.default_rng(seed).random((count, 6, 64)) < chance
    return hits.astype(np.float32)


def test_a_tour_is_cut_into_phrases_as_they_are_heard(weights):
    drummer = infer.Drummer(checkpoint.load_weights("swirl", weights))
    tour = evaluate.play_tour(drummer, 1)
    heard = np.concatenate(list(infer.measures(drummer, 8, Walk(seed=1))), axis=1)
    assert tour.phrases.shape == (496, 6, 64)
    np.testing.assert_array_equal(tour.phrases[0], heard[:, :64])
    np.testing.assert_array_equal(tour.phrases[1], heard[:, 64:])
    # The first measure of a phrase is the first quarter of the pattern there.
    assert tour.patterns.shape == (1, 1984, 6, 64)
    np.testing.assert_allclose(tour.patterns[0, 4, :, :16], tour.phrases[1, :, :16], atol=1e-6)


def test_one_cloud_is_not_told_apart_and_another_is_at_once():
    held_out = noise(60, 0.2)
    alike = dict(
        zip(evaluate.COMPARED, evaluate.compare(held_out, noise(480, 0.2, 1)), strict=True)
    )
    assert alike["two-sample accuracy"] == pytest.approx(0.5, abs=0.06)
    assert alike["coverage"] > 0.8
    assert alike["density"] == pytest.approx(1, abs=0.3)
    other = evaluate.compare(held_out, noise(480, 0.9, 1))
    assert other == [1, 1, 1, 0, 0]


def test_sets_of_any_size_are_compared():
    assert len(evaluate.compare(noise(60, 0.2), noise(7, 0.2, 1))) == len(evaluate.COMPARED)
    assert np.isnan(evaluate.compare(noise(3, 0.2), noise(0, 0.2))).all()


def test_the_mean_distance_is_of_two_different_patterns():
    one, other = np.zeros((6, 64), np.float32), np.ones((6, 64), np.float32)
    assert evaluate.mean_distance(np.stack([one, other])) == 384
    assert evaluate.mean_distance(np.stack([one, other, other])) == pytest.approx(256)
    assert evaluate.mean_distance(one[None]) == 0


def test_the_table_has_the_swirl_beside_training_patterns(tmp_path, weights, monkeypatch):
    monkeypatch.setattr(evaluate, "SEEDS", 2)
    block = noise(1, 0.2)[0]
    drum_file.write_drums(str(tmp_path / "a.mid"), [(block, None)], (1, 6, 64), 120.0)
    table = evaluate.evaluate(tmp_path, weights)
    assert list(table.columns) == [
        "figure",
        "against",
        "seeds 0 to 1",
        "seed 0",
        "training patterns",
        "random notes",
    ]
    figures = {row[0]: row[2:] for row in table.rows if "Jaccard" not in row[1]}
    # Only our composer is electronic here: no rows against found patterns.
    assert len(table.rows) == len(figures) + len(evaluate.COMPARED)
    both, one, training, random = figures["two-sample accuracy"]
    assert 0 <= both <= 1
    assert 0 <= one <= 1
    # The composer's own patterns are not told from its held-out ones.
    assert training == pytest.approx(0.5, abs=0.1)
    assert figures["coverage"][2] > 0.9
    # Random notes fool the accuracy, since each stands alone; but neither its sides nor coverage.
    assert random == pytest.approx(0.5, abs=0.1)
    assert figures["accuracy on held-out"][3] > 0.9
    assert figures["coverage"][3] < 0.1
    assert figures["copies"][0] == 0
    assert figures["step, mean"][0] <= figures["step, largest"][0]
    assert figures["silent phrases"][2] == 0
    assert figures["onsets a measure"][2] == pytest.approx(17, abs=3)


def test_random_notes_are_as_frequent_as_the_patterns_own():
    patterns = noise(200, 0.2)
    patterns[:, 0, 0], patterns[:, 5] = 1, 0
    made = evaluate.random_notes(patterns, 400)
    assert made.shape == (400, 6, 64)
    assert made[:, 0, 0].all()
    assert not made[:, 5].any()
    assert made.mean() == pytest.approx((patterns > 0).mean(), rel=0.05)


def test_found_patterns_are_compared_by_themselves():
    held_out, *others = noise(240, 0.2).reshape(6, 40, 6, 64)
    kinds = ("composed",) * 40 + ("electronic",) * 160
    splits = ("test",) * 40 + ("train",) * 80 + ("test",) * 80
    patterns = PatternSet(
        np.concatenate([held_out, *others[:4]]), kinds, tuple(map(str, range(200))), splits
    )
    rows = evaluate._compared_rows(patterns, [others[4], others[0], others[4]])
    against = [row[1] for row in rows]
    assert against.count("held-out (120)") == len(evaluate.COMPARED)
    assert against.count("held-out, found (80)") == len(evaluate.COMPARED)
    assert all(len(row) == 5 for row in rows)
