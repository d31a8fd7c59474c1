from dataclasses import asdict, replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch

from drumkit_cli import cli
from drumkit_cli.errors import BadDataError, MissingInputError
from drumkit_cli.learning import training
from drumkit_cli.learning.checkpoint import load_weights, save_weights, shipped_folder
from drumkit_cli.learning.starting import starting_network
from drumkit_cli.learning.torch_network import arrays
from drumkit_cli.patterns import composer, pattern_sets
from drumkit_cli.patterns.pattern_sets import Pattern
from drumkit_cli.sounds.config import SynthConfig
from drumkit_cli.train.convert import DEFINITIONS
from drumkit_cli.transcribe.training import bars
from tests.arrange.tiny import write_bands
from tests.bands.test_takes import write_takes
from tests.contract.midi_files import WHOLE
from tests.groove.tiny import write_tiny_dataset
from tests.kick.test_train import SONGS
from tests.listening.tiny import write_tiny_ear
from tests.synth.tiny import write_one_shots
from tests.transcribe import tiny as listened

FEATURES = (
    "separate", "arrange", "interpolate", "swirl", "groove", "kick", "score", "synth", "transcribe"
)  # fmt: skip
NOT_IN_FILES = ("drums_critic", "bass_critic", "to_bass", "discriminator")
FITTED = {
    "score": ("mean", "whitening", "feature_", "coefficients", "intercepts", "values"),
    "synth": ("latent.",),
}
"""How the tensors begin that a validation or an export fits to the data."""


def trained(feature, preset="tiny"):
    """The definition of the network of a preset, and its config."""
    recipe = import_module(f"drumkit_cli.{feature}.train").PRESETS[preset]
    is_synth = feature == "synth"
    config = SynthConfig(recipe.model, recipe.inverter) if is_synth else recipe.config
    return import_module(DEFINITIONS[feature]), config


def write_weights(folder, feature):
    definition, config = trained(feature)
    torch.manual_seed(1)
    path = folder / f"given-{feature}.safetensors"
    state = arrays(definition.build(asdict(config)).state_dict())
    save_weights(path, state, feature=feature, config=asdict(config), card={})
    return path


def write_data(folder, feature):
    if feature == "groove":
        return write_tiny_dataset(folder)
    if feature == "synth":
        return write_one_shots(folder)
    if feature == "transcribe":
        return listened.write_takes(folder)
    if feature == "arrange":
        return write_bands(folder)
    if feature in ("separate", "score"):
        return write_takes(folder, seconds=12.5)
    folder.mkdir()
    (folder / "own.mid").write_bytes(WHOLE)
    return folder


@pytest.fixture(autouse=True)
def _little_to_do(monkeypatch):
    """Few patterns, songs that are there already, and no graphs, which take long to export."""
    for feature in FEATURES:
        module = "groove.training.recipe" if feature == "groove" else f"{feature}.train"
        monkeypatch.setattr(f"drumkit_cli.{module}.untrained_graphs", lambda *_: {})
    few = [
        Pattern(composer.compose("electro", n), "composed", f"composer/{n}", split)
        for n, split in enumerate(("train", "train", "validation") * 4, 1)
    ]
    monkeypatch.setattr(pattern_sets, "composed", lambda: few)
    monkeypatch.setattr("drumkit_cli.kick.train.load_songs", lambda *_: SONGS)


def run_in(folder, start, **settings):
    settings = {"preset": "tiny", "time_limit_seconds": 0.01, "threads": 1, **settings}
    return training.Run(folder / "run", folder / "w.safetensors", start=start, **settings)


def train(feature, data, run):
    import_module(f"drumkit_cli.{feature}.train").train(data, run)


