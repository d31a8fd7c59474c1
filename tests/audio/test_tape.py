import os
import tempfile

import numpy as np
import pytest

from drumkit_cli.audio.tape import Tape
from drumkit_cli.errors import StreamError


@pytest.fixture
def full(monkeypatch):
    """Temporary files on a disk that is full."""
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: open("/dev/full", "r+b", 0))


def test_a_tape_gives_back_what_it_was_given_and_zeros_around():
    samples = np.random.default_rng(0).normal(0, 1, 5000).astype(np.float32)
    with Tape() as tape:
        tape.append(samples[:100])
        tape.append(samples[100:])
        assert np.array_equal(np.concatenate(list(tape.blocks(777))), samples)
        around = tape.read(-5, len(samples) + 7)
        assert np.array_equal(around[5:-7], samples)
        assert not around[:5].any()
        assert not around[-7:].any()
        assert not tape.read(-20, -10).any()
        assert len(tape.read(-20, -10)) == len(tape.read(10**7, 10**7 + 10)) == 10
        assert tape.peak() == np.abs(samples).max()
        tape.fit(3)
        assert np.array_equal(tape.read(0, 5), [*samples[:3], 0, 0])
        tape.fit(5)
        assert np.array_equal(tape.read(0, 5), [*samples[:3], 0, 0])


def test_any_order_and_width_is_stored():
    with Tape() as tape:
        tape.append(np.arange(10.0)[::-2])
        tape.append(np.zeros(0, np.float32))
        assert np.array_equal(tape.read(0, 5), [9, 7, 5, 3, 1])


def test_no_room_says_what_helps(full):
    with pytest.raises(StreamError, match=r"cannot buffer power in .*: No space left") as caught:
        Tape("power").append(np.ones(3, np.float32))
    assert caught.value.remedy == "set TMPDIR to a folder with room"


def test_no_temporary_folder_at_all_is_told(monkeypatch, tmp_path):
    missing = str(tmp_path / "none")
    monkeypatch.setenv("TMPDIR", missing)
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: [missing])
    with pytest.raises(StreamError, match=f"cannot buffer samples in {missing}"):
        Tape()


def test_a_closed_tape_leaves_no_file(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    descriptors = len(os.listdir("/proc/self/fd"))
    with Tape() as tape:
        tape.append(np.ones(9, np.float32))
        assert os.listdir(tmp_path) == []
    assert len(os.listdir("/proc/self/fd")) == descriptors
