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
    reference = noise(0)
    estimate = reference + 0.1 * noise(1)
    assert signal_to_distortion(reference, estimate, RATE) == pytest.approx(20, abs=0.1)


def test_sdr_minds_the_level():
    sdr = signal_to_distortion(noise(0), 0.5 * noise(0), RATE)
    assert sdr == pytest.approx(20 * np.log10(2), abs=1e-4)
    assert signal_to_distortion(noise(0), noise(0), RATE) == pytest.approx(120)


def test_sdr_is_the_median_of_the_seconds_in_which_all_stems_sound():
    reference, drums = noise(0, seconds=4), noise(1, seconds=4)
    gains = np.repeat([0.9, 0.5, 0.7, 0.2], RATE).astype(np.float32)
    drums[:, 3 * RATE :] = 0
    sdr = signal_to_distortion(reference, gains * reference, RATE, [drums])
    assert sdr == pytest.approx(-20 * np.log10(0.3), abs=1e-3)


def test_silence_has_no_sdr():
    assert np.isnan(signal_to_distortion(0 * noise(0), noise(0), RATE))


def write_song(folder, *, vocals=1.0, bass_seconds=3):
    folder.mkdir()
    for seed, stem in enumerate(("drums", "bass", "other", "vocals")):
        samples = noise(seed, bass_seconds if stem == "bass" else 3)
        samples *= vocals if stem == "vocals" else 1
        soundfile.write(folder / f"{stem}.wav", samples.T, RATE)


def test_the_table_has_the_model_beside_both_baselines(tmp_path):
    write_song(tmp_path / "song")
    weights = write_tiny_separator(tmp_path / "separate.safetensors")
    table = evaluate(tmp_path, str(weights))
    assert [row[1] for row in table.rows] == [
        "built-in", "the mix itself", "librosa HPSS", "built-in",
    ]  # fmt: skip
    mix = dict(zip(table.columns, table.rows[1], strict=True))
    alone, two = 10 * np.log10(1 / 3), 10 * np.log10(2 / 2)
    for stem in ("drums", "bass", "other", "vocals"):
        assert mix[stem] == pytest.approx(alone, abs=0.3)
    assert mix["other + vocals"] == pytest.approx(two, abs=0.3)


def test_songs_without_singing_have_no_figure_of_vocals(tmp_path):
    write_song(tmp_path / "song", vocals=0.0)
    weights = write_tiny_separator(tmp_path / "separate.safetensors")
    rows = evaluate(tmp_path, str(weights)).rows
    assert np.isnan(rows[1][5])
    assert rows[1][4] == rows[1][6]


def test_weights_of_three_stems_are_scored_on_what_they_make(tmp_path):
    write_song(tmp_path / "song")
    weights = write_tiny_separator(tmp_path / "w.safetensors", ("drums", "bass", "other"))
    first = evaluate(tmp_path, str(weights)).rows[0]
    assert np.isnan(first[4:6]).all()
    assert np.isfinite([first[2], first[3], first[6]]).all()


def test_stems_of_different_lengths_are_bad_data(tmp_path):
    write_song(tmp_path / "song", bass_seconds=2)
    weights = write_tiny_separator(tmp_path / "separate.safetensors")
    with pytest.raises(BadDataError, match="differs from the other stems"):
        evaluate(tmp_path, str(weights))


def test_a_folder_without_songs_is_missing_input(tmp_path):
    with pytest.raises(MissingInputError, match="no song folders"):
        evaluate(tmp_path, None)
