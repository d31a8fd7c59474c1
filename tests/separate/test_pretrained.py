import json

import numpy as np
import pytest
import torch
import yaml
from demucs.hdemucs import HDemucs
from safetensors.torch import save_file

from drumkit_cli.errors import BadDataError, MissingInputError, UnavailableError, UsageError
from drumkit_cli.separate import pretrained
from drumkit_cli.separate.pretrained import Pretrained

SOURCES = ["drums", "bass", "other", "vocals"]


@pytest.fixture
def repo(tmp_path):
    """A folder laid out as demucs publishes its models, with a tiny untrained one."""
    torch.manual_seed(0)
    kwargs = {"sources": SOURCES, "channels": 4, "samplerate": 44_100, "segment": 2}
    model = HDemucs(**kwargs)
    metadata = {
        "klass": "demucs.hdemucs.HDemucs",
        "args": json.dumps([]),
        "kwargs": json.dumps(kwargs),
    }
    save_file(model.state_dict(), tmp_path / "abcd1234.safetensors", metadata)
    (tmp_path / "toy.yaml").write_text(yaml.safe_dump({"models": ["abcd1234"]}))
    return tmp_path


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_a_local_model_gives_four_stems_that_sum_to_the_mix(repo, channels):
    separator = Pretrained("toy", repo)
    mix = np.random.default_rng(0).normal(0, 0.1, (channels, 30_000)).astype(np.float32)
    stems = separator.split(mix, 22_050)
    assert separator.sources == tuple(SOURCES)
    assert stems.shape == (4, channels, 30_000)
    np.testing.assert_allclose(stems.sum(0), mix, atol=1e-5)


def test_shifted_estimates_are_the_same_every_time(repo):
    separator = Pretrained("toy", repo)
    mix = np.random.default_rng(0).normal(0, 0.1, (2, 20_000)).astype(np.float32)
    first, second = (separator.split(mix, 44_100, shifts=1) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert len(separator.weights_sha256) == 64


def test_an_unknown_name_tells_those_that_exist():
    with pytest.raises(UsageError, match="htdemucs_ft"):
        Pretrained("nope")


def test_a_folder_without_the_model_is_missing(tmp_path):
    with pytest.raises(MissingInputError, match=r"toy\.yaml"):
        Pretrained("toy", tmp_path)


def test_a_folder_of_pickles_is_refused(repo):
    (repo / "abcd1234.safetensors").rename(repo / "abcd1234.th")
    with pytest.raises(MissingInputError, match="pickles"):
        Pretrained("toy", repo)


def test_damaged_model_files_are_bad_data(repo):
    (repo / "abcd1234.safetensors").write_bytes(b"junk")
    with pytest.raises(BadDataError, match="damaged"):
        Pretrained("toy", repo)


def test_nothing_is_cached_in_an_empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    assert not pretrained.is_cached("htdemucs")


def test_without_a_network_a_download_fails_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UnavailableError, match=r"no network.*built-in"):
        Pretrained("htdemucs")
