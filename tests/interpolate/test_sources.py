"""What START and GOAL may be."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from drumkit_cli.errors import BadDataError, MissingInputError, UsageError
from drumkit_cli.interpolate.sources import read_source, shipped_names
from drumkit_cli.midi.files import write_midi
from drumkit_cli.midi.track import empty_track
from drumkit_cli.patterns import composer
from tests.contract import midi_files


@pytest.fixture
def source(tmp_path):
    """Read bytes, or an array, as a source."""

    def read(data):
        path = tmp_path / "in"
        if isinstance(data, bytes):
            path.write_bytes(data)
        else:
            with path.open("wb") as file:
                np.save(file, data)
        return read_source(str(path))

    return read


def test_every_shipped_pattern_has_a_name_that_reads_it():
    names = shipped_names()
    assert len(names) == len({name for name, _, _ in names}) == 2482
    for name, pattern, tempo in names[::199]:
        found = read_source(name)
        np.testing.assert_array_equal(found.patterns, pattern[None])
        assert found.tempo_bpm == tempo
        assert found.sha256 == ""


@pytest.mark.parametrize("name", ["techno:0", "techno:485", "electro:999999999"])
def test_a_number_that_does_not_ship_is_wrong_usage(name):
    with pytest.raises(UsageError, match=r"to .* ship"):
        read_source(name)


@pytest.mark.parametrize("name", ["techno", "polka:1", "techno:", "no.mid", "techno:1x"])
def test_what_is_neither_file_nor_pattern_is_told_with_where_names_are(name):
    with pytest.raises(MissingInputError, match=r"no such file or pattern.*--list"):
        read_source(name)


def test_a_file_called_as_a_pattern_is_named_with_its_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "techno:1").write_bytes(midi_files.WHOLE)
    assert read_source("./techno:1").sha256
    assert read_source("techno:1").sha256 == ""
    with pytest.raises(MissingInputError, match=r"cannot read \./techno:2"):
        read_source("./techno:2")


def test_a_folder_is_told_as_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "drums").mkdir()
    with pytest.raises(MissingInputError, match="drums is a folder"):
        read_source("drums")


def test_a_measure_repeats_to_four(source):
    found = source(midi_files.WHOLE)
    assert found.patterns.shape == (1, 6, 64)
    measures = found.patterns.reshape(6, 4, 16)
    np.testing.assert_array_equal(measures, measures[:, :1].repeat(4, axis=1))
    assert measures[0, 0, 0] == pytest.approx(110 / 127)
    assert measures[3, 0, 14] == pytest.approx(70 / 127)
    assert np.count_nonzero(measures[:, 0]) == len(midi_files.PATTERN)


def drums(measures, *extra, end=0):
    """A MIDI file of measures of quarters, and of more hits, by sixteenth."""
    steps = [*range(0, 16 * measures, 4), *extra]
    track = empty_track(120)
    notes = tuple(track.note(round(120 * step), 60, 36, 100) for step in steps)
    part = replace(track.parts[0], end_ticks=max(120 * end, notes[-1].onset_ticks + 60))
    return write_midi(replace(track, notes=notes, parts=(part, *track.parts[1:])))


@pytest.mark.parametrize("measures", [1, 2, 4, 5, 6, 8])
@pytest.mark.parametrize("late", [0, -0.2])
def test_a_hit_that_closes_a_loop_is_no_measure(source, measures, late):
    found = source(drums(measures, 16 * measures + late))
    np.testing.assert_array_equal(found.patterns, source(drums(measures)).patterns)


def test_a_measure_of_one_hit_is_one_where_the_file_or_the_pattern_has_it(source):
    assert np.count_nonzero(source(drums(4, 64, end=80)).patterns[-1]) == 4
    assert np.count_nonzero(source(drums(3, 48)).patterns[-1]) == 13
    assert np.count_nonzero(source(drums(4, 64, 65)).patterns[-1]) == 8


def test_the_tempo_is_the_files_last(source):
    assert source(midi_files.SOUND["a tempo map"]).tempo_bpm == pytest.approx(60)
    assert source(midi_files.WHOLE).tempo_bpm == pytest.approx(100)
    assert source(midi_files.SOUND["no tempo"]).tempo_bpm == 120


def test_a_pickup_is_neither_start_nor_goal(source):
    hits = [(96 + 96 * beat, 36 + 2 * (beat % 2), 100) for beat in range(16)]
    found = source(
        midi_files.file(
            midi_files.meter_map((0, 1, 4), (96, 4, 4)),
            midi_files.track([(0, 38, 90), *hits], end=96 + 4 * 384),
            kind=1,
        )
    )
    assert len(found.patterns) == 1
    np.testing.assert_array_equal(np.flatnonzero(found.patterns[0, 0]), range(0, 64, 8))
    np.testing.assert_array_equal(np.flatnonzero(found.patterns[0, 1]), range(4, 64, 8))


@pytest.fixture
def song(tmp_path, monkeypatch):
    """Six measures of 4/4 after a pickup, each with as many hats as its number, in song.mid."""
    hits = [(96 + 384 * bar + 24 * hat, 42, 90) for bar in range(6) for hat in range(bar + 2)]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "song.mid").write_bytes(
        midi_files.file(
            midi_files.meter_map((0, 1, 4), (96, 4, 4)),
            midi_files.track([(0, 38, 90), *hits], end=96 + 6 * 384),
            kind=1,
        )
    )


def hats(found):
    """The number of hats in each measure of the only pattern."""
    (pattern,) = found.patterns
    return np.count_nonzero(pattern[2].reshape(4, 16), axis=1).tolist()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("song.mid@2", [2, 2, 2, 2]),
        ("song.mid@7", [7, 7, 7, 7]),
        ("song.mid@3-6", [3, 4, 5, 6]),
        ("song.mid@3-4", [3, 4, 3, 4]),
        ("song.mid@4-", [4, 5, 6, 7]),
        ("song.mid@2,4-5,7", [2, 4, 5, 7]),
        ("./song.mid@1-2", [2, 2, 2, 2]),
    ],
)
@pytest.mark.usefixtures("song")
def test_measures_are_chosen_by_their_number_in_the_file(name, expected):
    assert hats(read_source(name)) == expected


@pytest.mark.usefixtures("song")
def test_measures_of_patterns_and_arrays_are_chosen_too():
    pattern = composer.compose("techno", 3)
    second = np.tile(pattern[:, 16:32], (1, 4))
    np.testing.assert_array_equal(read_source("techno:3@2").patterns, second[None])
    np.save("a.npy", np.stack([pattern, pattern]))
    np.testing.assert_array_equal(read_source("a.npy@6").patterns, second[None])
    np.testing.assert_array_equal(read_source("a.npy@2,6").patterns, second[None])
    halves = midi_files.track([(48 * half, 36 + 2 * half, 90) for half in range(8)], end=384)
    Path("two.mid").write_bytes(midi_files.file(midi_files.meter_map((0, 2, 4)), halves, kind=1))
    assert np.flatnonzero(read_source("two.mid@2").patterns[0].any(0))[0] == 0


@pytest.mark.usefixtures("song")
@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("song.mid@8", UsageError, "song.mid has no measure 8; it has 7"),
        ("song.mid@6-9", UsageError, "no measure 9"),
        ("song.mid@0", UsageError, "measures count from 1"),
        ("song.mid@4-3", UsageError, "measures count from 1"),
        ("song.mid@4,2", UsageError, "measures count from 1"),
        ("techno:3@5", UsageError, "it has 4"),
        ("none.mid@3", MissingInputError, "none.mid: no such file"),
    ],
)
def test_measures_that_are_not_there_are_told(name, error, message):
    with pytest.raises(error, match=message):
        read_source(name)


@pytest.mark.usefixtures("song")
def test_a_file_whose_name_ends_like_a_choice_is_read_by_its_name():
    Path("take@3").write_bytes(midi_files.WHOLE)
    assert np.count_nonzero(read_source("take@3").patterns) == 4 * len(midi_files.PATTERN)
    assert np.count_nonzero(read_source("take@3@1").patterns) == 4 * len(midi_files.PATTERN)


def test_drums_are_read_by_a_map(tmp_path):
    path = tmp_path / "own.mid"
    path.write_bytes(midi_files.file(midi_files.track([(0, 52, 100), (96, 43, 90)])))
    found = read_source(str(path), {52: 42, 43: 38})
    assert found.patterns[0, 2, 0] > 0
    assert found.patterns[0, 1, 4] > 0


def test_arrays_of_one_pattern_or_many_are_read(source):
    pattern = composer.compose("idm", 5)
    for array in (pattern, pattern[None], pattern.reshape(6, 4, 16).swapaxes(0, 1)):
        found = source(array)
        np.testing.assert_array_equal(found.patterns, pattern[None])
        assert found.tempo_bpm is None
    assert len(source(np.stack([pattern, pattern, pattern])).patterns) == 3
    assert source(pattern > 0).patterns.max() == 1


def test_silent_windows_are_passed_over(source):
    pattern, rest = composer.compose("idm", 5), np.zeros((6, 64), np.float32)
    found = source(np.stack([rest, pattern, rest, pattern, rest]))
    np.testing.assert_array_equal(found.patterns, np.stack([pattern, pattern]))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((6, 64)), "no notes of the six voices"),
        (np.full((6, 64), np.nan), "other numbers than velocities"),
        (np.full((6, 64), 1e300), "other numbers than velocities"),
        (np.full((6, 64), -0.1), "other numbers than velocities"),
        (np.full((6, 64), 127), "other numbers than velocities"),
        (np.ones((5, 64)), "has the shape"),
        (np.ones((6, 0)), "has the shape"),
        (np.ones(64), "has the shape"),
        (np.ones((1, 1, 6, 64)), "has the shape"),
    ],
)
def test_arrays_of_something_else_are_bad_data(source, array, message):
    with pytest.raises(BadDataError, match=message):
        source(array)


def test_drums_of_other_voices_are_named_and_left_out(source):
    notes = [(0, 36, 100), (24, 45, 90), (48, 45, 90)]
    found = source(midi_files.file(midi_files.track(notes)))
    assert np.count_nonzero(found.patterns) == 4
    assert [remark.partition(": ")[2] for remark in found.remarks] == ["left out Low Tom (2 notes)"]
    with pytest.raises(BadDataError, match="no notes of the six voices"):
        source(midi_files.file(midi_files.track(notes[1:])))


def test_audio_is_told_as_audio(source):
    with pytest.raises(BadDataError, match="is not MIDI but WAV"):
        source(b"RIFF\0\0\0\0WAVE")
