"""What `drumkit info` prints."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from drumkit_cli import cli
from drumkit_cli.audio.wav import wav_bytes
from drumkit_cli.io.provenance import Provenance
from tests import signals
from tests.contract import midi_files
from tests.swirl.tiny import write_tiny_drummer

ROOT = Path(__file__).resolve().parents[2]
SILENCE = np.zeros((1, 8000), np.float32)


@pytest.fixture
def in_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_sound_as_text(in_folder, capfdbinary):
    made = Provenance(3, "ab", "cd,ef", ("kick", "my song.wav"), "0.1.0")
    (in_folder / "a.wav").write_bytes(wav_bytes(SILENCE + 0.5, 8000, comment=made.comment()))
    assert cli.run(["info", "a.wav"]) == 0
    lines = capfdbinary.readouterr().out.decode().splitlines()
    assert [line.split("LUFS")[0] for line in lines if "loudness" not in line] == [
        "a.wav",
        "  kind      WAV, FLOAT",
        "  length    0:01.000, 8,000 samples",
        "  rate      8,000 Hz",
        "  channels  1",
        "  peak      -6.0 dBFS",
        "  made by   drumkit 0.1.0",
        "  command   drumkit kick 'my song.wav'",
        "  weights   ab",
        "  input     cd",
        "            ef",
        "  seed      3",
    ]


def test_midi_as_text(in_folder, capfdbinary):
    head = midi_files.tempo(90) + midi_files.tempo(180) + midi_files.meter(4, 4)
    lead = b"\0\xff\x03\4Lead\0\xc0\x21\0\x90\x24\x64\x60\x80\x24\0"
    data = midi_files.file(midi_files.track(head=head + lead))
    (in_folder / "a.mid").write_bytes(data)
    assert cli.run(["info", "a.mid"]) == 0
    assert capfdbinary.readouterr().out.decode() == (
        "a.mid\n"
        "  kind        MIDI, format 0\n"
        "  length      0:01.667\n"
        "  resolution  96 ticks a quarter note\n"
        "  tempo       180 bpm\n"
        "  meter       4/4\n"
        "  notes       7\n"
        "  tracks      1  7 notes  Lead  channel 1, 10, Electric Bass (finger)\n"
        "  drums       1  36  Bass Drum 1\n"
        "              2  38  Acoustic Snare\n"
        "              2  42  Closed Hi Hat\n"
        "              1  46  Open Hi Hat\n"
    )


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        (SILENCE, "-inf LUFS"),
        (SILENCE[:, :3000], "none below 0.4 s"),
        (signals.sine(8000, 1.0, hertz=997.0, gain=1.0), "-3.0 LUFS"),
    ],
)
def test_the_words_for_a_loudness(in_folder, capfdbinary, samples, words):
    (in_folder / "a.wav").write_bytes(wav_bytes(samples, 8000))
    assert cli.run(["info", "a.wav"]) == 0
    assert f"  loudness  {words}\n" in capfdbinary.readouterr().out.decode()


def test_json_has_null_for_no_level_and_nan(in_folder, capfdbinary):
    (in_folder / "a.wav").write_bytes(wav_bytes(SILENCE, 8000))
    assert cli.run(["info", "--json", "a.wav"]) == 0
    out = capfdbinary.readouterr().out
    assert b"Infinity" not in out
    told = json.loads(out)
    assert (told["file"], told["peak_dbfs"], told["loudness_lufs"]) == ("a.wav", None, None)


def test_a_bad_file_among_several_does_not_stop_the_rest(in_folder, capfdbinary):
    (in_folder / "bad").write_bytes(b"junk")
    (in_folder / "a.wav").write_bytes(wav_bytes(SILENCE, 8000))
    for option, count in (["--json"], 2), ([], 3):
        assert cli.run(["info", *option, "bad", "a.wav", "none", "a.wav"]) == 66
        told = capfdbinary.readouterr()
        assert told.err.decode().splitlines()[0].startswith("drumkit: error: bad is not audio")
        assert told.err.decode().splitlines()[-1].endswith("(2 of 4 inputs failed)")
        starts = [line for line in told.out.splitlines() if not line.startswith(b" ")]
        assert len(starts) == count, told.out


def test_a_folder_stands_for_what_is_in_it(in_folder, capfdbinary):
    (in_folder / "songs").mkdir()
    (in_folder / "songs" / "a").write_bytes(wav_bytes(SILENCE, 8000))
    (in_folder / "songs" / "b").write_bytes(midi_files.WHOLE)
    (in_folder / "songs" / "c").write_bytes(b"junk")
    assert cli.run(["info", "-r", "--json", "songs"]) == 0
    lines = capfdbinary.readouterr().out.splitlines()
    assert [json.loads(line)["kind"] for line in lines] == ["audio", "midi"]


def test_control_characters_of_a_file_do_not_reach_the_terminal(in_folder, capfdbinary):
    name = b"\0\xff\x03\4\x1b[2J"
    (in_folder / "a\x1b[2J").write_bytes(midi_files.file(midi_files.track(head=name)))
    assert cli.run(["info", "a\x1b[2J"]) == 0
    assert b"\x1b" not in capfdbinary.readouterr().out


def test_what_a_command_made_says_how(in_folder, capfdbinary):
    write_tiny_drummer(in_folder / "tiny.safetensors")
    line = ["swirl", "-q", "--weights", "tiny.safetensors", "--seed", "5", "-o", "it's; so.mid"]
    assert cli.run(line) == 0
    assert cli.run(["info", "--json", "it's; so.mid", "tiny.safetensors"]) == 0
    track, weights = map(json.loads, capfdbinary.readouterr().out.splitlines())
    (made,) = track["provenance"]
    assert made["arguments"] == line
    assert made["seed"] == 5
    assert made["weights_sha256"] == weights["sha256"]


def test_weights_come_through_a_pipe(in_folder):
    path = write_tiny_drummer(in_folder / "tiny.safetensors")
    command = [sys.executable, "-m", "drumkit_cli", "info", "--json"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, input=path.read_bytes(), env=environment, capture_output=True, check=True
    )
    assert json.loads(done.stdout)["feature"] == "swirl"


@pytest.mark.parametrize("option", ["--json", "-q"])
def test_a_card_from_a_stranger_is_told(in_folder, capfdbinary, option):
    card = '{"a": ' * 500 + "NaN" + "}" * 500
    metadata = {"feature": "x\x1b", "format_version": "2", "config": "{}", "card": card}
    save_file({"a": np.zeros(3, np.float16)}, "odd.safetensors", metadata)
    assert cli.run(["info", option, "odd.safetensors"]) == 0
    out = capfdbinary.readouterr().out
    assert b"\x1b" not in out
    assert option != "--json" or b"NaN" not in out


def test_neither_torch_nor_networks_are_imported(in_folder):
    (in_folder / "a.wav").write_bytes(wav_bytes(SILENCE, 8000))
    program = (
        "import sys\nfrom drumkit_cli import cli\ncli.run(['info', 'a.wav'])\n"
        "sys.exit(' '.join({'torch', 'onnxruntime', 'scipy', 'mido'} & set(sys.modules)) or 0)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
