import os
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from drumkit_cli.bands.instruments import Note
from drumkit_cli.bands.midi_songs import beats_of
from drumkit_cli.errors import MissingInputError
from drumkit_cli.midi.files import write_midi
from drumkit_cli.midi.track import empty_track
from drumkit_cli.transcribe.training import music, takes
from tests.transcribe.tiny import write_takes

DATA = os.environ.get("DRUMKIT_DATA")
needs_data = pytest.mark.skipif(
    not (DATA and find_spec("tinysoundfont")),
    reason="DRUMKIT_DATA names no data folder, or no tinysoundfont",
)


def write_song(path, onsets, meter=(4, 4)):
    """A MIDI file of kicks at so many ticks of 480 a quarter, 120 bpm."""
    track = empty_track(120, meter=meter, end_ticks=8 * 480)
    track = track.with_notes([track.note(tick, 60, 36, 100) for tick in onsets])
    path.write_bytes(write_midi(track))
    return path


def test_takes_are_mapped_with_their_notes(tmp_path):
    first, last = takes.load_takes(write_takes(tmp_path))
    assert first.levels.shape == (len(takes.PARTS), 401, 80)
    assert (first.split, last.split) == ("train", "validation")
    assert first.separated.shape == (401, 80)
    assert last.separated is None
    assert first.hits.shape == (24, 3)


def test_a_folder_without_takes_is_missing(tmp_path):
    with pytest.raises(MissingInputError, match="no rendered takes"):
        takes.load_takes(tmp_path)


def test_data_without_a_part_is_missing(tmp_path):
    with pytest.raises(MissingInputError, match="bands-midi"):
        takes.render_takes(tmp_path, tmp_path / "out", takes=1, seconds=2.0, seed=0)


def test_beats_follow_the_meter(tmp_path):
    beats = beats_of(write_song(tmp_path / "a.mid", range(0, 8 * 480, 240), (3, 4)))
    np.testing.assert_allclose(beats[:, 0], np.arange(len(beats)) * 0.5)
    assert beats[:4, 1].tolist() == [1, 2, 3, 1]


@pytest.mark.parametrize(
    ("onsets", "meter"), [(range(0, 3840, 240), (5, 8)), (range(70, 3840, 211), (4, 4))]
)
def test_beats_of_odd_meters_and_off_the_grid_are_not_believed(tmp_path, onsets, meter):
    assert not len(beats_of(write_song(tmp_path / "a.mid", onsets, meter)))


@pytest.mark.parametrize(
    ("number", "pitches"),
    list(enumerate([{51, 53}, {46}, {54}, {82}])),
    ids=["ride", "open", "t", "s"],
)
def test_others_stand_for_the_hats_in_some_takes(monkeypatch, number, pitches):
    notes = [Note(0.1 * n, 0.1, pitch, 90) for n, pitch in enumerate((36, 38, 42, 46))]
    monkeypatch.setattr(music, "_INSTEAD_SHARES", np.eye(4)[number])
    others = music._without_hats(notes, np.random.default_rng(0))
    assert {note.pitch for note in others} == {36, 38} | pitches


def test_toms_take_part_in_fills_in_some_takes(monkeypatch):
    notes = [Note(0.1 * n, 0.1, pitch, 90) for n, pitch in enumerate((36, 38, 42, 46) * 100)]
    monkeypatch.setattr(music, "_FILL_SHARE", 1.0)
    fills = music._with_fills(notes, np.random.default_rng(0))
    assert {note.pitch for note in fills} == {36, 38, 42, 46, *music._TOMS}
    assert [note.onset_seconds for note in fills] == [note.onset_seconds for note in notes]


@needs_data
def test_a_take_is_rendered_the_same_from_the_same_seed(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        path = tmp_path / name / "take00001.npz"
        takes._render(Path(DATA), path, 4.0, np.random.default_rng(1), 1)
    first, second = (takes.load_takes(tmp_path / name)[0] for name in ("a", "b"))
    np.testing.assert_array_equal(first.levels, second.levels)
    assert len(first.hits) > 2
    assert 0 <= first.hits[:, 0].min() <= first.hits[:, 0].max() < 4
    assert first.levels.any(axis=(1, 2))[0]
