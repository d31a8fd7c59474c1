import json

import numpy as np
import pytest
import soundfile

from drumkit_cli.bands.takes import INDEX_NAME
from drumkit_cli.errors import BadDataError, MissingInputError
from drumkit_cli.grading import songs
from tests.arrange.tiny import RATE, bass_line
from tests.bands.test_takes import write_takes


def clicks(seconds, every=0.25):
    noise = np.random.default_rng(0).normal(0, 0.3, round(seconds * RATE))
    return (noise * np.exp(-40 * (np.arange(len(noise)) / RATE % every))).astype(np.float32)


def write_song(folder, seconds=8.0):
    """Hits on every beat of 120 bpm, and a bass: an annotated recording."""
    folder.mkdir(parents=True)
    soundfile.write(folder / "bass.wav", bass_line(seconds), RATE)
    soundfile.write(folder / "drums.flac", clicks(seconds, 0.5), RATE)
    times = np.arange(0, seconds, 0.5)
    (folder / "class.txt").write_text("".join(f"{t:.3f} \t KD \n" for t in [*times, 0.51]))
    (folder / "beats.txt").write_text(
        "".join(f"{t:.3f}\t{i % 4 + 1}\n" for i, t in enumerate(times))
    )
    return folder


def test_a_recording_is_the_sum_of_its_sounds_with_its_annotations(tmp_path):
    folder = write_song(tmp_path / "song")
    soundfile.write(folder / "other.wav", bass_line(4), RATE)  # ends earlier
    (folder / "drums.mid").write_bytes(b"no sound")
    (tmp_path / "midi only").mkdir()
    (tmp_path / "midi only" / "drums.mid").write_bytes(b"no sound")
    (song,) = songs.load_songs(tmp_path)
    assert song.name == "song"
    np.testing.assert_allclose(song.mix[4 * RATE :], (song.drums + song.bass)[4 * RATE :])
    np.testing.assert_allclose(song.onsets, np.arange(0, 8, 0.5))  # two hits at once are one
    assert song.beats[:5].tolist() == [[0, 1], [0.5, 2], [1, 3], [1.5, 4], [2, 1]]


def test_what_is_not_annotated_is_detected_and_heard(tmp_path, monkeypatch):
    folder = write_song(tmp_path / "song")
    (folder / "class.txt").unlink()
    (folder / "beats.txt").unlink()
    heard = np.array([[0.1, 1.0]])
    monkeypatch.setattr(songs, "hear_beats", lambda _blocks, _rate: heard)
    (song,) = songs.load_songs(tmp_path)
    assert song.beats is heard
    assert len(song.onsets) == pytest.approx(15, abs=1)


def test_folders_that_are_no_songs_are_told(tmp_path):
    with pytest.raises(MissingInputError, match="no song folders"):
        songs.load_songs(tmp_path)
    (write_song(tmp_path / "song") / "bass.wav").unlink()
    with pytest.raises(MissingInputError, match="no bass"):
        songs.load_songs(tmp_path)
    (tmp_path / "song" / "beats.txt").write_text("one\n")
    soundfile.write(tmp_path / "song" / "bass.wav", bass_line(8), RATE)
    with pytest.raises(BadDataError, match=r"beats\.txt"):
        songs.load_songs(tmp_path)


def test_takes_that_were_held_out_are_songs_with_the_beats_of_their_index(tmp_path, monkeypatch):
    monkeypatch.setattr(songs, "hear_beats", lambda _blocks, _rate: np.array([[0.1, 1.0]]))
    folder = write_takes(tmp_path)
    (song,) = songs.load_songs(folder)
    assert song.name == "take00001"
    assert song.beats.tolist() == [[0.1, 1]]
    assert np.abs(song.mix).max() > np.abs(song.drums).max()
    index = json.loads((folder / INDEX_NAME).read_text())
    index["takes"][1]["beats"] = [[0.5, 4], [1.0, 1]]
    (folder / INDEX_NAME).write_text(json.dumps(index))
    (song,) = songs.load_songs(folder)
    assert song.beats.tolist() == [[0.5, 4], [1, 1]]
