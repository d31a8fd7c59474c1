import numpy as np
import pytest

from drumkit_cli.errors import BadDataError
from drumkit_cli.kick.context import context_of_sound, context_of_track, strength_of
from drumkit_cli.kick.curves import INPUTS, standardised
from drumkit_cli.spectral.onset_strength import FRAME_RATE
from tests.kick.tiny import song_track


def row(context, name):
    return context.curves[INPUTS.index(name)]


def frames_of(curve, threshold=1.0):
    peaks = (curve[1:-1] >= curve[:-2]) & (curve[1:-1] > curve[2:]) & (curve[1:-1] > threshold)
    return np.flatnonzero(peaks) + 1


def test_a_song_has_curves_of_its_notes_and_beats():
    context = context_of_track(song_track(bars=2), "song")
    assert context.seconds == 4.0
    assert context.curves.shape == (4, 1 + int(4 * FRAME_RATE))
    np.testing.assert_allclose(context.curves.mean(1), 0, atol=1e-5)
    snares = frames_of(row(context, "snare"))
    np.testing.assert_allclose(snares / FRAME_RATE, [0.5, 1.5, 2.5, 3.5], atol=0.025)
    assert len(frames_of(row(context, "bass"))) == 16
    assert len(frames_of(row(context, "beat"))) == 7  # and the one at 0, where a curve begins
    np.testing.assert_allclose(frames_of(row(context, "downbeat")) / FRAME_RATE, [2], atol=0.01)
    assert len(frames_of(context.kick)) == 4


def test_given_beats_stand_for_those_of_the_meters():
    given = context_of_track(
        song_track(), "song", (np.arange(0.25, 8, 0.6), np.arange(0.25, 8, 2.4))
    )
    beats = frames_of(row(given, "beat")) / FRAME_RATE
    np.testing.assert_allclose(beats, np.arange(0.25, 8, 0.6)[: len(beats)], atol=0.01)


@pytest.mark.parametrize("part", ["bass", "snare"])
def test_a_song_without_one_of_them_is_refused(part):
    with pytest.raises(BadDataError, match=f"song.mid has no {part}"):
        context_of_track(song_track(**{part: False}), "song.mid")


def test_without_both_there_is_nothing_to_play_to():
    assert context_of_track(song_track(bass=False, snare=False), "song").is_silent
    nothing = song_track(bars=0)
    assert context_of_track(nothing, "song").is_silent


def test_a_track_that_is_named_bass_is_the_bass():
    from dataclasses import replace

    song = song_track()
    notes = [replace(note, program=81) if not note.drum else note for note in song.notes]
    other = replace(song.with_notes(notes))
    with pytest.raises(BadDataError, match="no bass"):
        context_of_track(other, "song")
    named = replace(other, parts=(replace(other.parts[0], name="Synth Bass"),))
    assert not context_of_track(named, "song").is_silent


def test_one_silent_stem_is_refused_and_two_are_silence():
    loud, silent = np.full(100, 5.0, np.float32), np.zeros(100, np.float32)
    beats = np.array([0.0, 0.5, 1.0]), np.array([0.0])
    with pytest.raises(BadDataError, match="no snare is heard"):
        context_of_sound(silent, loud, beats, 1.0, "song")
    with pytest.raises(BadDataError, match="no bass is heard"):
        context_of_sound(loud, silent, beats, 1.0, "song")
    assert context_of_sound(silent, silent, beats, 1.0, "song").is_silent


def test_sound_of_another_rate_has_the_same_curve():
    time = np.arange(2 * 44_100) / 44_100
    sound = (np.sin(2 * np.pi * 200 * time) * np.exp(-10 * (time % 0.5))).astype(np.float32)
    curves = [
        standardised(strength_of([part], rate))
        for part, rate in ((sound, 44_100), (sound[::2], 22_050))
    ]
    assert len(curves[0]) == len(curves[1])
    assert np.corrcoef(curves)[0, 1] > 0.99
