"""What START and GOAL may be."""

from dataclasses import replace

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


def test_drums_of_other_voices_are_named_and_left_out(source, capsys):
    notes = [(0, 36, 100), (24, 45, 90), (48, 45, 90)]
    found = source(midi_files.file(midi_files.track(notes)))
    assert np.count_nonzero(found.patterns) == 4
    assert "left out Low Tom (2 notes)" in " ".join(capsys.readouterr().err.split())
    with pytest.raises(BadDataError, match="no notes of the six voices"):
        source(midi_files.file(midi_files.track(notes[1:])))


def test_audio_is_told_as_audio(source):
    with pytest.raises(BadDataError, match="is not MIDI but WAV"):
        source(b"RIFF\0\0\0\0WAVE")
