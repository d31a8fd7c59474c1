from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from drumkit_cli.bands.instruments import Note
from drumkit_cli.bands.midi_songs import Song
from drumkit_cli.errors import MissingInputError
from drumkit_cli.learning import training
from drumkit_cli.learning.checkpoint import load_weights
from drumkit_cli.listening.bar_features import DRUM_FEATURES, FEATURES
from drumkit_cli.listening.ear import Listener
from drumkit_cli.transcribe import train
from drumkit_cli.transcribe.training import bars, takes
from drumkit_cli.transcribe.training.music import Music
from drumkit_cli.transcribe.training.two_beat import _PATTERNS, with_two_beat_drums
from tests.listening.tiny import DEAF_TO_BARS, write_tiny_ear
from tests.transcribe.tiny import write_takes


@pytest.fixture(autouse=True)
def short_takes(monkeypatch):
    monkeypatch.setattr(bars, "FEWEST_BEATS", 8)


@pytest.fixture
def run(tmp_path):
    return training.Run(
        folder=tmp_path / "run",
        output=write_tiny_ear(tmp_path / "transcribe.safetensors", DEAF_TO_BARS),
        time_limit_seconds=0.3,
        preset="tiny-bars",
        threads=1,
    )


@pytest.fixture
def task(tmp_path, run):
    loaded = takes.load_takes(write_takes(tmp_path / "takes"))
    ear = bars.ear_to_extend(run.output)
    return bars.BarTask(training.start(run), train.BAR_PRESETS["tiny-bars"], ear, loaded, seed=0)


def music(meter):
    beats = np.array([[0.5 * n, n % meter + 1] for n in range(24)])
    drums = tuple(Note(float(at), 0.1, 49, 90) for at in beats[:, 0])
    return Music(Song(drums, (), (), 12.0), beats)


@pytest.mark.parametrize("pattern", range(len(_PATTERNS)))
def test_two_beat_drums_are_the_same_every_second_beat(monkeypatch, pattern):
    class Chosen:
        def integers(self, _count):
            return pattern

        def normal(self, _mean, _spread):
            return 0.0

    made = with_two_beat_drums(music(4), Chosen()).song.drums
    assert len(made) >= 24
    for start in (2, 4):
        pieces = [
            sorted((round(note.onset_seconds - begin, 3), note.pitch) for note in made
                   if begin - 1e-9 <= note.onset_seconds < begin + 1 - 1e-9)
            for begin in (0, start)
        ]  # fmt: skip
        assert pieces[0] == pieces[1]


def test_waltzes_keep_their_drums():
    waltz = music(3)
    assert with_two_beat_drums(waltz, np.random.default_rng(0)) is waltz


def test_each_take_is_heard_in_two_mixes(tmp_path, run):
    loaded = takes.load_takes(write_takes(tmp_path / "takes"))
    songs = bars.bar_songs(loaded[:1], Listener(load_weights("transcribe", str(run.output))), 0)
    assert [song.features.shape for song in songs] == [(8, FEATURES)] * 2
    assert songs[0].is_first.tolist() == [True, False, False, False] * 2
    assert not np.array_equal(songs[0].features, songs[1].features)


def test_takes_without_beats_are_missing(tmp_path, run):
    loaded = [replace(t, beats=t.beats[:3]) for t in takes.load_takes(write_takes(tmp_path / "t"))]
    with pytest.raises(MissingInputError, match="no takes"):
        bars.bar_songs(loaded, Listener(load_weights("transcribe", str(run.output))), 0)


def test_a_mix_without_drums_is_the_band_alone(tmp_path, run):
    take = takes.load_takes(write_takes(tmp_path / "takes"))[0]
    listener = Listener(load_weights("transcribe", str(run.output)))
    heard = bars.heard_in_mix(take, listener, -np.inf, 0.0)
    np.testing.assert_allclose(heard.pitches, take.pitches[1], atol=1)


def test_batches_end_with_the_song_and_lack_some_features(task):
    lacking = {"drums": 0, "similarities": 0}
    for features, targets, weights in islice(task.batches(0), 20):
        assert features.shape == (4, 16, FEATURES)
        assert (weights.sum(1) == 8).all()
        assert (targets[weights == 0] == 0).all()
        for row in features:
            lacking["drums"] += bool((row[:8, :DRUM_FEATURES].std(0) == 0).all())
            lacking["similarities"] += bool((row[:8, DRUM_FEATURES:].std(0) == 0).all())
    assert 8 < lacking["drums"] < 45
    assert 1 <= lacking["similarities"] < 25


def test_a_step_trains_every_layer(task):
    before = [p.detach().clone() for p in task.models["network"].parameters()]
    for batch in islice(task.batches(0), 3):
        assert np.isfinite(list(task.step(batch, 0.5).values())).all()
    after = task.models["network"].parameters()
    assert not any((p == q).all() for p, q in zip(before, after, strict=True))


def test_an_ear_gets_bars_and_stays_the_same(tmp_path, run):
    ear = load_weights("transcribe", str(run.output))
    train.train(write_takes(tmp_path / "takes"), run)
    extended = load_weights("transcribe", str(run.output))
    for name, value in ear.tensors.items():
        kept = extended.tensors[name]
        np.testing.assert_array_equal(kept, value.astype(kept.dtype))
    assert extended.graphs["hear"] == ear.graphs["hear"]
    likely = Listener(extended).downbeats(np.zeros((5, FEATURES), np.float32))
    assert likely.shape == (5,)
    assert ((likely > 0) & (likely < 1)).all()
    assert 0 <= extended.card["bars"]["F downbeats"] <= 1


def test_bars_without_an_ear_are_refused(tmp_path, run):
    missing = replace(run, output=tmp_path / "nothing.safetensors")
    with pytest.raises(MissingInputError, match="no ear"):
        train.train(write_takes(tmp_path / "takes"), missing)
