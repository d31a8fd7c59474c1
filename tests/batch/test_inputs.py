"""Folders and lists as inputs."""

import pytest

from drumkit_cli import cli
from tests.batch.songs import make_songs, song, tree


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_songs(tmp_path / "songs", 4)
    return tmp_path


def mel(*arguments):
    return cli.run(["mel", *map(str, arguments)])


def test_a_folder_stands_for_the_sounds_below_it(here):
    assert mel("-q", "-r", "songs", "-o", "out") == 0
    assert list(tree(here / "out")) == ["a/b/s2.npy", "a/s1.npy", "s0.npy", "s3.npy"]


def test_a_folder_needs_the_option(here, capfd):
    assert mel("songs", "-o", "out") == 66
    assert "--recursive" in capfd.readouterr().err


def test_a_folder_without_sounds_is_told(here, capfd):
    (here / "empty").mkdir()
    assert mel("-r", "empty", "-o", "out") == 66
    assert "empty holds no file that this command reads" in capfd.readouterr().err


def test_outputs_within_the_folder_are_no_inputs(here):
    for _ in range(2):
        assert cli.run(["separate", "-q", "-r", "songs", "-o", "songs/stems"]) == 0
    assert len(tree(here / "songs" / "stems")) == 4 * 4


def test_hidden_files_and_folders_are_left_out(here):
    (here / "songs" / ".trash").mkdir()
    (here / "songs" / ".trash" / "old.wav").write_bytes(song(9))
    (here / "songs" / ".s.wav").write_bytes(song(9))
    assert mel("-q", "-r", "songs", "-o", "out") == 0
    assert len(tree(here / "out")) == 4


def test_a_list_names_inputs_and_keeps_their_sub_folders(here):
    (here / "list.txt").write_text(f"songs/a/s1.wav\n\n{here}/songs/s0.wav\n")
    assert mel("-q", "--from-file", "list.txt", "-o", "out") == 0
    assert list(tree(here / "out")) == ["s0.npy", "songs/a/s1.npy"]


def test_a_list_that_leaves_the_folder_does_not_write_outside(here):
    inner = here / "inner"
    inner.mkdir()
    (inner / "list.txt").write_text("../songs/s0.wav\n")
    assert mel("-q", "--from-file", inner / "list.txt", "-o", inner / "out") == 66
    (here / "list.txt").write_text("songs/../songs/s0.wav\n")
    assert mel("-q", "--from-file", "list.txt", "-o", "out") == 0
    assert list(tree(here / "out")) == ["s0.npy"]


@pytest.mark.parametrize("content", ["", "\n\n", "a\0b\n"])
def test_a_list_without_paths_is_refused(here, capfd, content):
    (here / "list.txt").write_text(content)
    assert mel("--from-file", "list.txt", "-o", "out") == 65
    assert len(capfd.readouterr().err.splitlines()) == 1


def test_two_inputs_for_one_output_are_refused_before_any_work(here, capfd):
    (here / "songs" / "s0.aiff").write_bytes(song(1))
    assert mel("-r", "songs", "-o", "out") == 2
    assert "would both write out/s0.npy" in capfd.readouterr().err
    assert not (here / "out").exists()
