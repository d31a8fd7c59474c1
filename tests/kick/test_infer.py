import numpy as np
import pytest

from drumkit_cli.errors import BadDataError, UsageError
from drumkit_cli.kick.infer import as_code, kick
from tests.kick.tiny import song_track, write_tiny_kick


@pytest.fixture
def weights(tmp_path):
    return write_tiny_kick(tmp_path / "tiny.safetensors")


def places(track):
    return [(note.onset_ticks, note.velocity) for note in track.notes]


def test_a_seed_gives_the_same_kicks(weights):
    song = song_track()
    first, again, other = (kick(song, seed=seed, weights=weights) for seed in (1, 1, 2))
    assert places(first) == places(again) != places(other)
    assert {note.pitch for note in first.notes} == {36}
    assert all(0.69 * 127 < note.velocity <= 127 for note in first.notes)
    assert first.end_ticks == song.end_ticks


def test_a_code_is_what_a_seed_draws(weights):
    drawn = np.random.default_rng(5).standard_normal((1, 4))
    song = song_track()
    assert places(kick(song, code=drawn, weights=weights)) == places(
        kick(song, seed=5, weights=weights)
    )


def test_a_reference_decides_the_kick(weights):
    song = song_track()
    one = kick(song, like=song_track(tempo_bpm=90), weights=weights)
    assert places(one) == places(kick(song, like=song_track(tempo_bpm=90), seed=9, weights=weights))


def test_the_songs_own_kick_is_not_heard(weights):
    with_kick, without = (kick(song_track(kick=own), weights=weights) for own in (True, False))
    assert places(with_kick) == places(without)


def test_a_reference_without_a_kick_is_refused(weights):
    with pytest.raises(BadDataError, match="no kick to imitate"):
        kick(song_track(), like=song_track(kick=False), weights=weights)


def test_a_higher_threshold_plays_less(weights):
    few, many = (len(kick(song_track(), threshold=t, weights=weights).notes) for t in (0.9, 0.1))
    assert few < many


def test_silence_gives_silence(weights):
    assert not kick(song_track(bass=False, snare=False), weights=weights).notes


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan")])
def test_a_threshold_is_a_share(weights, threshold):
    with pytest.raises(UsageError, match="threshold"):
        kick(song_track(), threshold=threshold, weights=weights)


@pytest.mark.parametrize("code", [np.zeros(3), np.full(4, np.nan), np.full(4, 1e9)])
def test_what_is_no_code_is_refused(code):
    with pytest.raises(BadDataError, match="the code"):
        as_code(code, 4, "the code")
