"""Tracks become PrettyMIDI objects and come back with their notes and their time."""

import numpy as np
import pytest

from drumkit_cli.errors import BadDataError
from drumkit_cli.midi.files import read_midi, write_midi
from drumkit_cli.midi.track import Track, empty_track
from tests.contract import midi_files

METERS = (
    midi_files.tempo(120)
    + midi_files.meter(4, 4)
    + midi_files.tempo(60, after=4 * midi_files.DIVISION)
    + b"\x00\xff\x58\x04\x03\x02\x18\x08"  # 3/4
    + midi_files.END
)
BASS = (
    b"\x00\xff\x03\x04Bass\x00\xc1\x21\x00\xb1\x07\x50\x00\xe1\x00\x50"
    b"\x00\x91\x28\x64\x60\x81\x28\x40\x84\x60\x91\x2a\x50\x60\x91\x2a\x00"
) + midi_files.END


def song() -> Track:
    """A measure of 4/4 at 120 bpm, then 3/4 at 60 bpm; drums and a bass."""
    drums = midi_files.track(end=10 * midi_files.DIVISION)
    return read_midi(midi_files.file(METERS, drums, BASS, kind=1), "song.mid")


def test_downbeats_beats_and_tempi_follow_the_tempo_and_the_meters():
    midi = song().to_pretty_midi()
    times, tempi = midi.get_tempo_changes()
    np.testing.assert_allclose(times, [0, 2])
    np.testing.assert_allclose(tempi, [120, 60])
    np.testing.assert_allclose(midi.get_beats()[:7], [0, 0.5, 1, 1.5, 2, 3, 4])
    np.testing.assert_allclose(midi.get_downbeats()[:2], [0, 2])


def test_tempi_and_meters_of_any_part_count():
    late = read_midi(midi_files.file(midi_files.track(), METERS, kind=1), "song.mid")
    np.testing.assert_allclose(late.to_pretty_midi().get_tempo_changes()[1], [120, 60])


def test_every_program_of_a_part_is_an_instrument_with_its_notes():
    track = song()
    drums, bass = track.to_pretty_midi().instruments
    assert (drums.is_drum, bass.is_drum, bass.program, bass.name) == (True, False, 33, "Bass")
    for instrument, kind in ((drums, True), (bass, False)):
        assert [(n.start, n.end, n.pitch, n.velocity) for n in instrument.notes] == [
            (n.onset_seconds, n.end_seconds, n.pitch, n.velocity)
            for n in track.notes
            if n.drum is kind
        ]
    assert [(change.number, change.value) for change in bass.control_changes] == [(7, 80)]
    assert [bend.pitch for bend in bass.pitch_bends] == [2048]


def test_a_track_comes_back_with_its_notes_and_its_time():
    track = song()
    again = Track.from_pretty_midi(track.to_pretty_midi())

    def notes(value: Track) -> list[tuple[int, ...]]:
        return [(n.onset_ticks, n.duration_ticks, n.pitch, n.velocity) for n in value.notes]

    assert sorted(notes(again)) == sorted(notes(track))
    assert again.meters == track.meters
    assert [tempo.tick for tempo in again.tempi] == [tempo.tick for tempo in track.tempi]
    for one, other in zip(again.tempi, track.tempi, strict=True):
        assert abs(one.microseconds_per_quarter - other.microseconds_per_quarter) <= 1


def test_the_track_itself_does_not_change():
    track = song()
    before = write_midi(track)
    midi = track.to_pretty_midi()
    midi.instruments[0].notes.clear()
    midi.adjust_times([0, 1], [0, 2])
    assert write_midi(track) == before


@pytest.mark.parametrize("text", ["Schläger", "ドラム"])
def test_texts_of_any_script_go_there_and_back(text):
    track = empty_track(name=text)
    track = track.with_notes([track.note(0, 10, 36, 100)])
    track = read_midi(write_midi(track, text), "a.mid")
    midi = track.to_pretty_midi()
    assert [line.text for line in midi.text_events] == [text]
    assert midi.instruments[0].name == text
    assert text in [part.name for part in Track.from_pretty_midi(midi).parts]


def test_smpte_time_keeps_its_seconds():
    track = read_midi(midi_files.SOUND["29.97 frames"], "a.mid")
    midi = track.to_pretty_midi()
    assert midi.instruments[0].notes[-1].start == track.notes[-1].onset_seconds
    assert midi.tick_to_time(track.end_ticks) == pytest.approx(track.seconds, rel=1e-5)


def test_what_pretty_midi_cannot_hold_is_refused():
    with pytest.raises(BadDataError, match="common time"):
        read_midi(midi_files.SOUND["format 2"], "a.mid").to_pretty_midi()
    with pytest.raises(BadDataError, match="10,000,000 ticks"):
        empty_track(end_ticks=10_000_000).to_pretty_midi()
