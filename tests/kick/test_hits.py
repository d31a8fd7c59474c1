from dataclasses import replace

import numpy as np
import pytest

from drumkit_cli.kick.hits import kick_track, likeness, mixed_track, most_varied, render_hits
from drumkit_cli.midi.files import read_midi, write_midi
from tests.kick.tiny import song_track

HITS = (np.array([0.0, 0.5, 1.7]), np.array([1.0, 0.7, 0.85]))


def test_hits_become_notes_at_their_times_in_the_songs_tempo():
    song = song_track(tempo_bpm=97)
    track = read_midi(write_midi(kick_track(song, HITS)), "kick")
    np.testing.assert_allclose([note.onset_seconds for note in track.notes], HITS[0], atol=2e-3)
    assert [note.velocity for note in track.notes] == [127, 89, 108]
    assert {(note.pitch, note.channel) for note in track.notes} == {(36, 9)}
    assert track.tempi == song.tempi
    assert track.end_ticks == song.end_ticks


def test_tempi_and_meters_of_several_parts_come_together():
    song = song_track(tempo_bpm=90)
    (part,) = song.parts
    twice = replace(song, parts=(part, part), format=1)
    assert kick_track(twice, HITS).tempi == song.tempi


def test_a_mix_has_these_kicks_and_all_that_the_song_has_beside_its_own():
    song = song_track()
    mixed = mixed_track(song, HITS)
    kicks = [note for note in mixed.notes if note.drum and note.pitch == 36]
    others = [note for note in mixed.notes if note not in kicks]
    assert len(kicks) == 3
    assert others == [note for note in song.notes if not note.drum or note.pitch != 36]


def test_hits_in_one_tick_are_one_note_and_notes_do_not_overlap():
    track = kick_track(song_track(), (np.array([1.0, 1.0, 1.01]), np.array([0.7, 0.9, 0.8])))
    first, second = track.notes
    assert first.velocity == 114
    assert first.onset_ticks + first.duration_ticks <= second.onset_ticks


def test_a_one_shot_sounds_at_each_hit_by_its_level():
    sample = np.array([1.0, 0.5], np.float32)
    hits = (np.array([0.0, 0.005, 1.0]), np.array([1.0, 0.5, 1.0]))
    sound = np.concatenate(list(render_hits(hits, sample, 1000, 1001)))
    expected = np.zeros(1001)
    expected[[0, 1, 5, 6, 1000]] = [1, 0.5, 0.5, 0.25, 1]
    np.testing.assert_allclose(sound, expected)


def test_a_one_shot_goes_on_over_blocks():
    hits = (np.array([65_000 / 1000]), np.array([1.0]))
    blocks = list(render_hits(hits, np.ones(1000, np.float32), 1000, 70_000))
    assert len(blocks) == 2
    assert np.flatnonzero(np.concatenate(blocks)).tolist() == list(range(65_000, 66_000))


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [([], [], 1), ([1], [], 0), ([1, 2], [1.04, 2.06], 0.5), ([1, 2, 3], [1, 2, 3], 1)],
)
def test_likeness_is_the_f_measure_within_50_ms(one, other, expected):
    assert likeness(np.array(one, float), np.array(other, float)) == expected


def test_the_most_varied_tracks_are_unlike_each_other():
    same, half, none = np.array([1.0, 2.0]), np.array([1.0, 9.0]), np.array([5.0, 6.0])
    assert most_varied([same, same, half, none], 3) == [0, 2, 3]
    assert most_varied([same, same], 5) == [0, 1]
