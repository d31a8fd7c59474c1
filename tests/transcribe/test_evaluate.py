import numpy as np
import pytest
import soundfile

from drumkit_cli.errors import BadDataError, MissingInputError
from drumkit_cli.listening.hits import Hit
from drumkit_cli.transcribe import evaluate, songs
from tests.listening.tiny import write_tiny_ear
from tests.transcribe.tiny import write_takes

RATE = 22_050


@pytest.fixture
def weights(tmp_path):
    return str(write_tiny_ear(tmp_path / "transcribe.safetensors"))


def write_song(folder, beats=True):
    """Six seconds of noise, with a kick on every half second and a ride on the first."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name in ("drums", "bass"):
        soundfile.write(folder / f"{name}.flac", rng.normal(0, 0.1, 6 * RATE), RATE)
    lines = [f"{0.5 * number:.3f} \t KD \n" for number in range(12)]
    (folder / "class.txt").write_text("".join([*lines, "0.1 CY\n", "0.2 OT\n"]))
    if beats:
        text = "".join(f"{0.5 * number:.3f}\t{number % 4 + 1}\n" for number in range(12))
        (folder / "beats.txt").write_text(text)


def test_a_song_is_its_stems_and_its_annotation(tmp_path):
    write_song(tmp_path / "a")
    write_song(tmp_path / "b", beats=False)
    first, second = (songs.load_song(folder) for folder in songs.song_folders(tmp_path))
    bass = soundfile.read(tmp_path / "a" / "bass.flac", dtype="float32")[0]
    np.testing.assert_allclose(first.mix, first.drums + bass, atol=1e-6)
    assert [len(times) for times in first.hits] == [12, 0, 0, 0, 1]
    assert first.beats[:2].tolist() == [[0, 1], [0.5, 2]]
    assert second.beats is None


def test_a_song_that_cannot_be_read_is_told(tmp_path):
    write_song(tmp_path / "a")
    (tmp_path / "a" / "class.txt").write_text("kick at one\n")
    with pytest.raises(BadDataError, match="not lines of a time and a word"):
        songs.load_song(tmp_path / "a")
    (tmp_path / "a" / "drums.flac").unlink()
    with pytest.raises(MissingInputError, match="no drums"):
        songs.load_song(tmp_path / "a")


def test_an_f_measure_counts_matches_over_all_songs():
    tally = evaluate.Tally(2)
    tally.add(0, np.array([1.0, 2.0]), np.array([1.04, 2.06]), 0.05)
    tally.add(0, np.array([1.0]), np.array([1.0]), 0.05)
    assert tally.f_measures() == [0.667, 0.667, None]


def test_velocities_are_compared_of_hits_that_were_found():
    hits = [Hit(0.1 * n, 0, n / 10, 0.9) for n in range(10)]
    played = np.array([[0.1 * n, 0, n**2 / 100] for n in range(8)])
    pairs = evaluate._velocity_pairs(hits, played)
    assert len(pairs) == 8
    assert evaluate._rank_correlation(pairs) == pytest.approx(1.0)
    assert evaluate._rank_correlation([]) is None


def test_rendered_takes_are_measured_in_three_contexts(tmp_path, weights):
    table = evaluate.evaluate(write_takes(tmp_path / "takes", count=3), weights)
    assert [row[0] for row in table.rows] == ["drums", "separated drums", "mix"]
    assert "1 rendered takes" in table.title
    assert all(cell is None or 0 <= cell <= 1 for row in table.rows for cell in row[1:-1])
    assert [row[-2] is None for row in table.rows] == [True, True, False]  # bars: of the mix


def test_songs_are_measured_beside_librosa(tmp_path, weights, monkeypatch):
    write_song(tmp_path / "songs" / "a")
    drums = songs.load_song(tmp_path / "songs" / "a").drums
    monkeypatch.setattr(evaluate, "separate_stem", lambda mixes, _name: [drums for _ in mixes])
    monkeypatch.setattr(evaluate, "_librosa_beats", lambda song: song.beats)
    table = evaluate.evaluate(tmp_path / "songs", weights)
    first, second, mix, librosa = table.rows
    assert first[1:7] == second[1:7]  # the separated drums are the same here
    assert mix[-1] is not None
    assert librosa[1] is None
    assert librosa[-2:] == [1.0, 1.0]


def test_a_folder_of_neither_is_missing(tmp_path, weights):
    with pytest.raises(MissingInputError, match="neither"):
        evaluate.evaluate(tmp_path, weights)