@pytest.mark.parametrize("feature", FEATURES)
def test_a_run_starts_from_weights_and_writes_them_if_nothing_is_better(
    feature, tmp_path, monkeypatch
):
    monkeypatch.setattr(training, "_train", lambda *_: None)
    run = run_in(tmp_path, write_weights(tmp_path, feature))
    train(feature, write_data(tmp_path / "data", feature), run)
    given = {
        name: value
        for name, value in load_weights(feature, str(run.start)).tensors.items()
        if not name.startswith(FITTED.get(feature, ())) and not name.endswith("batches_tracked")
    }
    written = load_weights(feature, str(run.output)).tensors
    assert all(np.array_equal(written[name], value) for name, value in given.items())
    models = torch.load(run.folder / training.CHECKPOINT_NAME)["models"]
    for model in models.keys() - set(NOT_IN_FILES):
        state = {}
        for name, value in models[model].items():
            bare = name.removeprefix("module.").removeprefix("network.")
            state[bare] = state[f"{model.split()[0]}.{bare}"] = value.numpy()
        known = given.keys() & state.keys()
        assert sum(given[name].size for name in known) > 100, model
        assert all(np.array_equal(state[name], given[name]) for name in known), model


@pytest.mark.parametrize("feature", FEATURES)
def test_weights_of_other_sizes_are_refused_before_data_are_read(feature, tmp_path):
    run = run_in(tmp_path, shipped_folder())
    with pytest.raises(BadDataError, match=f"{feature}.safetensors: not of the sizes of .* tiny;"):
        train(feature, tmp_path / "none", run)
    assert not run.folder.exists()


@pytest.mark.parametrize("feature", FEATURES)
def test_training_starts_from_the_weights_that_ship(feature, tmp_path):
    definition, config = trained(feature, "cpu")
    run = run_in(tmp_path, shipped_folder(), preset="cpu")
    assert starting_network(run, feature, config, definition, without="bars")


def test_weights_of_another_feature_are_refused_before_data_are_read(tmp_path):
    run = run_in(tmp_path, write_weights(tmp_path, "kick"))
    with pytest.raises(BadDataError, match="weights of kick, not of swirl"):
        train("swirl", tmp_path / "none", run)
    with pytest.raises(MissingInputError, match="no such weights file"):
        train("swirl", tmp_path / "none", replace(run, start=tmp_path / "none.safetensors"))


def test_a_resumed_run_goes_on_from_its_checkpoint(tmp_path, capsys):
    data = write_data(tmp_path / "data", "interpolate")
    run = run_in(tmp_path, write_weights(tmp_path, "interpolate"))
    train("interpolate", data, run)
    run.start.unlink()
    train("interpolate", data, replace(run, resume=True, time_limit_seconds=0.02))
    assert "resumed at step" in capsys.readouterr().err


def test_all_networks_of_synth_come_from_the_weights_even_those_that_are_not_trained(
    tmp_path, capsys
):
    run = run_in(tmp_path, write_weights(tmp_path, "synth"), preset="tiny-cwae")
    train("synth", write_data(tmp_path / "data", "synth"), run)
    assert "untrained" not in capsys.readouterr().err
    given, written = (load_weights("synth", str(path)).tensors for path in (run.start, run.output))
    kept = [name for name in written if name.startswith("inverter.")]
    assert kept
    assert all(np.array_equal(given[name], written[name]) for name in kept)


def test_the_network_of_bars_starts_from_another_files(tmp_path, monkeypatch):
    monkeypatch.setattr(bars, "FEWEST_BEATS", 8)
    monkeypatch.setattr(bars, "untrained_graphs", lambda *_: {})
    monkeypatch.setattr(training, "_train", lambda *_: None)
    run = run_in(tmp_path, tmp_path / "given.safetensors", preset="tiny-bars")
    ear = load_weights("transcribe", str(write_tiny_ear(run.output)))
    given = {name: value / 2 for name, value in ear.tensors.items()}
    save_weights(run.start, given, feature="transcribe", config=ear.config, card={}, half=False)
    train("transcribe", listened.write_takes(tmp_path / "takes"), run)
    for name, value in load_weights("transcribe", str(run.output)).tensors.items():
        wanted = (given if name.startswith("bars.") else ear.tensors)[name]
        np.testing.assert_allclose(value, wanted, rtol=1e-3, atol=1e-6)


def test_a_baseline_of_groove_starts_from_nothing(tmp_path, capsys):
    (tmp_path / "data").mkdir()
    line = ["train", "groove", tmp_path / "data", "--preset", "classifier", "--from", Path("w")]
    assert cli.run([str(part) for part in line]) == 2
    assert "leave out --from" in capsys.readouterr().err
