import numpy as np
import pytest

from drumkit_cli.listening.hits import Hit
from drumkit_cli.midi.files import read_midi, write_midi
from drumkit_cli.transcribe.drum_track import drum_track, midi_velocity

BEATS = np.stack([np.arange(0.3, 8, 0.6), np.arange(13) % 4 + 1], 1)
HITS = [
    Hit(0.3, 0, 1.0, 0.9),
    Hit(0.61, 2, 0.5, 0.9),
    Hit(0.9, 1, 0.02, 0.9),
    Hit(1.234, 3, 0.3, 0.9),
    Hit(2.0, 4, 0.7, 0.9),
    Hit(7.97, 5, 0.0, 0.9),
]


def test_hits_are_written_where_they_are_heard():
    track = read_midi(write_midi(drum_track(HITS, BEATS, 8.0)), "drums")
    assert [note.pitch for note in track.notes] == [36, 42, 38, 46, 47, 49]
    np.testing.assert_allclose(
        [note.onset_seconds for note in track.notes], [h.seconds for h in HITS], atol=0.002
    )
    assert [note.velocity for note in track.notes] == [127, 64, 3, 38, 89, 1]
    assert all(note.drum for note in track.notes)
    assert track.seconds == pytest.approx(8.0, abs=0.002)


def test_no_note_outlasts_the_song_or_the_next_of_its_drum():
    hits = [Hit(1.0, 0, 0.5, 0.9), Hit(1.03, 0, 0.5, 0.9), Hit(3.0, 0, 0.5, 0.9)]
    track = drum_track(hits, BEATS, 3.0)
    first, second, last = track.notes
    assert first.onset_ticks + first.duration_ticks <= second.onset_ticks
    assert last.onset_ticks + last.duration_ticks <= track.end_ticks
    assert min(note.duration_ticks for note in track.notes) >= 1


@pytest.mark.parametrize("quantize", [4, 8, 12, 16])
def test_quantized_hits_lie_on_the_grid_and_the_louder_of_two_stays(quantize):
    hits = [*HITS, Hit(0.92, 1, 0.4, 0.9)]
    track = drum_track(hits, BEATS, 8.0, quantize)
    grid = 4 * track.division // quantize
    assert all(n.onset_ticks % grid == 0 for n in track.notes if n.onset_seconds < 7.9)
    assert [n.velocity for n in track.notes if n.pitch == 38][-1] == 51


def test_no_hits_are_an_empty_track_of_the_songs_length():
    track = drum_track([], np.zeros((0, 2)), 2.5)
    assert (track.notes, track.seconds, track.tempo_bpm) == ((), 2.5, 120)


@pytest.mark.parametrize(("velocity", "midi"), [(0, 1), (0.5, 64), (1, 127), (1.2, 127)])
def test_velocities_are_within_midis_range(velocity, midi):
    assert midi_velocity(velocity) == midi
