"""The example song is what its script makes, and the example scripts run as they stand."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from drumkit_cli.io.sniffing import AUDIO_SUFFIXES
from drumkit_cli.midi.files import read_midi
from tests.contract import midi_files
from tests.contract.commands import make_weights
from tests.interpolate.tiny import write_tiny_autoencoder

EXAMPLES = Path(__file__).parent.parent / "examples"

# The makefiles, each with the variable that names its input folder and the suffix of its inputs.
MAKEFILES = [
    ("Makefile", "SONGS", "wav"),
    ("play.mk", "BEATS", "mid"),
    ("transitions.mk", "PATTERNS", "mid"),
]

# Names, less their suffix, that make cannot hold; "x" would appear if a shell or make ran them.
UNUSABLE = [
    *("a b", "a;touch x", "$(touch x)", "`touch x`", "a;touch${IFS}x", "$(shell touch${IFS}x)"),
    *("a%b", "a:b", "a#b", "a=b", "a|b", "[a]", '"'),
]

# A program in drumkit's place that makes the files it is asked for, empty.
STUB = """#!/bin/sh
while [ $# -gt 0 ]; do
    case "$1" in -o | --save-kit) : >"$2" ;; esac
    shift
done
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """An environment whose PATH finds this checkout's drumkit."""
    folder = tmp_path_factory.mktemp("bin")
    shim = folder / "drumkit"
    shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m drumkit_cli "$@"\n')
    shim.chmod(0o755)
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PYTHONPATH": str(EXAMPLES.parent), "OMP_NUM_THREADS": "1"}


@pytest.fixture
def make_with_stub(tmp_path):
    """Runs a makefile in tmp_path, with a stub of drumkit, on empty inputs in tmp_path/in."""
    stub = tmp_path / "bin" / "drumkit"
    stub.parent.mkdir()
    stub.write_text(STUB)
    stub.chmod(0o755)
    environment = {**os.environ, "PATH": f"{stub.parent}{os.pathsep}{os.environ['PATH']}"}

    def make(makefile, *variables, names=()):
        for name in names:
            (tmp_path / "in").mkdir(exist_ok=True)
            (tmp_path / "in" / name).touch()
        command = ["make", "-f", EXAMPLES / makefile, *variables]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    return make


