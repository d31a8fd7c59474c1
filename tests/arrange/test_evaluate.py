import numpy as np
import pytest

from drumkit_cli.arrange import evaluate
from drumkit_cli.arrange import measurement as of_song
from drumkit_cli.errors import MissingInputError
from drumkit_cli.grading.features import WINDOW_SAMPLES
from drumkit_cli.grading.grader import Grade
from drumkit_cli.spectral import onsets
from tests.arrange.tiny import RATE, bass_line, write_tiny_arranger, write_tiny_pix2pix
from tests.grading.test_songs import clicks, write_song
from tests.listening.tiny import write_tiny_ear


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


METHODS = (
    evaluate.OURS,
    evaluate.SEPARATED,
    of_song.DRUMMER,
    of_song.BASS,
    of_song.NEXT,
    of_song.METRONOME,
    of_song.RANDOM,
)


class FakeGrader:
    """Gives 9 to what is its own reference and 6 to all else; 3 without a reference."""

    weights_sha256 = "0" * 64

    def grade(self, drums, reference, bass):
        assert drums.shape == bass.shape == (WINDOW_SAMPLES,)
        if reference is None:
            return Grade(3.0, "0-3", {}, {})
        return (
            Grade(9.0, "8-9", {}, {})
            if np.array_equal(drums, reference)
            else Grade(6.4, "6-7", {}, {})
        )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two songs and tiny weights."""
    folder = tmp_path_factory.mktemp("evaluate")
    write_song(folder / "data" / "a")
    write_song(folder / "data" / "b", 10.0)
    write_tiny_arranger(folder / "arrange.safetensors")
    with pytest.MonkeyPatch.context() as patch:
        basses = [bass_line(8), bass_line(10)]
        patch.setattr(evaluate, "separate_stem", lambda _paths, _name: basses)
        patch.setattr(evaluate, "load_model", lambda _build, _feature: FakeGrader())
        yield folder


@pytest.fixture(scope="module")
def table(folder):
    return evaluate.evaluate(folder / "data", str(folder / "arrange.safetensors"))


def test_the_table_has_our_rows_and_those_of_the_baselines(table):
    for average in ("mean", "median"):
        assert tuple(row[1] for row in table.rows if row[0] == average) == METHODS
    assert [row[:2] for row in table.rows[-2:]] == [["a", evaluate.OURS], ["b", evaluate.OURS]]


def test_the_figures_of_known_sounds_are_known(table):
    of = {row[1]: dict(zip(table.columns, row, strict=True)) for row in table.rows[: len(METHODS)]}
    # Every second eighth of the metronome is a hit: precision 1/2, recall 1.
    assert of[of_song.METRONOME]["F drummer"] == pytest.approx(2 / 3, abs=0.03)
    assert of[of_song.METRONOME]["on eighths"] == 1
    assert of[of_song.METRONOME]["F grid"] == pytest.approx(2 / 3, abs=0.02)
    assert of[of_song.NEXT]["F drummer"] > 0.9
    assert of[of_song.DRUMMER]["F drummer"] > 0.9
    assert of[of_song.DRUMMER]["bars alike"] > 0.9
    assert of[of_song.DRUMMER]["spectrum dB"] == 0
    assert of[of_song.BASS]["of the bass"] == 1
    assert of[of_song.BASS]["<150 Hz"] > 0.5
    assert of[evaluate.OURS]["CPU s/min"] > 0
    assert np.isnan(of[of_song.RANDOM]["bars alike"])


def test_a_folder_without_songs_is_told(tmp_path, folder):
    weights = write_tiny_arranger(tmp_path / "arrange.safetensors")
    with pytest.raises(MissingInputError, match="no song folders"):
        evaluate.evaluate(tmp_path, str(weights))


def test_clips_are_graded_beside_the_real_drums_and_without(table):
    of = {row[1]: dict(zip(table.columns, row, strict=True)) for row in table.rows[: len(METHODS)]}
    assert (of[evaluate.OURS]["6-7"], of[evaluate.OURS]["8-9"]) == (1, 0)
    assert (of[evaluate.OURS]["6-9"], of[evaluate.OURS]["grade"]) == (1, 6.4)
    assert of[of_song.DRUMMER]["grade"] == 9
    assert of[of_song.DRUMMER]["no reference"] == 3


def test_the_grades_are_drawn(folder, table):
    figure = evaluate.draw(folder / "data", str(folder / "arrange.safetensors"))
    rounded, buckets = figure.axes
    graded = METHODS[:4]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list(graded)
    for axes, columns, ours, real in ((rounded, 10, 6, 9), (buckets, 4, 2, 3)):
        heights = np.reshape([bar.get_height() for bar in axes.patches], (len(graded), columns))
        assert heights.sum(1).tolist() == [1] * len(graded)
        assert heights[0, ours] == 1
        assert heights[2, real] == 1


def test_a_single_song_has_no_next_one(tmp_path, monkeypatch):
    write_song(tmp_path / "data" / "a")
    monkeypatch.setattr(evaluate, "separate_stem", lambda _paths, _name: [bass_line(8)])
    monkeypatch.setattr(evaluate, "load_model", lambda _build, _feature: FakeGrader())
    weights = write_tiny_arranger(tmp_path / "arrange.safetensors")
    table = evaluate.evaluate(tmp_path / "data", str(weights))
    (figures,) = (row[2:] for row in table.rows if row[:2] == ["mean", of_song.NEXT])
    assert all(figure is None or np.isnan(figure) for figure in figures)


def test_the_baseline_stands_beside_weights_that_are_not_named(folder, monkeypatch):
    write_tiny_pix2pix(folder / "arrange-pix2pix.safetensors")
    write_tiny_ear(folder / "transcribe.safetensors")
    monkeypatch.setenv("DRUMKIT_WEIGHTS", str(folder))
    monkeypatch.setattr(
        evaluate, "separate_stem", lambda _paths, _name: [bass_line(8), bass_line(10)]
    )
    monkeypatch.setattr(evaluate, "load_model", lambda _build, _feature: FakeGrader())
    table = evaluate.evaluate(folder / "data", None)
    rows = {row[1]: row for row in table.rows if row[0] == "mean"}
    assert rows[evaluate.PIX2PIX] != rows[evaluate.OURS]
    assert evaluate.PIX2PIX_SEPARATED in rows
    assert any(note.startswith(f"{evaluate.PIX2PIX}: weights sha256") for note in table.notes)
