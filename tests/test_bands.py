import json
import os
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from drumkit_cli import bands
from drumkit_cli.errors import MissingInputError

DATA = os.environ.get("DRUMKIT_DATA")
CAN_RENDER = find_spec("tinysoundfont") is not None
needs_data = pytest.mark.skipif(
    not (DATA and CAN_RENDER), reason="DRUMKIT_DATA names no data folder, or no tinysoundfont"
)


def write_takes(folder: Path, count: int = 2, seconds: float = 4.0) -> Path:
    """Takes of noise, where a test needs some bands and not what they sound like."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    index = []
    for number in range(count):
        block = rng.integers(-8000, 8000, (len(bands.STEMS), int(seconds * bands.RATE)))
        np.save(folder / f"take{number:05d}.npy", block.astype(np.int16))
        split = "validation" if number == count - 1 else "train"
        index.append(
            {"name": f"take{number:05d}", "song": str(number), "split": split, "tempo_bpm": 120.0}
        )
    (folder / bands.INDEX_NAME).write_text(json.dumps(index))
    return folder


def test_takes_are_mapped_by_stem(tmp_path):
    loaded = bands.load_bands(write_takes(tmp_path))
    assert [band.split for band in loaded] == ["train", "validation"]
    assert set(loaded[0].stems) == set(bands.STEMS)
    assert all(stem.shape == (4 * bands.RATE,) for stem in loaded[0].stems.values())


def test_a_folder_without_takes_is_missing(tmp_path):
    with pytest.raises(MissingInputError, match="no rendered bands"):
        bands.load_bands(tmp_path)


def test_data_without_a_part_is_missing(tmp_path):
    with pytest.raises(MissingInputError, match="bands-midi"):
        bands.render_bands(tmp_path, tmp_path / "out", takes=1, seconds=2.0, seed=0)


@needs_data
def test_rendered_takes_are_aligned_audible_and_reproducible(tmp_path):
    data = Path(str(DATA))
    for folder in ("first", "second"):
        bands.render_bands(data, tmp_path / folder, takes=3, seconds=6.0, seed=5)
    first, second = (bands.load_bands(tmp_path / folder) for folder in ("first", "second"))
    assert 1 <= len(first) <= 3
    for one, other in zip(first, second, strict=True):
        for name in bands.STEMS:
            assert np.array_equal(one.stems[name], other.stems[name])
        for name in ("drums", "bass"):
            assert np.abs(one.stems[name]).max() > 1000
        assert len({len(stem) for stem in one.stems.values()}) == 1


@needs_data
def test_takes_that_are_there_are_kept(tmp_path):
    data = Path(str(DATA))
    bands.render_bands(data, tmp_path, takes=2, seconds=3.0, seed=1)
    paths = sorted(tmp_path.glob("*.npy"))
    times = [path.stat().st_mtime_ns for path in paths]
    bands.render_bands(data, tmp_path, takes=2, seconds=3.0, seed=1)
    assert [path.stat().st_mtime_ns for path in paths] == times
