"""Commands that pipe into each other."""

import io
import json

import pytest
import soundfile

from drumkit_cli.midi.files import read_midi
from tests.contract import midi_files
from tests.contract.commands import RATE, SONG, song
from tests.contract.expect import assert_done, assert_refused


def test_separate_pipes_into_arrange(drumkit):
    stems = drumkit("separate", "--model", "built-in", stdin=SONG)
    drums = drumkit("arrange", stdin=stems.out)
    assert_done(drums)
    samples, rate = soundfile.read(io.BytesIO(drums.out), always_2d=True)
    assert (rate, len(samples)) == (RATE, song().shape[1])


def test_separate_pipes_into_arrange_and_that_into_score(drumkit, files):
    stems = drumkit("separate", "--model", "built-in", stdin=SONG)
    path = files("stems.wav", stems.out)
    drums = drumkit("arrange", stdin=stems.out)
    graded = drumkit("score", "--reference", path, "--bass", path, "--json", stdin=drums.out)
    assert_done(graded)
    value = json.loads(graded.out)
    assert 0 <= value["grade"] <= 9
    assert None not in value["parts"].values()


def test_separate_pipes_into_transcribe(drumkit):
    stems = drumkit("separate", "--model", "built-in", stdin=SONG)
    heard = drumkit("transcribe", "--threshold", "0.4", stdin=stems.out)
    assert_done(heard)
    track = read_midi(heard.out, "heard")
    assert track.seconds == pytest.approx(song().shape[1] / RATE, abs=0.002)
    assert track.notes
    played = drumkit("synth", "--length", "1", stdin=heard.out)
    assert_done(played)


def test_swirl_pipes_into_groove(drumkit):
    drums = drumkit("swirl", "--measures", "8", "--bpm", "96")
    played = drumkit("groove", "-", "--genre", "funk", stdin=drums.out)
    assert_done(played)
    track = read_midi(played.out, "played")
    assert track.tempo_bpm == pytest.approx(96)
    assert track.end_ticks == 8 * 4 * track.division


def test_swirl_pipes_into_interpolate(drumkit):
    drums = drumkit("swirl", "--measures", "8", "--bpm", "96")
    path = drumkit("interpolate", "-", "techno:1", "-n", "5", stdin=drums.out)
    assert_done(path)
    track = read_midi(path.out, "path")
    assert track.tempo_bpm == pytest.approx(96)
    assert track.end_ticks == 6 * 4 * 4 * track.division


def test_stdin_may_be_the_goal_of_interpolate(drumkit):
    data = midi_files.WHOLE
    to = drumkit("interpolate", "techno:1", "-", "--path", "crossfade", stdin=data)
    back = drumkit("interpolate", "-", "techno:1", "--path", "crossfade", stdin=data)
    assert_done(to)
    assert len(read_midi(to.out, "to").notes) == len(read_midi(back.out, "back").notes)
    assert_refused(drumkit("interpolate", "-", "-", stdin=data), 2, "only once")
