import numpy as np
import pytest
import soundfile
from lightning_fabric import Fabric

from drumkit_cli.bands.instruments import RATE
from drumkit_cli.separate.recordings import Recording, part, recordings_of_run

FABRIC = Fabric(accelerator="cpu", devices=1)


def write(path, frequency=220.0, seconds=2, rate=44_100, level=0.01):
    path.parent.mkdir(parents=True, exist_ok=True)
    time = np.arange(seconds * rate) / rate
    soundfile.write(path, level * np.sin(2 * np.pi * frequency * time), rate)


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    for stem in ("drums", "bass", "other", "vocals", "kick"):
        write(folder / "evr-stems" / "whole" / f"{stem}.flac")
        write(folder / "evr-stems" / "5.Rubidium" / f"{stem}.flac")
    for stem in ("drums", "other", "vocals"):
        write(folder / "lmms-stems" / "bass inside other" / f"{stem}.flac")
    for name in ("clean", "doubtful"):
        write(folder / "guitar-stems" / f"{name}.flac")
    index = "path,guitar_only\nclean.flac,yes\ndoubtful.flac,low end\n"
    (folder / "guitar-stems" / "index.csv").write_text(index)
    for name in ("a", "b"):
        write(folder / "voice-notes" / f"{name}.flac")
    index = "file,ensemble,voice\na.flac,choir,female\nb.flac,choir,female\n"
    (folder / "voice-notes" / "index.csv").write_text(index)
    return folder


def test_songs_guitars_and_notes_are_read_and_the_held_out_song_is_not(data, tmp_path):
    recordings = recordings_of_run(data, tmp_path / "run", FABRIC)
    assert [tuple(one.stems) for one in recordings] == [
        ("drums", "bass", "other", "vocals"), ("drums", "vocals"), ("guitar",), ("notes",),
    ]  # fmt: skip
    assert [len(next(iter(one.stems.values()))) // RATE for one in recordings] == [2, 2, 2, 4]


def test_recordings_are_of_one_rate_and_level(data, tmp_path):
    drums = recordings_of_run(data, tmp_path / "run", FABRIC)[0].stems["drums"] / 32_768
    spectrum = np.abs(np.fft.rfft(drums))
    assert np.argmax(spectrum) * RATE / len(drums) == pytest.approx(220, abs=1)
    assert 20 * np.log10(drums.std()) == pytest.approx(-26, abs=0.2)


def test_recordings_are_decoded_once(data, tmp_path):
    recordings_of_run(data, tmp_path / "run", FABRIC)
    array = tmp_path / "run" / "guitar-stems--clean--guitar.npy"
    np.save(array, np.zeros(9, np.int16))
    assert len(recordings_of_run(data, tmp_path / "run", FABRIC)[2].stems["guitar"]) == 9


def test_data_without_recordings_has_none(tmp_path):
    assert recordings_of_run(tmp_path, tmp_path / "run", FABRIC) == []


def test_the_ends_of_recordings_are_held_out():
    whole = [Recording({"drums": np.arange(100, dtype=np.int16)})]
    train, held_out = (part(whole, validation=v)[0].stems["drums"] for v in (False, True))
    np.testing.assert_array_equal(np.concatenate([train, held_out]), np.arange(100))
    assert 5 < len(held_out) < 20
