import json

import numpy as np
import pytest
from safetensors import safe_open

from drumkit_cli.errors import BadDataError, MissingInputError, UnavailableError
from drumkit_cli.learning import checkpoint
from drumkit_cli.learning.checkpoint import find_weights, load_weights, save_weights, write_manifest


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch):
    monkeypatch.delenv(checkpoint.ENVIRONMENT_VARIABLE, raising=False)


def save(path, state=None, feature="toy", **changes):
    state = {"w": np.array([1.0, 0.5], np.float32), "n": np.array(3)} if state is None else state
    card, graphs = {"data": "none"}, {"play": b"graph"}
    save_weights(
        path, state, feature=feature, config={"width": 4}, card=card, graphs=graphs, **changes
    )
    return path


def test_weights_come_back_with_config_and_card(tmp_path):
    loaded = load_weights("toy", str(save(tmp_path / "toy.safetensors")))
    assert loaded.config == {"width": 4}
    assert loaded.card == {"data": "none"}
    assert loaded.tensors["w"].tolist() == [1.0, 0.5]
    assert loaded.tensors["w"].dtype == np.float16
    assert loaded.tensors["n"].item() == 3
    assert loaded.graphs == {"play": b"graph"}
    assert len(loaded.sha256) == 64


def test_half_precision_halves_the_file(tmp_path):
    state = {"w": np.ones(10_000, np.float32)}
    half = save(tmp_path / "a", state).stat().st_size
    full = save(tmp_path / "b", state, half=False).stat().st_size
    assert half < 0.55 * full


def test_a_folder_stands_for_the_features_file_in_it(tmp_path):
    save(tmp_path / "toy.safetensors")
    assert find_weights("toy", str(tmp_path)) == tmp_path / "toy.safetensors"


def test_the_environment_names_weights_and_the_option_wins(tmp_path, monkeypatch):
    first, second = save(tmp_path / "first"), save(tmp_path / "second")
    monkeypatch.setenv(checkpoint.ENVIRONMENT_VARIABLE, str(first))
    assert find_weights("toy") == first
    assert find_weights("toy", str(second)) == second


def test_named_weights_that_are_missing_are_a_missing_input(tmp_path):
    with pytest.raises(MissingInputError, match="no such weights file"):
        load_weights("toy", str(tmp_path / "nope"))


def test_a_feature_without_weights_is_unavailable():
    with pytest.raises(UnavailableError, match="drumkit train toy"):
        load_weights("toy")


@pytest.mark.parametrize("junk", [b"", b"junk" * 50, b"\x80\x04K\x01."])
def test_junk_and_pickles_are_refused(tmp_path, junk):
    path = tmp_path / "toy.safetensors"
    path.write_bytes(junk)
    with pytest.raises(BadDataError, match="not a drumkit weights file"):
        load_weights("toy", str(path))


def test_weights_of_another_feature_are_refused(tmp_path):
    path = save(tmp_path / "w", feature="other")
    with pytest.raises(BadDataError, match="weights of other"):
        load_weights("toy", str(path))


@pytest.mark.parametrize("half", [True, False])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_weights_that_are_not_finite_are_refused(tmp_path, value, half):
    path = save(tmp_path / "w", {"w": np.array([1.0, value], np.float32)}, half=half)
    with pytest.raises(BadDataError, match="NaN or infinite"):
        load_weights("toy", str(path))


def test_shipped_weights_must_match_the_manifest(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "shipped_folder", lambda: tmp_path)
    save(tmp_path / "toy.safetensors")
    with pytest.raises(BadDataError, match="manifest"):
        load_weights("toy")
    write_manifest(tmp_path)
    assert load_weights("toy").config == {"width": 4}
    save(tmp_path / "toy.safetensors", {"w": np.zeros(1, np.float32)})
    with pytest.raises(BadDataError, match="altered"):
        load_weights("toy")
    (tmp_path / "toy.safetensors").write_bytes(b"damaged")
    with pytest.raises(BadDataError, match="reinstall drumkit"):
        load_weights("toy")


def test_the_shipped_manifest_names_every_shipped_file_with_its_sum():
    folder = checkpoint.shipped_folder()
    manifest = json.loads((folder / checkpoint.MANIFEST_NAME).read_text())
    assert set(manifest) == {path.name for path in folder.glob("*.safetensors")}
    for name in manifest:
        with safe_open(str(folder / name), framework="np") as file:
            feature = file.metadata()["feature"]
        assert name.startswith(feature)
        assert load_weights(feature, str(folder / name)).sha256 == manifest[name]
