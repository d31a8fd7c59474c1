import numpy as np
import pytest

from drumkit_cli.listening.bar_features import (
    DRUM_FEATURES,
    FEATURES,
    LAGS,
    Heard,
    beat_features,
    keep,
    near,
)
from drumkit_cli.listening.levels import FRAME_RATE, MEL, PITCH, PITCH_FRAMES

BEAT_FRAMES = 50
BEATS = 16


def silence(beats=BEATS):
    frames = beats * BEAT_FRAMES
    return Heard(
        np.zeros((frames, 8), np.float32),
        np.zeros((frames, 4), np.uint8),
        np.zeros((frames // PITCH_FRAMES, MEL.mels), np.uint8),
        np.zeros((frames // PITCH_FRAMES, PITCH.mels), np.uint8),
    )


def beats(count=BEATS):
    return np.arange(count) * BEAT_FRAMES / FRAME_RATE


def similarities(features, kind):
    """Of bass (0), harmony (1), timbre (2) or rhythm (3)."""
    start = DRUM_FEATURES + kind * len(LAGS)
    return features[:, start : start + len(LAGS)]


def test_silence_and_a_single_beat_have_finite_features():
    assert (beat_features(silence(), beats()) == 0).all()
    assert beat_features(silence(1), beats(1)).shape == (1, FEATURES)


@pytest.mark.parametrize(("kind", "pitch"), [(0, 4), (1, 30)])
def test_a_note_a_bar_is_like_the_one_four_beats_before(kind, pitch):
    heard = silence()
    each = BEAT_FRAMES // PITCH_FRAMES
    for beat in range(BEATS):
        heard.pitches[beat * each : (beat + 1) * each, pitch + beat % 4] = 90
    found = similarities(beat_features(heard, beats()), kind)
    expected = np.tile([0, 0, 0, 1.0, 0, 0, 0, 1], (8, 1))
    np.testing.assert_allclose(found[8:], expected, atol=1e-6)
    assert (found[0] == 0).all()


def test_notes_an_octave_apart_are_alike():
    heard = silence()
    heard.pitches[: BEAT_FRAMES // PITCH_FRAMES, 30] = 90
    heard.pitches[BEAT_FRAMES // PITCH_FRAMES :, 42] = 90
    assert similarities(beat_features(heard, beats()), 1)[1, 0] == pytest.approx(1)


def test_drums_are_seen_at_each_quarter_of_a_beat():
    heard = silence()
    heard.activations[:: 2 * BEAT_FRAMES, 0] = 0.75
    heard.activations[round(1.5 * BEAT_FRAMES), 1] = 0.5
    features = beat_features(heard, beats())
    assert features[:4, 0].tolist() == [0.75, 0, 0.75, 0]
    assert features[:4, 2 * 7 + 1].tolist() == [0, 0.5, 0, 0]
    assert similarities(features, 3)[2].tolist()[:2] == pytest.approx([0, 1])


def test_the_highest_of_the_frames_around_is_near():
    curve = np.array([[0], [1], [0], [0], [0], [3], [0]], np.uint8)
    assert near(curve, np.array([[2, 4], [0, 6]]) / FRAME_RATE)[..., 0].tolist() == [[1, 3], [1, 3]]


def test_blocks_are_kept_as_the_whole_is():
    generator = np.random.default_rng(0)
    levels = generator.random((95, MEL.mels), np.float32)
    activations = generator.random((95, 14), np.float32)
    whole = keep(levels, levels[0], activations)
    parts = [
        keep(levels[a:b], levels[max(a - 1, 0)], activations[a:b]) for a, b in ((0, 40), (40, 95))
    ]
    for array, pieces in zip(whole, zip(*parts, strict=True), strict=True):
        np.testing.assert_array_equal(array, np.concatenate(pieces))
    assert [len(array) for array in whole] == [95, 95, 10]
