import numpy as np
import pytest

from drumkit_cli.errors import BadDataError, UsageError
from drumkit_cli.learning.checkpoint import load_weights
from drumkit_cli.listening.ear import Listener
from drumkit_cli.listening.hits import Hit
from drumkit_cli.transcribe.infer import hear, keep_voices, transcribe
from tests.listening.tiny import write_tiny_ear

RATE = 44_100


@pytest.fixture
def weights(tmp_path):
    return write_tiny_ear(tmp_path / "transcribe.safetensors")


def noise(*shape):
    return np.random.default_rng(0).normal(0, 0.1, shape).astype(np.float32)


def test_blocks_of_any_length_are_heard_alike(weights):
    listener = Listener(load_weights("transcribe", str(weights)))
    sound = noise(3 * RATE)
    whole = hear([sound], RATE, listener, threshold=0.5)
    parts = hear(np.array_split(sound, 17), RATE, listener, threshold=0.5)
    assert whole.seconds == parts.seconds == 3.0
    assert len(whole.hits) > 3
    assert [hit.voice for hit in whole.hits] == [hit.voice for hit in parts.hits]
    for one, other in zip(whole.hits, parts.hits, strict=True):
        assert one.seconds == pytest.approx(other.seconds, abs=1e-3)


def test_all_work_is_told_and_watched_once(weights):
    listener = Listener(load_weights("transcribe", str(weights)))
    told, watched = [], []
    for drums in (None, [noise(2 * RATE)]):
        told.clear()
        watched.clear()
        hear(
            [noise(2 * RATE)],
            RATE,
            listener,
            drums,
            advance=told.append,
            watch=lambda levels, _: watched.append(len(levels)),
        )
        assert sum(told) == pytest.approx(2, abs=0.02)
        assert sum(watched) == 201


def test_hits_come_from_the_drums_where_they_are_given(weights):
    song, drums = noise(2, RATE), noise(RATE)[::-1]
    alone = transcribe(drums, RATE, threshold=0.5, weights=weights)
    both = transcribe(song, RATE, drums=drums, threshold=0.5, weights=weights)
    assert [(n.pitch, n.velocity) for n in both.notes] == [
        (n.pitch, n.velocity) for n in alone.notes
    ]


def test_a_track_is_as_long_as_the_song(weights):
    for sound in (
        noise(12_345),
        noise(2, 8000),
        np.zeros(0, np.float32),
        np.zeros(100, np.float32),
    ):
        track = transcribe(sound, 8000, weights=weights)
        assert track.seconds == pytest.approx(sound.shape[-1] / 8000, abs=0.002)


def test_three_voices_are_kick_snare_and_hat():
    hits = [Hit(0.1 * voice, voice, 0.5, 0.9) for voice in range(6)]
    assert [hit.voice for hit in keep_voices(hits, 3)] == [0, 1, 2, 2]
    assert keep_voices(hits, 6) == hits


@pytest.mark.parametrize(
    "wrong", [{"voices": 4}, {"threshold": 1.5}, {"quantize": 0}, {"device": "tpu"}]
)
def test_an_argument_out_of_range_is_a_usage_error(wrong, weights):
    with pytest.raises(UsageError):
        transcribe(noise(100), 8000, weights=weights, **wrong)


def test_drums_of_another_length_are_bad_data(weights):
    with pytest.raises(BadDataError, match="length"):
        transcribe(noise(100), 8000, drums=noise(99), weights=weights)
