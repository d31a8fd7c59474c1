"""What is wrong with a command line or a named file is told before anything slow is imported."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from drumkit_cli.cli import COMMANDS

ROOT = Path(__file__).parent.parent
# Modules whose import takes a tenth of a second or more; pydantic is what Typer converts with.
SLOW = (
    "demucs", "fsspec", "librosa", "lightning_fabric", "matplotlib", "mido", "numpy", "onnxruntime",
    "pretty_midi", "pydantic", "rich", "scipy", "sklearn", "soundfile", "soxr", "torch", "tqdm",
)  # fmt: skip
PROBE = f"""
import contextlib, io, json, sys
from drumkit_cli import cli
results = []
for arguments in json.load(sys.stdin):
    told = io.StringIO()
    with contextlib.redirect_stderr(told), contextlib.redirect_stdout(io.StringIO()):
        status = cli.run(arguments)
    results.append((status, told.getvalue(), sorted(set({SLOW}) & set(sys.modules))))
with open("results.json", "w") as file:
    json.dump(results, file)
"""
MISSING = [
    "separate no.wav",
    "mel no.wav",
    "mel --invert no.npy",
    "arrange no.wav",
    "transcribe no.wav",
    "score no.wav",
    "interpolate no.mid techno:1",
    "interpolate techno:1 no.npy",
    "interpolate techno:1 techno:2 --map no.txt",
    "groove no.mid",
    "groove no.mid --like no.mid",
    "groove no.mid --feel no.txt",
    "groove --extract no.mid",
    "kick no.mid",
    "kick --bass no.wav --snare no.wav",
    "kick beat.mid --like no.mid",
    "synth no.mid",
    "synth beat.mid --kit no.json",
    "synth beat.mid --voice kick=no.npy",
    "synth beat.mid --map no.txt",
    "synth --z no.npy",
    "synth kick --encode no.wav",
    "synth kick --between no.wav no.npy -o out",
    "info no.wav",
    "train synth no",
    "evaluate groove no",
]
WRONG = [
    "sepparate",
    "separate --stem drums --two-stems bass a.wav",
    "separate --overlap 2 a.wav",
    "mel --hop 0 a.wav",
    "arrange --gain loud a.wav",
    "transcribe --voices 4 a.wav",
    "transcribe --beats --json a.wav",
    "transcribe -o drums.wav a.wav",
    "score --min-grade 10 a.wav",
    "score --reference - a.wav",
    "score --json -o grades.txt a.wav",
    "interpolate techno:1",
    "interpolate techno:1 techno:99999",
    "swirl --measures 0",
    "swirl -o drums.wav",
    "swirl --plot path.jpg",
    "groove --genre polka a.mid",
    "groove --feel 1,7 a.mid",
    "kick beat.mid --bass a.wav",
    "kick beat.mid --variations 2",
    "synth kick --kit kit.json",
    "synth a.mid -o a.mid",
    "serve --port 99999",
    "train synth . --device tpu",
    "train mel .",
    "evaluate separate . --plot a.png",
]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Status, stderr and the slow modules that are loaded by then, for each command line."""
    folder = tmp_path_factory.mktemp("start-up")
    (folder / "beat.mid").write_bytes(b"MThd")
    lines = [*MISSING, *WRONG, "--help", "--version", *(f"{name} --help" for name in COMMANDS)]
    subprocess.run(
        [sys.executable, "-c", PROBE],
        input=json.dumps([line.split() for line in lines]),
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        text=True,
        check=True,
    )
    results = json.loads((folder / "results.json").read_text())
    return dict(zip(lines, results, strict=True))


@pytest.mark.parametrize("line", MISSING)
def test_a_missing_file_is_told_at_once(results, line):
    status, told, loaded = results[line]
    assert (status, len(told.splitlines()), loaded) == (66, 1, []), told
    assert "no" in told


@pytest.mark.parametrize("line", WRONG)
def test_wrong_usage_is_told_at_once(results, line):
    status, told, loaded = results[line]
    assert (status, len(told.splitlines()), loaded) == (2, 1, []), told


@pytest.mark.parametrize("line", ["--help", "--version", *(f"{name} --help" for name in COMMANDS)])
def test_help_needs_nothing_slow(results, line):
    assert results[line] == [0, "", []]


def test_commands_without_midi_do_not_import_mido():
    modules = ("separate.command", "separate.infer", "arrange.infer", "mel.infer", "serve.server")
    code = (
        f"import sys, {', '.join(f'drumkit_cli.{module}' for module in modules)}\n"
        "sys.exit(' '.join({'mido', 'pretty_midi'} & set(sys.modules)) or 0)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
