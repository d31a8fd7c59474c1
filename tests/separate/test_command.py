import numpy as np
import pytest
import soundfile

from drumkit_cli import cli
from drumkit_cli.audio.reader import AudioReader
from drumkit_cli.io.streams import open_input
from drumkit_cli.separate import command, infer
from tests.separate.tiny import write_tiny_separator

RATE = 16_000


@pytest.fixture(autouse=True)
def _weights(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("weights")
    write_tiny_separator(folder / "separate.safetensors")
    monkeypatch.setenv("DRUMKIT_WEIGHTS", str(folder))


@pytest.fixture
def song(tmp_path):
    samples = np.random.default_rng(0).normal(0, 0.2, (2 * RATE, 2)).clip(-1, 1)
    path = tmp_path / "song.wav"
    soundfile.write(path, samples, RATE, subtype="FLOAT")
    return path


def run(*arguments):
    return cli.run(["separate", *map(str, arguments)])


def read(path):
    return soundfile.read(path, dtype="float32", always_2d=True)[0]


def test_the_stems_stream_names_its_channels_and_sums_to_the_mix(song, tmp_path):
    out = tmp_path / "stems.wav"
    assert run(song, "-o", out) == 0
    with open_input(str(out)) as source, AudioReader(source) as reader:
        assert reader.track_names == (
            "drums.L", "drums.R", "bass.L", "bass.R", "other.L", "other.R", "vocals.L", "vocals.R",
        )  # fmt: skip
        assert (reader.rate, reader.frames) == (RATE, 2 * RATE)
    stems = read(out)
    np.testing.assert_allclose(stems[:, 0::2].sum(1), read(song)[:, 0], atol=1e-5)


def test_a_folder_gets_a_file_a_stem(song, tmp_path):
    assert run(song, "-o", tmp_path / "out") == 0
    names = sorted(path.name for path in (tmp_path / "out" / "song").iterdir())
    assert names == ["bass.wav", "drums.wav", "other.wav", "vocals.wav"]


def test_the_template_names_the_files(song, tmp_path):
    assert run(song, "-o", tmp_path / "out", "--template", "{stem}/{song}.wav") == 0
    assert (tmp_path / "out" / "bass" / "song.wav").exists()


@pytest.mark.parametrize("stem", ["bass", "vocals"])
def test_two_stems_sum_to_the_mix(song, tmp_path, stem):
    assert run(song, "-o", tmp_path, "--two-stems", stem, "--template", "{stem}.wav") == 0
    total = read(tmp_path / f"{stem}.wav") + read(tmp_path / f"no_{stem}.wav")
    np.testing.assert_allclose(total, read(song), atol=1e-5)


@pytest.mark.parametrize("stem", ["drums", "vocals"])
def test_a_single_stem_has_the_channels_of_the_input(song, tmp_path, stem):
    assert run(song, "-o", tmp_path / "stem.wav", "--stem", stem) == 0
    assert read(tmp_path / "stem.wav").shape == (2 * RATE, 2)


def test_weights_of_three_stems_have_no_vocals(song, tmp_path, capfd):
    weights = write_tiny_separator(tmp_path / "three.safetensors", ("drums", "bass", "other"))
    assert run(song, "-o", tmp_path / "all.wav", "--weights", weights) == 0
    assert read(tmp_path / "all.wav").shape == (2 * RATE, 6)
    assert run(song, "-o", tmp_path / "v.wav", "--stem", "vocals", "--weights", weights) == 69
    assert "htdemucs" in capfd.readouterr().err
    assert not (tmp_path / "v.wav").exists()


def test_loud_stems_are_rescaled_by_one_gain_in_integer_files(tmp_path):
    loud = np.random.default_rng(0).normal(0, 1, (5 * RATE, 2))  # more than a block
    soundfile.write(tmp_path / "loud.wav", loud, RATE, subtype="FLOAT")
    arguments = [tmp_path / "loud.wav", "-o", tmp_path / "stems.wav", "--encoding", "pcm16"]
    assert run(*arguments) == 0
    mix = read(tmp_path / "stems.wav")[:, 0::2].sum(1)
    gain = np.dot(mix, loud[:, 0]) / np.dot(loud[:, 0], loud[:, 0])
    assert gain < 1
    np.testing.assert_allclose(mix, gain * loud[:, 0], atol=1e-3)
    assert np.abs(read(tmp_path / "stems.wav")).max() <= 1


def test_clamping_tells_how_many_samples_were_clipped(tmp_path, capfd):
    soundfile.write(tmp_path / "loud.wav", np.full((RATE, 1), 3.0), RATE, subtype="FLOAT")
    arguments = [tmp_path / "loud.wav", "-o", tmp_path / "s.wav", "--encoding", "pcm16"]
    assert run(*arguments, "--clip", "clamp") == 0
    assert "were clipped" in capfd.readouterr().err


def test_verbose_tells_the_null_depth(song, tmp_path, capfd):
    assert run("-v", song, "-o", tmp_path / "s.wav") == 0
    line = next(line for line in capfd.readouterr().err.splitlines() if "null depth" in line)
    assert float(line.split("null depth")[1].split()[0]) < -60


def test_separating_a_stems_stream_separates_its_mix(song, tmp_path):
    assert run(song, "-o", tmp_path / "once.wav") == 0
    assert run(tmp_path / "once.wav", "-o", tmp_path / "twice.wav") == 0
    mix = read(tmp_path / "twice.wav")[:, 0::2].sum(1)
    np.testing.assert_allclose(mix, read(song)[:, 0], atol=1e-4)


def test_the_same_command_writes_the_same_bytes(song, tmp_path):
    outputs = []
    for _ in range(2):
        assert run(song, "-o", tmp_path / "s.wav") == 0
        outputs.append((tmp_path / "s.wav").read_bytes())
    assert outputs[0] == outputs[1]
    assert b"drumkit" in outputs[0]
    assert run(song, "-o", tmp_path / "s.wav", "--no-provenance") == 0
    assert b"weights sha256" not in (tmp_path / "s.wav").read_bytes()


@pytest.mark.parametrize(
    "arguments",
    [
        ("--stem", "drums", "--two-stems", "bass"),
        ("--overlap", "2"),
        ("--segment", "0"),
        ("--model", "nope"),
        ("--template", "{nope}", "-o", "folder"),
    ],
)
def test_nonsense_is_a_usage_error(song, arguments):
    extra = () if "-o" in arguments else ("-o", "x.wav")
    assert run(song, *arguments, *extra) == 2


def test_the_command_overlaps_as_the_function_does():
    assert command.OVERLAP == infer.OVERLAP
