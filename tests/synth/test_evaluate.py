import numpy as np
import pytest
import soundfile

from drumkit_cli.learning.checkpoint import load_weights
from drumkit_cli.sounds.classes import CLASSES
from drumkit_cli.sounds.drum_synth import DrumSynth
from drumkit_cli.synth import data, evaluate, metrics
from drumkit_cli.synth.training import classifier
from drumkit_cli.synth.training.high_band_fit import high_band_distances
from tests.synth.tiny import write_one_shots, write_tiny_synth


def test_distances_have_known_values():
    real = np.full((2, 4, 3), 0.5, np.float32)
    assert metrics.log_mel_distance(real, real + 0.1) == pytest.approx(8, rel=1e-4)
    assert metrics.spectral_convergence(real, real) == 0
    # 20 log10(2) dB more is twice the magnitude.
    twice = real + np.float32(20 * np.log10(2) / 80)
    assert metrics.spectral_convergence(real, twice) == pytest.approx(1, rel=1e-3)


def test_diversity_is_the_mean_distance_of_pairs():
    points = np.array([[0, 0], [3, 4], [0, 0]], np.float32)
    assert metrics.diversity(points) == pytest.approx(10 / 3)
    assert metrics.diversity(points[:1]) == 0


def test_the_classifier_learns_classes_and_a_seed_gives_the_same_one(tmp_path):
    folder = write_one_shots(tmp_path / "oneshots", per_split=4)
    train, test = (data.load_sounds(folder, split) for split in ("train", "test"))
    trained = classifier.train_classifier(train, steps=60, per_class=12)
    first, again = (classifier.train_classifier(train, steps=3, per_class=2) for _ in range(2))
    levels = data.images_of(test.samples)
    assert (trained.classes(levels) == test.classes).mean() > 3 / len(CLASSES)
    assert np.array_equal(first.embed(levels), again.embed(levels))
    assert first.classes(levels, among=3).max() < 3


def test_the_table_has_every_part(tmp_path, monkeypatch):
    for name in ("TIMED", "ONE_SHOTS", "KITS"):
        monkeypatch.setattr(evaluate, name, 1)
    folder = write_one_shots(tmp_path / "oneshots", per_split=1)
    weights = write_tiny_synth(tmp_path / "weights")
    table = evaluate.measure(
        folder, str(weights), "valid", generated=2, classifier_steps=2, classifier_pool=2
    )
    parts = [row[:2] for row in table.rows]
    assert parts[0] == ["CWAE", "alone"]
    for part in ("inversion", "both"):
        for inverter in ("spectral", "mcnn", "griffin-lim"):
            assert [part, inverter] in parts
    for name in CLASSES:
        assert ["generated", name] in parts
    assert ["one-shot", "median"] in parts
    assert ["one-shot", "99th percentile"] in parts
    assert ["MIDI", "onset F within 3 ms"] in parts
    figures = {
        (part, method): dict(zip(table.columns[2:], values, strict=True))
        for part, method, *values in table.rows
    }
    both, generated = figures["both", "spectral"], figures["generated", "mean of the eleven"]
    assert all(both[name] > 0 for name in ("convergence", "log-mel dB", "ms"))
    assert generated["real"] == figures["real", "mean of the eleven"]["accuracy"]
    assert figures["reconstructed", "all of the eleven"]["Frechet"] > 0
    assert "weights" in table.notes[-1]
    kick = figures["generated", "kick"]
    assert kick["attack ms"] >= 0
    assert kick["real ms"] > 0
    assert kick["levels"] >= 0
    assert ["above 11 kHz", "rebuilt"] not in parts  # no sounds of full rate are there


def test_the_band_above_is_measured_on_sounds_of_full_rate_beside_the_folder(tmp_path):
    folder = tmp_path / "oneshots-44k"
    folder.mkdir()
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 9000)
    for name in ("a", "b"):
        soundfile.write(folder / f"{name}.wav", noise, 44_100)
    (folder / "index.csv").write_text(
        "file,class,split,original_rate\na.wav,snare,test,44100\nb.wav,snare,test,22050\n"
    )
    weights = write_tiny_synth(tmp_path / "weights")
    synth = DrumSynth(load_weights("synth", str(weights)))
    found = high_band_distances(synth, tmp_path / "oneshots", "test")
    assert list(found) == ["from real below", "rebuilt"]
    assert all(0 < distance < 80 for distance in found.values())


def test_a_sound_of_each_class_is_drawn(tmp_path):
    folder = write_one_shots(tmp_path / "oneshots", per_split=1)
    figure = evaluate.draw(folder, str(write_tiny_synth(tmp_path / "weights")))
    assert len(figure.axes) == 4 * len(CLASSES)
