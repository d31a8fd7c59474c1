import numpy as np
import pytest

from drumkit_cli.errors import BadDataError
from drumkit_cli.kick import drummer as module
from drumkit_cli.kick.drummer import open_drummer
from drumkit_cli.learning.checkpoint import load_weights, save_weights
from tests.kick.tiny import curves, write_tiny_kick


@pytest.fixture
def drummer(tmp_path):
    return open_drummer(load_weights("kick", str(write_tiny_kick(tmp_path / "tiny.safetensors"))))


def test_chunks_do_not_show(drummer, monkeypatch):
    rows = curves(500)
    codes = drummer.encode(rows[:4], rows[4])
    kick = drummer.decode(rows[:4], codes)
    monkeypatch.setattr(module, "CHUNK_FRAMES", 64)
    np.testing.assert_allclose(drummer.encode(rows[:4], rows[4]), codes, atol=1e-5)
    np.testing.assert_allclose(drummer.decode(rows[:4], codes), kick, atol=1e-5)


def test_one_code_stands_for_the_whole_song(drummer):
    rows = curves(100)
    code = np.arange(4, dtype=np.float32)
    repeated = np.repeat(code[None], 100, 0)
    np.testing.assert_array_equal(
        drummer.decode(rows[:4], code), drummer.decode(rows[:4], repeated)
    )


def test_the_code_of_a_song_is_the_typical_one_that_plays_most_like_its_kick(drummer, monkeypatch):
    rows = curves(100)
    codes = np.random.default_rng(0).normal(0, 1, (6, 4)).astype(np.float32)
    monkeypatch.setattr(module, "typical_codes", lambda _: codes)
    for code in codes:
        kick = drummer.decode(rows[:4], code)
        np.testing.assert_array_equal(drummer.prototype(rows[:4], kick), code)


def test_a_song_without_frames_gives_nothing(drummer):
    nothing = np.zeros((4, 0), np.float32)
    assert drummer.encode(nothing, nothing[0]).shape == (0, 4)
    assert drummer.decode(nothing, np.zeros(4, np.float32)).shape == (0,)


@pytest.mark.parametrize("config", [{"codes": 3}, {"depth": 2}, {"channels": []}])
def test_weights_of_another_network_are_refused(tmp_path, config):
    path = tmp_path / "other.safetensors"
    tensors = {"a": np.zeros(1, np.float32)}
    save_weights(path, tensors, feature="kick", config=config, card={})
    with pytest.raises(BadDataError, match="another kick"):
        open_drummer(load_weights("kick", str(path)))
