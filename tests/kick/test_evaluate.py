import numpy as np
import pytest
import soundfile

from drumkit_cli.errors import BadDataError
from drumkit_cli.kick import evaluate as module
from drumkit_cli.kick import recordings
from drumkit_cli.kick.evaluate import count_different, evaluate, share_near, sixteenths
from drumkit_cli.kick.recordings import read_recordings
from tests.kick.test_train import SONGS
from tests.kick.tiny import write_tiny_kick


@pytest.fixture
def weights(tmp_path):
    return str(write_tiny_kick(tmp_path / "tiny.safetensors"))


def write_recording(folder):
    folder.mkdir(parents=True)
    chance = np.random.default_rng(0)
    for stem in ("bass", "drums"):
        soundfile.write(folder / f"{stem}.wav", chance.uniform(-0.5, 0.5, 44_100 * 3), 44_100)
    (folder / "class.txt").write_text("0.5 KD\n1.0 SD\n1.5 KD\n\n")
    (folder / "beats.txt").write_text("".join(f"{n / 2} {n % 4 + 1}\n" for n in range(6)))


def test_the_table_has_the_papers_figures_beside_ours(weights, tmp_path, monkeypatch):
    def load(_data, _cache, splits, **_):
        return [song for song in SONGS if song.split in (*splits, "train")]

    monkeypatch.setattr(module, "load_songs", load)
    rows = {name: (paper, ours) for name, paper, ours in evaluate(tmp_path, weights).rows}
    assert rows["F, own codes, validation"][0] == 0.867
    assert rows["F, code of the song, train"][0] == 0.712
    assert rows["F, own codes, test"][0] is None
    assert all(0 <= ours <= 1 for name, (_, ours) in rows.items() if name.startswith("F"))
    assert "F, code of the song, at 80% of its tempo" in rows
    assert 0 <= rows["clearly different tracks of 20 sampled codes"][1] <= 20


def test_recordings_are_measured_against_their_annotation(weights, tmp_path, monkeypatch):
    ticks = np.arange(300, dtype=np.float32) % 43
    monkeypatch.setattr(recordings, "hear_snare", lambda _drums, _rate, frames: ticks[:frames])
    write_recording(tmp_path / "data/one")
    (song,) = read_recordings(tmp_path / "data")
    np.testing.assert_array_equal(song.kicks, [0.5, 1.5])
    np.testing.assert_array_equal(song.beats, np.arange(6) / 2)
    names = [row[0] for row in evaluate(tmp_path / "data", weights).rows]
    assert "F, own codes, recordings" in names


def test_a_damaged_annotation_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(recordings, "hear_snare", lambda _drums, _rate, frames: np.ones(frames))
    write_recording(tmp_path / "one")
    (tmp_path / "one/beats.txt").write_text("soon 1\n")
    with pytest.raises(BadDataError, match=r"beats\.txt"):
        read_recordings(tmp_path)


def test_sixteenths_divide_beats_in_four():
    np.testing.assert_allclose(
        sixteenths(np.array([0, 1, 3.0])), [0, 0.25, 0.5, 0.75, 1, 1.5, 2, 2.5, 3]
    )
    assert not len(sixteenths(np.array([1.0])))


def test_the_share_near_the_grid_is_of_hits_within_50_ms():
    grid = np.arange(0, 10, 0.5)
    assert share_near(np.array([0.04, 0.46, 0.75, 1.06, 99.0]), grid) == 0.5


def test_tracks_are_different_where_they_share_less_than_eight_tenths():
    one, near, other = np.arange(10.0), np.arange(10.0) + 0.02, np.arange(10.0) + 0.5
    assert count_different([one, near, other, np.zeros(0)]) == 2
