import numpy as np
import pytest

from drumkit_cli.arrange import evaluate
from drumkit_cli.errors import MissingInputError
from drumkit_cli.spectral import onsets
from tests.arrange.tiny import RATE, bass_line, write_tiny_arranger
from tests.grading.test_songs import clicks, write_song


def test_onsets_are_found_where_the_hits_are():
    frames = onsets.onset_frames(onsets.normalised_image(clicks(5)))
    found = frames * onsets.SECONDS_PER_FRAME
    truth = np.arange(0.25, 5, 0.25)
    f, _, _ = onsets.onset_scores(truth, found)
    assert f > 0.95


def test_no_onsets_in_silence_nor_in_a_steady_sound():
    assert not len(onsets.onset_frames(np.full((256, 100), -1, np.float32)))
    noise = np.random.default_rng(0).normal(0, 0.1, 3 * RATE).astype(np.float32)
    steady = onsets.onset_frames(onsets.normalised_image(noise)[:, 3:-3])
    assert len(steady) < 40
    assert onsets.onset_scores(np.zeros(0), np.zeros(0)) == (1, 1, 1)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluate")
    write_song(folder / "data" / "a")
    write_song(folder / "data" / "b", 10.0)
    weights = write_tiny_arranger(folder / "arrange.safetensors")
    with pytest.MonkeyPatch.context() as patch:
        basses = [bass_line(8), bass_line(10)]
        patch.setattr(evaluate, "separate_stem", lambda _paths, _name: basses)
        return evaluate.evaluate(folder / "data", str(weights))


def test_the_table_has_our_rows_and_those_of_the_baselines(table):
    for average in ("mean", "median"):
        assert tuple(row[1] for row in table.rows if row[0] == average) == evaluate.METHODS
    assert [row[:2] for row in table.rows[-2:]] == [["a", evaluate.OURS], ["b", evaluate.OURS]]


def test_the_figures_of_known_sounds_are_known(table):
    of = {row[1]: dict(zip(table.columns, row, strict=True)) for row in table.rows[:7]}
    # Every second eighth of the metronome is a hit: precision 1/2, recall 1.
    assert of[evaluate.METRONOME]["F drummer"] == pytest.approx(2 / 3, abs=0.03)
    assert of[evaluate.METRONOME]["on eighths"] == 1
    assert of[evaluate.METRONOME]["F grid"] == pytest.approx(2 / 3, abs=0.02)
    assert of[evaluate.NEXT]["F drummer"] > 0.9
    assert of[evaluate.DRUMMER]["F drummer"] > 0.9
    assert of[evaluate.DRUMMER]["bars alike"] > 0.9
    assert of[evaluate.DRUMMER]["spectrum dB"] == 0
    assert of[evaluate.BASS]["of the bass"] == 1
    assert of[evaluate.BASS]["<150 Hz"] > 0.5
    assert of[evaluate.OURS]["CPU s/min"] > 0
    assert np.isnan(of[evaluate.RANDOM]["bars alike"])


def test_a_folder_without_songs_is_told(tmp_path):
    weights = write_tiny_arranger(tmp_path / "arrange.safetensors")
    with pytest.raises(MissingInputError, match="no song folders"):
        evaluate.evaluate(tmp_path, str(weights))


def test_a_single_song_has_no_next_one(tmp_path, monkeypatch):
    write_song(tmp_path / "data" / "a")
    monkeypatch.setattr(evaluate, "separate_stem", lambda _paths, _name: [bass_line(8)])
    weights = write_tiny_arranger(tmp_path / "arrange.safetensors")
    table = evaluate.evaluate(tmp_path / "data", str(weights))
    (figures,) = (row[2:] for row in table.rows if row[:2] == ["mean", evaluate.NEXT])
    assert all(figure is None or np.isnan(figure) for figure in figures)
