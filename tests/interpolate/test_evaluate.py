import shutil

import numpy as np
import pytest

from drumkit_cli import cli
from drumkit_cli.interpolate import evaluate, infer
from drumkit_cli.interpolate.paths import SILENCE, PathKind
from drumkit_cli.learning import checkpoint
from drumkit_cli.patterns import drum_file, pattern_sets
from drumkit_cli.patterns.pattern_sets import PatternSet
from drumkit_cli.patterns.statistics import distances
from tests.interpolate.tiny import write_tiny_autoencoder


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder of MIDI files of eight measures each, of which every split gets some."""
    folder = tmp_path_factory.mktemp("interpolate") / "data"
    folder.mkdir()
    generator = np.random.default_rng(0)
    for number in range(20):
        block = (generator.random((6, 128)) < 0.2).astype(np.float32)
        path = str(folder / f"{number}.mid")
        drum_file.write_drums(path, [(block, None)], (1, 6, 128), 120.0)
    return folder


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return str(write_tiny_autoencoder(tmp_path_factory.mktemp("weights") / "vae.safetensors"))


@pytest.fixture
def few_pairs(monkeypatch):
    monkeypatch.setattr(evaluate, "PAIRS", 60)


def small_set():
    """Six patterns of one voice: hits on steps 0 to n."""
    velocities = np.zeros((6, 6, 64), np.float32)
    for number in range(6):
        velocities[number, 0, : number + 1] = 1
    sources = ("composer/techno/1", "composer/techno/2", "composer/idm/1", "x", "x", "y")
    kinds = ("composed", "composed", "composed", "played", "played", "other")
    return PatternSet(velocities, kinds, sources, ("test",) * 5 + ("train",))


def test_pairs_are_of_test_patterns_of_two_sources_from_each_genre_to_each():
    patterns = small_set()
    pairs = evaluate.choose_pairs(patterns, 90)
    # Genres techno, idm and played; idm and played have one source, so not to themselves.
    assert len(pairs) == 70
    for start, goal in pairs:
        assert patterns.sources[start] != patterns.sources[goal]
        assert patterns.splits[start] == patterns.splits[goal] == "test"
    assert pairs == evaluate.choose_pairs(patterns, 90)
    assert {index for pair in pairs for index in pair} == {0, 1, 2, 3, 4}


def test_transition_figures_are_those_of_a_count_by_hand():
    patterns = small_set()
    hits = np.zeros((6, 64), np.float32)
    hits[0, 0] = hits[0, 63] = 1
    silence = np.zeros_like(hits)
    path = np.stack([patterns.velocities[0], patterns.velocities[1], hits, silence, silence])
    figures = evaluate.transition_figures(
        patterns, [evaluate.Pair(0, 1)], path[None], evaluate.EndDistances(1.0, 3.0)
    )
    named = dict(zip(evaluate.FIGURES, figures, strict=True))
    assert named["between: new"] == pytest.approx(1 / 3)
    assert named["between: silent"] == pytest.approx(1 / 3)
    # The nearest pattern that is neither the start's nor the goal's source has hits on 0 to 2.
    assert named["between: nearest pattern"] == pytest.approx((1 + 3 + 3) / 3)
    assert named["between: within the data"] == 1
    assert named["step, mean"] == pytest.approx((1 + 2 + 2 + 0) / 4)
    assert named["step, largest of a transition"] == pytest.approx(2 / 5)


def test_a_crossfade_changes_at_its_ends_only(few_pairs):
    patterns = small_set()
    pairs = evaluate.choose_pairs(patterns, 60)
    paths = evaluate._paths(patterns, pairs, PathKind.CROSSFADE, None)
    figures = evaluate.transition_figures(patterns, pairs, paths, evaluate.EndDistances(1, 1))
    direct = [
        float(distances(patterns.velocities[a][None], patterns.velocities[b][None])[0, 0])
        for a, b in pairs
    ]
    # One pattern holds the other here, so that its further hits come or go in a single step.
    assert figures[-2] == pytest.approx(np.mean(direct) / evaluate.STEPS)
    assert figures[-1] == 1


def test_the_table_tells_kinds_and_paths_apart(data, weights, few_pairs):
    table = evaluate.evaluate(data, weights)
    assert list(table.columns) == ["figure", "of", "z=4", "no model"]
    cells = {(row[0], str(row[1]).partition(" (")[0]): row[2:] for row in table.rows}
    patterns = pattern_sets.load_patterns(data)
    for figure in ("onset F1", "velocity error"):
        for split in ("train", "test"):
            for part in ("all", "composed", "real", "real, other"):
                assert 0 <= cells[figure, f"{split}, {part}"][0] <= 1
    assert ("onset F1", "test, real, played") not in cells
    true = patterns.where("test", "composed")
    autoencoder = infer.Autoencoder(checkpoint.load_weights("interpolate", weights))
    made = autoencoder.decode(autoencoder.encode(true))
    expected = evaluate.onset_f1(np.where(made < SILENCE, 0, made), true)
    assert cells["onset F1", "test, composed"][0] == pytest.approx(expected)
    assert 0 < cells["onset F1", "test, composed"][1] < 1
    assert cells["velocity error", "test, composed"][1] is None
    for figure in evaluate.FIGURES:
        model, none = cells[figure, "slerp"]
        assert np.isfinite(model)
        assert np.isnan(none)
        model, none = cells[figure, "crossfade"]
        assert np.isnan(model)
        assert np.isfinite(none)
    assert cells["between: silent", "crossfade"][1] == 0
    assert cells["between: new", "crossfade"][1] > 0.9
    assert cells["step, largest of a transition", "crossfade"][1] >= 0.5


def test_the_papers_size_stands_beside_the_default_where_none_is_named(tmp_path, monkeypatch):
    folder = tmp_path / "weights"
    folder.mkdir()
    shipped = write_tiny_autoencoder(folder / "interpolate.safetensors")
    monkeypatch.setenv("DRUMKIT_WEIGHTS", str(folder))
    assert len(evaluate._checkpoints(None)) == 1
    shutil.copy(shipped, folder / evaluate.PAPERS_WEIGHTS)
    assert [found.path.name for found in evaluate._checkpoints(None)] == [
        "interpolate.safetensors",
        evaluate.PAPERS_WEIGHTS,
    ]
    assert len(evaluate._checkpoints(str(folder))) == 1


def test_the_command_draws_its_picture(data, weights, few_pairs, tmp_path, capfd):
    picture = tmp_path / "pca.png"
    arguments = ["evaluate", "interpolate", str(data), "--weights", weights, "--json", "-q"]
    assert cli.run([*arguments, "--plot", str(picture)]) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert capfd.readouterr().out.startswith('{"title": "Interpolation')


@pytest.mark.parametrize(
    ("feature", "plot", "status"),
    [("swirl", "p.png", 2), ("interpolate", "-", 2), ("interpolate", "none/p.png", 73)],
)
def test_a_picture_that_cannot_be_made_is_refused_at_once(feature, plot, status, data, capfd):
    assert cli.run(["evaluate", feature, str(data), "--plot", plot]) == status
    out, err = capfd.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
