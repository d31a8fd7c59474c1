import io

import numpy as np
import pytest
import soundfile

from drumkit_cli.arrange import evaluate
from drumkit_cli.errors import MissingInputError
from drumkit_cli.spectral import onsets
from tests.arrange.tiny import RATE, bass_line, write_tiny_arranger


def clicks(seconds, every=0.25):
    noise = np.random.default_rng(0).normal(0, 0.3, round(seconds * RATE))
    return (noise * np.exp(-40 * (np.arange(len(noise)) / RATE % every))).astype(np.float32)


def test_onsets_are_found_where_the_hits_are():
    frames = onsets.onset_frames(onsets.normalised_image(clicks(5)))
    found = frames * onsets.SECONDS_PER_FRAME
    truth = np.arange(0.25, 5, 0.25)
    f, _, _ = onsets.onset_scores(truth, found)
    assert f > 0.95


def test_no_onsets_in_silence_nor_in_a_steady_sound():
    assert not len(onsets.onset_frames(np.full((256, 100), -1, np.float32)))
    noise = np.random.default_rng(0).normal(0, 0.1, 3 * RATE).astype(np.float32)
    steady = onsets.onset_frames(onsets.normalised_image(noise)[:, 3:-3])
    assert len(steady) < 40
    assert onsets.onset_scores(np.zeros(0), np.zeros(0)) == (1, 1, 1)


def test_spectral_distance_is_zero_for_the_same_and_the_shift_for_a_louder_sound():
    image = np.random.default_rng(0).uniform(0, 0.5, (256, 400)).astype(np.float32)
    assert evaluate.spectral_distance([image], [image]) == pytest.approx(0, abs=1e-3)
    louder = image + 12 / evaluate.IMAGE_DECIBELS
    assert evaluate.spectral_distance([image], [louder]) == pytest.approx(6, rel=1e-3)
    silent = np.full((256, 10), -1, np.float32)
    assert np.isnan(evaluate.spectral_distance([image], [silent]))


def test_the_table_has_our_row_and_the_baselines(tmp_path):
    song = tmp_path / "data" / "song"
    song.mkdir(parents=True)
    buffer = io.BytesIO()
    soundfile.write(buffer, bass_line(8), RATE, format="WAV")
    (song / "bass.wav").write_bytes(buffer.getvalue())
    soundfile.write(song / "drums.flac", clicks(8, 0.5), RATE)
    for name in ("drums.mid", "drums.txt", "drums_room.wav"):  # no audio; and one too many
        (song / name).write_bytes(b"no sound")
    other = tmp_path / "data" / "midi only"
    other.mkdir()
    (other / "drums.mid").write_bytes(b"no sound")
    (song / "class.txt").write_text("".join(f"{t:.3f} \t KD \n" for t in np.arange(0.5, 8, 0.5)))
    (song / "beats.txt").write_text("".join(f"{t:.3f}\t1\n" for t in np.arange(0, 8, 0.5)))
    weights = write_tiny_arranger(tmp_path / "arrange.safetensors")
    table = evaluate.evaluate(tmp_path / "data", str(weights))
    means = {row[1]: row for row in table.rows if row[0] == "mean"}
    assert tuple(means) == evaluate.METHODS
    assert [row[0] for row in table.rows[4:]] == ["song"]
    f, on_beat = table.columns.index("F"), table.columns.index("on beat")
    # Every second eighth of the metronome is a hit: precision 1/2, recall 1.
    assert means["metronome, eighths"][f] == pytest.approx(2 / 3, abs=0.03)
    assert means["metronome, eighths"][on_beat] == 1
    assert means["the bass itself"][on_beat] > 0.8


def test_a_folder_without_songs_is_told(tmp_path):
    with pytest.raises(MissingInputError, match="no song folders"):
        evaluate.evaluate(tmp_path, None)
