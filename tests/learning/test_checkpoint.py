import importlib
import json
from dataclasses import replace

import pytest
import torch
from safetensors import safe_open
from torch import nn

from drumkit_cli.errors import BadDataError, MissingInputError, UnavailableError
from drumkit_cli.learning import checkpoint
from drumkit_cli.learning.checkpoint import find_weights, load_weights, save_weights, write_manifest


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch):
    monkeypatch.delenv(checkpoint.ENVIRONMENT_VARIABLE, raising=False)


def save(path, state=None, feature="toy", **changes):
    state = {"w": torch.tensor([1.0, 0.5]), "n": torch.tensor(3)} if state is None else state
    save_weights(
        path, state, feature=feature, config={"width": 4}, card={"data": "none"}, **changes
    )
    return path


def test_weights_come_back_with_config_and_card(tmp_path):
    loaded = load_weights("toy", str(save(tmp_path / "toy.safetensors")))
    assert loaded.config == {"width": 4}
    assert loaded.card == {"data": "none"}
    assert loaded.state["w"].tolist() == [1.0, 0.5]
    assert loaded.state["w"].dtype == torch.float32
    assert loaded.state["n"].item() == 3
    assert len(loaded.sha256) == 64


def test_half_precision_halves_the_file(tmp_path):
    state = {"w": torch.randn(10_000)}
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
    with pytest.raises(MissingInputError, match="--weights"):
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


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(tmp_path, value):
    path = save(tmp_path / "w", {"w": torch.tensor([1.0, value])})
    with pytest.raises(BadDataError, match="NaN or infinite"):
        load_weights("toy", str(path))


def test_shipped_weights_must_match_the_manifest(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "shipped_folder", lambda: tmp_path)
    save(tmp_path / "toy.safetensors")
    with pytest.raises(BadDataError, match="manifest"):
        load_weights("toy")
    write_manifest(tmp_path)
    assert load_weights("toy").config == {"width": 4}
    save(tmp_path / "toy.safetensors", {"w": torch.zeros(1)})
    with pytest.raises(BadDataError, match="altered"):
        load_weights("toy")


def test_the_shipped_manifest_names_every_shipped_file_with_its_sum():
    folder = checkpoint.shipped_folder()
    manifest = json.loads((folder / checkpoint.MANIFEST_NAME).read_text())
    assert set(manifest) == {path.name for path in folder.glob("*.safetensors")}
    for name in manifest:
        with safe_open(str(folder / name), framework="pt") as file:
            feature = file.metadata()["feature"]
        assert name.startswith(feature)
        assert load_weights(feature, str(folder / name)).sha256 == manifest[name]


def tower(depth, width):
    return nn.Sequential(*(nn.Linear(width, width) for _ in range(depth)))


def toy_checkpoint(folder, **config):
    path = folder / "toy.safetensors"
    state = tower(2, 4).state_dict()
    save_weights(path, state, feature="toy", config={"depth": 2, "width": 4, **config}, card={})
    return load_weights("toy", str(path))


def restore(loaded):
    with loaded.building("toy"):
        network = tower(**loaded.config)
        network.load_state_dict(loaded.state)
    return network


def test_a_network_is_built_and_filled(tmp_path):
    loaded = toy_checkpoint(tmp_path)
    assert torch.equal(restore(loaded)[1].weight, loaded.state["1.weight"])


@pytest.mark.parametrize("size", [10**5, 10**9, 10**30, 1e300, float("nan"), -3, None, "4", [4]])
@pytest.mark.parametrize("name", ["depth", "width"])
def test_absurd_sizes_are_refused_before_their_memory_is_used(tmp_path, name, size):
    loaded = toy_checkpoint(tmp_path, **{name: size})
    with pytest.raises(BadDataError, match="weights of another toy"):
        restore(loaded)


def test_a_refused_network_does_not_bound_the_next_one(tmp_path):
    with pytest.raises(BadDataError):
        restore(toy_checkpoint(tmp_path, depth=1000))
    assert len(tower(200, 4)) == 200


def sizes_of(config, path=()):
    """The places of all whole numbers in a config."""
    if isinstance(config, dict | list):
        items = config.items() if isinstance(config, dict) else enumerate(config)
        for key, value in items:
            yield from sizes_of(value, (*path, key))
    elif isinstance(config, int) and not isinstance(config, bool):
        yield path


@pytest.mark.parametrize(
    ("feature", "module", "name"),
    [
        ("separate", "drumkit_cli.separate.infer", "BuiltIn"),
        ("arrange", "drumkit_cli.arrange.infer", "Arranger"),
        ("interpolate", "drumkit_cli.interpolate.infer", "Autoencoder"),
        ("swirl", "drumkit_cli.swirl.infer", "Drummer"),
        ("groove", "drumkit_cli.groove.groover", "Groover"),
        ("synth", "drumkit_cli.sounds.drum_synth", "DrumSynth"),
    ],
)
def test_shipped_networks_are_refused_for_any_absurd_size(feature, module, name):
    build = getattr(importlib.import_module(module), name)
    loaded = load_weights(feature)
    places = list(sizes_of(loaded.config))
    assert places
    for path in places:
        config = json.loads(json.dumps(loaded.config))
        holder = config
        for key in path[:-1]:
            holder = holder[key]
        holder[path[-1]] = 10**9
        with pytest.raises(BadDataError, match="weights of another"):
            build(replace(loaded, config=config))
