"""The weights that ship, on the example song, whose notes its script knows."""

from pathlib import Path

import numpy as np
import pytest

from drumkit_cli.files import read_audio
from drumkit_cli.learning.checkpoint import load_weights
from drumkit_cli.listening.ear import Listener
from drumkit_cli.listening.peaks import match
from drumkit_cli.listening.voices import VOICES
from drumkit_cli.transcribe.drum_track import drum_track
from drumkit_cli.transcribe.infer import hear

SONG = Path(__file__).parents[2] / "examples" / "song.flac"
STEP_SECONDS = 60 / 118 / 4
BARS = 12


@pytest.fixture(scope="module")
def listener():
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("DRUMKIT_WEIGHTS", raising=False)
        return Listener(load_weights("transcribe"))


@pytest.fixture(scope="module")
def heard(listener):
    song, rate = read_audio(SONG)
    return hear([song.mean(0)], rate, listener)


def steps(*of_a_bar):
    """Seconds of sixteenths of every bar."""
    return np.sort([(16 * bar + step) * STEP_SECONDS for bar in range(BARS) for step in of_a_bar])


@pytest.mark.parametrize(
    ("voice", "played"), [("kick", (0, 6, 8, 11)), ("snare", (4, 12)), ("closed hat", (2, 6, 14))]
)
def test_the_song_s_drums_are_heard(heard, voice, played):
    found = [hit.seconds for hit in heard.hits if hit.voice == VOICES.index(voice)]
    assert len(match(found, steps(*played), 0.05)) > 0.7 * len(steps(*played))


def test_the_song_s_tempo_and_bars_are_heard(heard):
    track = drum_track(heard.hits, heard.beats, heard.seconds)
    assert track.tempo_bpm == pytest.approx(118, rel=0.01)
    bars = heard.beats[heard.beats[:, 1] == 1, 0]
    assert len(match(bars, steps(0), 0.07)) >= BARS - 2


def test_silence_has_neither_hits_nor_beats(listener):
    heard = hear([np.zeros(441_000, np.float32)], 44_100, listener)
    assert (heard.hits, len(heard.beats)) == ((), 0)


@pytest.mark.parametrize("hertz", [60, 440, 3000])
def test_a_sine_has_few_hits(listener, hertz):
    sine = 0.3 * np.sin(2 * np.pi * hertz * np.arange(10 * 44_100) / 44_100)
    assert len(hear([sine.astype(np.float32)], 44_100, listener).hits) <= 5
