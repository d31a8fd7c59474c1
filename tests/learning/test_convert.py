import numpy as np
import pytest

from drumkit_cli import cli
from drumkit_cli.learning.checkpoint import load_weights, save_weights
from tests.groove.tiny import write_tiny_baselines
from tests.swirl.tiny import write_tiny_drummer


@pytest.fixture
def old(tmp_path):
    """Weights as an older drumkit wrote them, without graphs."""
    weights = load_weights("swirl", str(write_tiny_drummer(tmp_path / "tiny.safetensors")))
    path = tmp_path / "old.safetensors"
    save_weights(path, weights.tensors, feature="swirl", config=weights.config, card={"data": "a"})
    return path


def test_old_weights_are_refused_then_converted_and_then_played(old, tmp_path, capfd):
    line = ["swirl", "--measures", "1", "-o", str(tmp_path / "a.mid"), "--weights"]
    assert cli.run([*line, str(old)]) == 65
    assert f"drumkit train swirl --convert {old} -o NEW" in capfd.readouterr().err
    new = tmp_path / "new.safetensors"
    assert cli.run(["train", "swirl", "--convert", str(old), "-o", str(new)]) == 0
    assert cli.run([*line, str(new)]) == 0


def test_the_tensors_and_the_card_stay_as_they_were(old, tmp_path):
    new = tmp_path / "new.safetensors"
    assert cli.run(["train", "swirl", "--convert", str(old), "-o", str(new)]) == 0
    before, after = load_weights("swirl", str(old)), load_weights("swirl", str(new))
    assert after.card == before.card
    assert after.config == before.config
    for name, value in before.tensors.items():
        assert value.dtype == after.tensors[name].dtype
        assert np.array_equal(value, after.tensors[name])


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["swirl"], 2),
        (["swirl", "data", "--convert", "a.safetensors"], 2),
        (["swirl", "--convert", "none.safetensors"], 66),
    ],
)
def test_what_to_train_on_or_to_convert_must_be_there(arguments, status, capfd, tmp_path):
    assert cli.run(["train", *arguments, "-o", str(tmp_path / "w.safetensors")]) == status
    assert len(capfd.readouterr().err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_weights_of_another_feature_are_not_converted(old, tmp_path, capfd):
    new = str(tmp_path / "new.safetensors")
    assert cli.run(["train", "groove", "--convert", str(old), "-o", new]) == 65
    baselines = write_tiny_baselines(tmp_path / "b.safetensors")
    assert cli.run(["train", "groove", "--convert", str(baselines), "-o", new]) == 2
