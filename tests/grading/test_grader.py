import numpy as np
import pytest

from drumkit_cli.errors import BadDataError
from drumkit_cli.grading.buckets import NAMES
from drumkit_cli.grading.config import CONTEXTS, GraderConfig, context_of
from drumkit_cli.grading.features import PARTS, WINDOW_SAMPLES, Window, correlations, parts_of
from drumkit_cli.grading.grader import Grader
from drumkit_cli.grading.vector import features_of
from drumkit_cli.learning.checkpoint import read_weights, save_weights
from drumkit_cli.learning.export import untrained_graphs
from tests.score.tiny import TINY, scene, tiny_network, write_tiny_grader


@pytest.fixture(scope="module")
def grader(tmp_path_factory):
    path = write_tiny_grader(tmp_path_factory.mktemp("weights") / "score.safetensors")
    return Grader(read_weights(path))


def test_a_grade_is_the_mean_of_its_windows_and_says_what_explains_it(grader):
    drums, bass, rest = scene()[1:4]
    grade = grader.grade(drums + rest, drums, bass)
    assert list(grade.probabilities) == list(NAMES)
    assert sum(grade.probabilities.values()) == pytest.approx(1, abs=1e-3)
    assert grade.bucket == max(grade.probabilities, key=grade.probabilities.get)
    assert 0 <= grade.grade <= 9
    assert list(grade.parts) == list(PARTS)
    one = grader.grade(drums[:WINDOW_SAMPLES], drums, bass).grade
    twice = grader.grade(np.tile(drums, 2), np.tile(drums, 2), np.tile(bass, 2)).grade
    assert twice == pytest.approx(one, abs=0.01)


def test_the_level_of_a_sound_does_not_count(grader):
    drums, bass, rest = scene()[1:4]
    grades = [grader.grade((drums + rest) * np.float32(g), drums, bass).grade for g in (0.5, 1, 2)]
    assert np.ptp(grades) < 0.05


def test_without_a_reference_no_part_of_it_counts(grader):
    drums, bass, rest = scene()[1:4]
    alone = grader.grade(drums + rest)
    assert alone.parts["onset_agreement"] is None
    assert alone.parts["contamination"] is None
    assert alone.parts["activity"] == grader.grade(drums + rest, drums, bass).parts["activity"]


@pytest.mark.parametrize("length", [0, 1, 1000])
def test_hardly_any_sound_has_a_grade(grader, length):
    assert 0 <= grader.grade(np.zeros(length, np.float32)).grade <= 9


def test_several_windows_at_once_give_the_same(grader):
    sound = np.tile(scene().drums, 3)
    one, two = (grader.grade_sound(lambda: [sound], threads=count) for count in (1, 2))
    assert one == two


def test_the_context_is_the_place_of_its_regression():
    assert CONTEXTS[context_of(False, False)] == "alone"
    assert CONTEXTS[context_of(True, False)] == "reference"
    assert CONTEXTS[context_of(False, True)] == "bass"
    assert CONTEXTS[context_of(True, True)] == "reference and bass"


def test_features_have_their_places():
    drums = Window(scene().drums)
    parts = parts_of(drums, drums, drums)
    embedded = np.full(12, 3, np.float32)
    same = correlations(drums.image, drums.image)
    vector = features_of(TINY, parts, embedded, embedded, same)
    assert len(vector) == TINY.features == sum(TINY.counts)
    np.testing.assert_allclose(vector[:2], np.log(10))  # 1 + 3 squared
    np.testing.assert_allclose(vector[2:14], np.log(4))
    beside = vector[TINY.counts[0] :][: TINY.counts[1]]
    np.testing.assert_allclose(beside[:12], np.log(0.01), rtol=1e-5)
    np.testing.assert_allclose(beside[12:-3], 1, atol=1e-6)
    alone = features_of(TINY, parts_of(drums, None, None), embedded)
    assert len(alone) == TINY.features
    assert not alone[TINY.counts[0] :].any()


def test_a_batch_equals_its_singles(grader):
    images = np.random.default_rng(0).uniform(-1, 1, (3, 256, 256)).astype(np.float32)
    together = grader._embed(images)
    for image, row in zip(images, together, strict=True):
        np.testing.assert_allclose(grader._embed(image[None])[0], row, rtol=1e-4, atol=1e-5)


def test_a_gradient_reaches_every_layer():
    import torch

    network = tiny_network().train()
    network.embed(torch.rand(2, 1, 256, 256)).sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


def test_weights_of_other_sizes_are_told(tmp_path):
    network = tiny_network()
    from drumkit_cli.grading import model
    from drumkit_cli.learning.torch_network import arrays

    path = tmp_path / "score.safetensors"
    save_weights(
        path, arrays(network.state_dict()), feature="score", config={"channels": [4, 8, 16]},
        card={}, graphs=untrained_graphs(TINY, model), half=False,
    )  # fmt: skip
    with pytest.raises(BadDataError, match="another network"):
        Grader(read_weights(path)).grade(scene().drums)
    with pytest.raises(ValueError, match="layers"):
        GraderConfig(channels=())
