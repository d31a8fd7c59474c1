import os
import tempfile

import numpy as np
import pytest

from drumkit_cli.audio.tape import Tape
from drumkit_cli.errors import StreamError
from drumkit_cli.separate.spool import Spool


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


@pytest.mark.parametrize(
    ("store", "name"),
    [
        (lambda: Tape("power").append(np.ones(3, np.float32)), "power"),
        (lambda: Spool((1, 1)).fill(iter([np.ones((1, 1, 3), np.float32)])), "the stems"),
    ],
)
def test_no_room_says_what_helps(full, store, name):
    with pytest.raises(StreamError, match=f"cannot buffer {name} in .*: No space left") as caught:
        store()
    assert caught.value.remedy == "set TMPDIR to a folder with room"


def test_no_temporary_folder_at_all_is_told(monkeypatch, tmp_path):
    missing = str(tmp_path / "none")
    monkeypatch.setenv("TMPDIR", missing)
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: [missing])
    with pytest.raises(StreamError, match=f"cannot buffer samples in {missing}"):
        Tape()


def test_stems_come_back_from_a_spool_with_the_gain_that_fits_them():
    stems = np.random.default_rng(0).normal(0, 1, (3, 2, 70_000)).astype(np.float32)
    with Spool((3, 2)) as spool:
        gain = spool.fill(iter(np.split(stems, [5, 40_000], axis=2)))
        again = np.concatenate(list(spool.blocks()), axis=2)
    assert np.array_equal(again, stems)
    assert gain * np.abs(stems).max() == pytest.approx(1 - 2**-15)


def test_a_closed_tape_leaves_no_file(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    descriptors = len(os.listdir("/proc/self/fd"))
    with Tape() as tape:
        tape.append(np.ones(9, np.float32))
        assert os.listdir(tmp_path) == []
    assert len(os.listdir("/proc/self/fd")) == descriptors
