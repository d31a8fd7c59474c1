import json

import numpy as np
import pytest
import soundfile

from drumkit_cli import cli
from drumkit_cli.audio.wav import WavWriter
from drumkit_cli.midi.files import read_midi
from drumkit_cli.transcribe.texts import beat_text
from tests.listening.tiny import write_tiny_ear

RATE = 22_050


@pytest.fixture(autouse=True)
def weights(tmp_path, monkeypatch):
    path = write_tiny_ear(tmp_path / "transcribe.safetensors")
    monkeypatch.setenv("DRUMKIT_WEIGHTS", str(path))


def noise(seconds, seed=0, channels=2):
    rng = np.random.default_rng(seed)
    return rng.normal(0, 0.1, (channels, int(seconds * RATE))).astype(np.float32)


def write(path, samples):
    soundfile.write(path, samples.T, RATE, subtype="FLOAT")
    return str(path)


def write_stems(path, stems):
    """A stems stream of stems `[2, N]` by name."""
    names = tuple(f"{stem}.{side}" for stem in stems for side in "LR")
    samples = np.concatenate(list(stems.values()))
    with (
        path.open("wb") as sink,
        WavWriter(sink, RATE, len(names), frames=samples.shape[1], track_names=names) as writer,
    ):
        writer.write(samples)
    return str(path)


def run(tmp_path, *arguments, suffix=".mid"):
    output = tmp_path / f"out{suffix}"
    assert cli.run(["transcribe", "-q", *arguments, "-o", str(output)]) == 0
    return output.read_bytes()


def test_midi_has_the_songs_length_and_says_how_it_was_made(tmp_path):
    data = run(tmp_path, write(tmp_path / "a.wav", noise(3)))
    assert read_midi(data, "out").seconds == pytest.approx(3, abs=0.002)
    assert b"weights sha256" in data
    assert b"sha256" not in run(tmp_path, str(tmp_path / "a.wav"), "--no-provenance")


def test_a_lower_threshold_gives_more_hits(tmp_path):
    path = write(tmp_path / "a.wav", noise(3))
    few, many = (
        len(read_midi(run(tmp_path, path, "--threshold", share), "out").notes)
        for share in ("0.9", "0.3")
    )
    assert few < many


def test_three_voices_are_three_pitches(tmp_path):
    path = write(tmp_path / "a.wav", noise(3))
    data = run(tmp_path, path, "--threshold", "0.3", "--voices", "3")
    assert {note.pitch for note in read_midi(data, "out").notes} <= {36, 38, 42}


def test_hits_of_a_stems_stream_come_from_its_drums(tmp_path):
    drums, bass = noise(3, 1), noise(3, 2)
    alone = write(tmp_path / "drums.wav", drums)
    stems = write_stems(tmp_path / "stems.wav", {"drums": drums, "bass": bass})
    one, other = (
        json.loads(run(tmp_path, path, "--json", "--threshold", "0.5", suffix=".json"))
        for path in (alone, stems)
    )
    assert one["hits"] == other["hits"]
    mix = write(tmp_path / "mix.wav", drums + bass)
    of_mix = json.loads(run(tmp_path, mix, "--json", suffix=".json"))
    assert other["beats"] == of_mix["beats"]


def test_beats_are_text(tmp_path):
    path = write(tmp_path / "a.wav", noise(5))
    value = json.loads(run(tmp_path, path, "--json", suffix=".json"))
    text = run(tmp_path, path, "--beats", suffix=".txt").decode()
    assert text == beat_text(np.array(value["beats"]).reshape(-1, 2))


def test_a_picture_is_drawn_beside_the_midi(tmp_path):
    pytest.importorskip("matplotlib")
    picture = tmp_path / "a.png"
    run(tmp_path, write(tmp_path / "a.wav", noise(3)), "--plot", str(picture))
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_several_inputs_make_files_in_a_folder(tmp_path):
    paths = [write(tmp_path / f"{name}.wav", noise(1)) for name in "ab"]
    folder = tmp_path / "made"
    assert cli.run(["transcribe", "-q", *paths, "-o", str(folder)]) == 0
    assert sorted(path.name for path in folder.glob("[!.]*")) == ["a.mid", "b.mid"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--voices", "4"], "not one of 3, 6"),
        (["--beats", "--json"], "two outputs"),
        (["--beats", "-o", "a.mid"], "cannot write .mid"),
    ],
)
def test_wrong_usage_is_told(tmp_path, capsys, arguments, message):
    path = write(tmp_path / "a.wav", noise(1))
    assert cli.run(["transcribe", path, *arguments]) == 2
    assert message in capsys.readouterr().err


def test_a_stems_stream_without_drums_is_bad_data(tmp_path, capsys):
    path = write_stems(tmp_path / "stems.wav", {"bass": noise(1), "other": noise(1)})
    assert cli.run(["transcribe", path]) == 65
    assert "holds no drums" in capsys.readouterr().err
