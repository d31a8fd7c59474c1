import numpy as np
import pytest
import soundfile

from drumkit_cli.errors import BadDataError, MissingInputError
from drumkit_cli.separate.evaluate import evaluate, signal_to_distortion
from tests.separate.tiny import write_tiny_separator

RATE = 8000


def noise(seed, seconds=3):
    return np.random.default_rng(seed).normal(0, 0.1, (1, seconds * RATE)).astype(np.float32)


def test_sdr_is_the_level_of_the_added_noise():
    references = np.stack([noise(0), noise(1)])
    estimates = references + 0.1 * np.stack([noise(2), noise(3)])
    np.testing.assert_allclose(signal_to_distortion(references, estimates, RATE), 20, atol=1)


def test_sdr_minds_the_level_and_another_source():
    references = np.stack([noise(0), noise(1)])
    softer = signal_to_distortion(references, 0.5 * references, RATE)
    mixed = signal_to_distortion(references, references.sum(0, keepdims=True).repeat(2, 0), RATE)
    np.testing.assert_allclose(softer, 20 * np.log10(2), atol=0.01)
    np.testing.assert_allclose(mixed, 0, atol=1)


def write_song(folder, **lengths):
    folder.mkdir()
    for seed, stem in enumerate(("drums", "bass", "other", "vocals")):
        samples = noise(seed, lengths.get(stem, 3))
        soundfile.write(folder / f"{stem}.wav", samples.T, RATE)


def test_the_table_has_the_model_beside_both_baselines(tmp_path):
    write_song(tmp_path / "song")
    weights = write_tiny_separator(tmp_path / "separate.safetensors")
    table = evaluate(tmp_path, str(weights))
    assert [row[1] for row in table.rows] == [
        "built-in", "the mix itself", "librosa HPSS", "built-in",
    ]  # fmt: skip
    drums = dict(zip(table.columns, table.rows[1], strict=True))["drums"]
    assert drums == pytest.approx(10 * np.log10(1 / 3), abs=1)


def test_stems_of_different_lengths_are_bad_data(tmp_path):
    write_song(tmp_path / "song", bass=2)
    weights = write_tiny_separator(tmp_path / "separate.safetensors")
    with pytest.raises(BadDataError, match="differs from the other stems"):
        evaluate(tmp_path, str(weights))


def test_a_folder_without_songs_is_missing_input(tmp_path):
    with pytest.raises(MissingInputError, match="no song folders"):
        evaluate(tmp_path, None)
