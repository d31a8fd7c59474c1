import json
import os
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from drumkit_cli.bands import takes
from drumkit_cli.errors import BadDataError, MissingInputError, UnavailableError, UsageError
from drumkit_cli.learning import training
from drumkit_cli.learning.index_files import read_index

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
        block = rng.integers(-8000, 8000, (len(takes.STEMS), int(seconds * takes.RATE)))
        np.save(folder / f"take{number:05d}.npy", block.astype(np.int16))
        split = "validation" if number == count - 1 else "train"
        index.append(
            {"name": f"take{number:05d}", "song": str(number), "split": split, "tempo_bpm": 120.0}
        )
    (folder / takes.INDEX_NAME).write_text(json.dumps({"takes": index}))
    return folder


def test_takes_are_mapped_by_stem(tmp_path):
    loaded = takes.load_takes(write_takes(tmp_path))
    assert [band.split for band in loaded] == ["train", "validation"]
    assert set(loaded[0].stems) == set(takes.STEMS)
    assert all(stem.shape == (4 * takes.RATE,) for stem in loaded[0].stems.values())


def test_a_folder_without_takes_is_missing(tmp_path):
    with pytest.raises(MissingInputError, match="no rendered bands"):
        takes.load_takes(tmp_path)


def test_data_without_a_part_is_missing(tmp_path):
    with pytest.raises(MissingInputError, match="bands-midi"):
        takes.render_takes(tmp_path, tmp_path / "out", takes=1, seconds=2.0, seed=0)


def make_parts(folder: Path) -> Path:
    for part in ("bands-midi", "groove", "soundfonts", "acoustic-kit", "oneshots", "electric-bass"):
        (folder / part).mkdir(parents=True)
    return folder


def test_bands_of_another_recipe_are_not_reused(tmp_path):
    made_by = {"takes": 2, "seconds": 4.0, "seed": 0, "data": "data"}
    run = training.Run(tmp_path, tmp_path / "w", 1.0, threads=1)
    index = write_takes(tmp_path / "bands") / takes.INDEX_NAME
    entries = json.loads(index.read_text())["takes"]
    index.write_text(json.dumps({"made_by": made_by, "takes": entries}))
    fabric, data = training.start(run), tmp_path / "data"
    assert len(takes.takes_of_run(data, run, fabric, 2, 4.0)) == 2
    for other in (
        (data, run, 3, 4.0),
        (data, run, 2, 5.0),
        (data, replace(run, seed=1), 2, 4.0),
        (tmp_path / "others", run, 2, 4.0),
    ):
        with pytest.raises(UsageError, match="another recipe; take another --run-dir"):
            takes.takes_of_run(*other[:2], fabric, *other[2:])


def test_bands_that_do_not_say_what_made_them_are_taken_as_they_are(tmp_path):
    run = training.Run(tmp_path, tmp_path / "w", 1.0, threads=1)
    write_takes(tmp_path / "bands")
    assert len(takes.takes_of_run(tmp_path / "data", run, training.start(run), 9, 9.0)) == 2


@pytest.mark.parametrize("content", ["", "[]", "{"])
def test_a_damaged_index_is_bad_data(tmp_path, content):
    (tmp_path / takes.INDEX_NAME).write_text(content)
    with pytest.raises(BadDataError, match="not an index of bands"):
        takes.load_takes(tmp_path)


def test_an_unfinished_rendering_is_missing(tmp_path):
    (tmp_path / takes.INDEX_NAME).write_text('{"made_by": {}, "takes": []}')
    with pytest.raises(MissingInputError, match="no rendered bands"):
        takes.load_takes(tmp_path)


def test_the_renderer_that_is_not_installed_is_told(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tinysoundfont", None)
    with pytest.raises(UnavailableError, match="pip install --no-deps tinysoundfont"):
        takes.render_takes(make_parts(tmp_path), tmp_path / "out", takes=1, seconds=2.0, seed=0)


def test_a_table_without_a_column_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(takes, "require_extra", lambda _extra, _purpose: None)
    data = make_parts(tmp_path)
    (data / "bands-midi" / "index.csv").write_text("path,split\na.mid,train\n")
    with pytest.raises(BadDataError, match=r"bands-midi/index\.csv: no column tempo"):
        takes.render_takes(data, tmp_path / "out", takes=2, seconds=2.0, seed=0)


def test_a_table_that_is_no_text_is_bad_data(tmp_path):
    (tmp_path / "index.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadDataError, match="not a table"):
        read_index(tmp_path / "index.csv")


@needs_data
@pytest.mark.slow
def test_rendered_takes_are_aligned_audible_and_reproducible(tmp_path):
    data = Path(str(DATA))
    for folder in ("first", "second"):
        takes.render_takes(data, tmp_path / folder, takes=3, seconds=6.0, seed=5)
    first, second = (takes.load_takes(tmp_path / folder) for folder in ("first", "second"))
    assert 1 <= len(first) <= 3
    for one, other in zip(first, second, strict=True):
        for name in takes.STEMS:
            assert np.array_equal(one.stems[name], other.stems[name])
        for name in ("drums", "bass"):
            assert np.abs(one.stems[name]).max() > 1000
        assert len({len(stem) for stem in one.stems.values()}) == 1
        assert one.beats == other.beats
        assert all(0 <= time < 6 and number >= 1 for time, number in one.beats)
    assert any(len(take.beats) > 4 for take in first)


@needs_data
def test_only_songs_of_the_splits_that_are_wanted_are_played(tmp_path):
    takes.render_takes(Path(str(DATA)), tmp_path, takes=2, seconds=3.0, seed=1, splits=("test",))
    assert {take.split for take in takes.load_takes(tmp_path)} == {"test"}


@needs_data
def test_takes_that_are_there_are_kept(tmp_path):
    data = Path(str(DATA))
    takes.render_takes(data, tmp_path, takes=2, seconds=3.0, seed=1)
    paths = sorted(tmp_path.glob("*.npy"))
    times = [path.stat().st_mtime_ns for path in paths]
    takes.render_takes(data, tmp_path, takes=2, seconds=3.0, seed=1)
    assert [path.stat().st_mtime_ns for path in paths] == times