@pytest.fixture(scope="module")
def song(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("songs") / "tiny.flac"
    make_song(path, "--bars", "1")
    return path


def make_song(*arguments) -> None:
    subprocess.run([sys.executable, EXAMPLES / "make_song.py", *arguments], check=True)


def run(*arguments, env, cwd=None) -> None:
    done = subprocess.run(arguments, env=env, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def seconds(path: Path) -> float:
    info = soundfile.info(path)
    return info.frames / info.samplerate


def test_the_example_song_is_what_its_script_makes(tmp_path):
    make_song(tmp_path / "song.flac")
    ours, rate = soundfile.read(EXAMPLES / "song.flac")
    again, _ = soundfile.read(tmp_path / "song.flac")
    assert rate == 44_100
    assert ours.shape == again.shape
    assert 20 <= len(ours) / rate <= 30
    np.testing.assert_allclose(ours, again, atol=2 / 32768)  # rounding may differ by machine
    assert (EXAMPLES / "song.flac").stat().st_size < 1_500_000


def test_the_stems_of_the_example_song_sum_to_it(tmp_path):
    make_song(tmp_path / "mix.wav", "--bars", "1")
    mix, _ = soundfile.read(tmp_path / "mix.wav")
    total = np.zeros_like(mix)
    for stem in ("drums", "bass", "other"):
        make_song(tmp_path / f"{stem}.wav", "--bars", "1", "--stem", stem)
        total += soundfile.read(tmp_path / f"{stem}.wav")[0]
    np.testing.assert_allclose(total, mix, atol=3 / 32768)


SONG_SCRIPTS = sorted(path.name for path in EXAMPLES.glob("*.sh") if path.name != "cluster.sh")


@pytest.mark.slow
@pytest.mark.parametrize("script", SONG_SCRIPTS)
def test_a_script_turns_a_song_into_sound_of_the_same_length(script, song, tmp_path, environment):
    output = tmp_path / "out.wav"
    run(EXAMPLES / script, song, output, env=environment)
    samples, rate = soundfile.read(output)
    assert abs(len(samples) / rate - seconds(song)) < 0.05
    assert np.abs(samples).max() > 1e-3


@pytest.mark.slow
def test_the_notebook_runs_as_it_stands(song, tmp_path, environment):
    notebook = json.loads((EXAMPLES / "notebook.ipynb").read_text(encoding="utf-8"))
    assert notebook["nbformat"] == 4
    assert not any(cell.get("outputs") for cell in notebook["cells"])
    cells = [cell["source"] for cell in notebook["cells"] if cell["cell_type"] == "code"]
    (tmp_path / "song.flac").write_bytes(song.read_bytes())
    program = "\n".join("".join(cell) for cell in cells)
    run(sys.executable, "-c", program, env=environment, cwd=tmp_path)
    made = {path.name: seconds(path) for path in tmp_path.glob("*.wav")}
    assert set(made) == {"redrummed.wav", "kick.wav", "loop.wav"}
    assert made["redrummed.wav"] == pytest.approx(min(seconds(song), 8), abs=0.01)
    assert read_midi((tmp_path / "played.mid").read_bytes(), "played").notes


def test_a_script_fails_when_its_song_is_missing(tmp_path, environment):
    done = subprocess.run(
        [EXAMPLES / "redrum.sh", tmp_path / "no.wav", tmp_path / "out.wav"],
        env=environment,
        capture_output=True,
        check=False,
    )
    assert done.returncode != 0
    assert not (tmp_path / "out.wav").exists()


@pytest.mark.slow
def test_the_makefile_makes_what_is_missing_and_nothing_twice(song, tmp_path, environment):
    songs, out = tmp_path / "songs", tmp_path / "out"
    songs.mkdir()
    (songs / "tiny.flac").write_bytes(song.read_bytes())
    command = ["make", "-f", EXAMPLES / "Makefile", f"SONGS={songs}", f"OUT={out}"]
    run(*command, env=environment)
    made = {path.name: path.stat().st_mtime_ns for path in out.iterdir()}
    assert set(made) == {"tiny.flac.stems.wav", "tiny.flac.drums.wav", "tiny.flac.mix.wav"}
    assert seconds(out / "tiny.flac.drums.wav") == pytest.approx(seconds(song), abs=0.05)
    run(*command, env=environment)
    assert {path.name: path.stat().st_mtime_ns for path in out.iterdir()} == made


def test_the_transitions_between_all_patterns_of_a_folder_are_made_once(tmp_path, environment):
    beats, out = tmp_path / "beats", tmp_path / "out"
    beats.mkdir()
    for name in ("a", "b", "c"):
        (beats / f"{name}.mid").write_bytes(midi_files.WHOLE)
    weights = write_tiny_autoencoder(tmp_path / "tiny.safetensors")
    environment = {**environment, "DRUMKIT_WEIGHTS": str(weights)}
    command = ["make", "-f", EXAMPLES / "transitions.mk", f"PATTERNS={beats}", f"OUT={out}"]
    run(*command, "STEPS=2", "FLAGS=--path crossfade", env=environment)
    made = {path.name: path.stat().st_mtime_ns for path in out.iterdir()}
    assert set(made) == {f"{a}.mid-to-{b}.mid" for a in "abc" for b in "abc" if a != b}
    track = read_midi((out / "a.mid-to-c.mid").read_bytes(), "a-to-c")
    assert track.end_ticks == 3 * 4 * 4 * track.division
    os.utime(beats / "c.mid", ns=(2**62, 2**62))
    done = subprocess.run([*command, "-n"], env=environment, capture_output=True, text=True)
    assert done.stdout.count("drumkit interpolate") == 4
    os.utime(beats / "c.mid", ns=(0, 0))
    run(*command, env=environment)
    assert {path.name: path.stat().st_mtime_ns for path in out.iterdir()} == made


def test_all_beats_of_a_folder_are_played_by_one_kit_and_again_when_it_changes(
    tmp_path, environment
):
    beats, out, weights = tmp_path / "beats", tmp_path / "out", tmp_path / "weights"
    beats.mkdir()
    weights.mkdir()
    for name in ("a", "b"):
        (beats / f"{name}.mid").write_bytes(midi_files.WHOLE)
    make_weights(weights)
    environment = {**environment, "DRUMKIT_WEIGHTS": str(weights)}
    command = ["make", "-f", EXAMPLES / "play.mk", f"BEATS={beats}", f"OUT={out}", "SEED=3"]
    run(*command, env=environment)
    made = {path.name: path.stat().st_mtime_ns for path in out.iterdir()}
    assert set(made) == {"kit.json", "a.mid.wav", "b.mid.wav"}
    run(*command, env=environment)
    assert {path.name: path.stat().st_mtime_ns for path in out.iterdir()} == made
    kit = json.loads((out / "kit.json").read_text())
    kit["voices"] = {name: voice | {"pan": -1} for name, voice in kit["voices"].items()}
    (out / "kit.json").write_text(json.dumps(kit))
    run(*command, env=environment)
    left, right = soundfile.read(out / "a.mid.wav")[0].T
    assert np.abs(left).max() > 1000 * np.abs(right).max()


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_the_makefile_takes_songs_of_every_suffix_and_of_one_base_name(tmp_path, make_with_stub):
    songs = [f"a{suffix}" for suffix in AUDIO_SUFFIXES] + ["B.WAV", "b.Flac"]
    done = make_with_stub("Makefile", "SONGS=in", "OUT=out", names=[*songs, "notes.txt", "._a.wav"])
    assert done.returncode == 0, done.stderr
    made = {f"{song}.{kind}.wav" for song in songs for kind in ("stems", "drums", "mix")}
    assert names_in(tmp_path / "out") == made


def test_the_midi_makefiles_take_files_of_every_suffix_and_of_one_base_name(
    tmp_path, make_with_stub
):
    names = ["a.mid", "a.midi", "B.MID"]
    done = make_with_stub("play.mk", "BEATS=in", "OUT=sounds", names=names)
    assert done.returncode == 0, done.stderr
    assert names_in(tmp_path / "sounds") == {"kit.json", *(f"{name}.wav" for name in names)}
    done = make_with_stub("transitions.mk", "PATTERNS=in", "OUT=transitions")
    assert done.returncode == 0, done.stderr
    made = {f"{a}-to-{b}" for a in names for b in names if a != b}
    assert names_in(tmp_path / "transitions") == made


@pytest.mark.parametrize(("makefile", "folder", "suffix"), MAKEFILES)
def test_names_that_make_cannot_hold_are_reported_and_never_run(
    makefile, folder, suffix, tmp_path, make_with_stub
):
    unusable = [f"{stem}.{suffix}" for stem in UNUSABLE]
    usable = [f"{stem}.{suffix}" for stem in ("it's", "'&ls&'", "(1),@+", "-x", "\u00fc")]
    done = make_with_stub(makefile, f"{folder}=in", "OUT=out", names=[*unusable, *usable])
    assert done.returncode == 2
    reported = {line.partition(": not made")[0] for line in done.stderr.splitlines()[:-1]}
    assert reported == {f"in/{name}" for name in unusable}
    assert names_in(tmp_path) == {"bin", "in", "out"}
    assert names_in(tmp_path / "in") == {*unusable, *usable}
    made = names_in(tmp_path / "out")
    assert all(any(output.startswith(name) for output in made) for name in usable)


@pytest.mark.parametrize(("makefile", "folder", "suffix"), MAKEFILES)
def test_a_line_break_in_a_name_does_not_break_its_report(makefile, folder, suffix, make_with_stub):
    done = make_with_stub(makefile, f"{folder}=in", "OUT=out", names=[f"a\nb.{suffix}"])
    assert done.returncode == 2
    assert done.stderr.startswith(f"in/a?b.{suffix}: not made")


@pytest.mark.parametrize(("makefile", "folder", "suffix"), MAKEFILES)
def test_folders_that_make_cannot_hold_or_find_stop_it(
    makefile, folder, suffix, tmp_path, make_with_stub
):
    names = [f"a.{suffix}", f"b.{suffix}"]
    for out in ("o ut", "o;touch x", "`touch x`"):
        done = make_with_stub(makefile, f"{folder}=in", f"OUT={out}", names=names)
        assert done.returncode == 2
        assert f'OUT is "{out}": name a folder' in done.stderr
    done = make_with_stub(makefile, f"{folder}=nowhere", "OUT=out")
    assert done.returncode == 2
    assert f'{folder} is "nowhere": there is no such folder' in done.stderr
    assert names_in(tmp_path) == {"bin", "in"}


@pytest.mark.parametrize(("makefile", "folder", "suffix"), MAKEFILES)
def test_clean_removes_what_was_made_and_no_input(
    makefile, folder, suffix, tmp_path, make_with_stub
):
    names = [f"it's.{suffix}", f"b.{suffix}"]
    assert make_with_stub(makefile, f"{folder}=in", "OUT=o'ut", names=names).returncode == 0
    assert make_with_stub(makefile, f"{folder}=in", "OUT=o'ut", "clean").returncode == 0
    assert names_in(tmp_path / "o'ut") <= {"kit.json"}
    assert names_in(tmp_path / "in") == set(names)


@pytest.mark.slow
def test_a_script_takes_a_song_whose_name_begins_like_an_option(tmp_path, song, environment):
    (tmp_path / "-x $(touch y).flac").write_bytes(song.read_bytes())
    done = subprocess.run(
        [EXAMPLES / "redrum.sh", "-x $(touch y).flac", "a b.wav"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert names_in(tmp_path) == {"-x $(touch y).flac", "a b.wav"}


def test_a_folder_goes_over_a_cluster(tmp_path, environment):
    pytest.importorskip("distributed", reason="needs the extra cluster")
    (tmp_path / "songs" / "live").mkdir(parents=True)
    for path in ("songs/a.wav", "songs/live/b.wav"):
        soundfile.write(tmp_path / path, np.zeros(22050, np.float32), 22050)
    bin_folder = Path(sys.executable).parent
    subprocess.run(
        [EXAMPLES / "cluster.sh", "songs", "out", "mel", "--mels", "64"],
        cwd=tmp_path,
        env={**environment, "PATH": f"{environment['PATH']}{os.pathsep}{bin_folder}"},
        check=True,
        timeout=120,
    )
    made = list((tmp_path / "out").rglob("*.npy"))
    assert sorted(path.relative_to(tmp_path / "out") for path in made) == [
        Path("a.npy"),
        Path("live/b.npy"),
    ]
    assert np.load(made[0]).shape[0] == 64
