"""Folders behind URLs, as inputs and for outputs."""

import json

import pytest

from drumkit_cli import cli
from tests.batch.songs import finish, make_songs, song, start, tree

fsspec = pytest.importorskip("fsspec", reason="needs the extra remote")


@pytest.fixture
def store(monkeypatch):
    """The store ``memory://`` with songs in ``in``."""
    store = fsspec.filesystem("memory")
    monkeypatch.setattr(type(store), "store", {})
    monkeypatch.setattr(type(store), "pseudo_dirs", [""])
    for number, folder in enumerate(["", "a/", "a/b/"]):
        store.pipe(f"/in/{folder}s{number}.wav", song(number))
    store.pipe("/in/notes.txt", b"no sound\n")
    return store


@pytest.fixture
def statuses(store, capfd):
    """Runs mel over the songs; what became of each, by name."""

    def run(*arguments, output="memory://out"):
        cli.run(["mel", "-r", "memory://in", "-o", output, "--json", *arguments])
        lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
        return {line["input"].rpartition("/")[2]: line["status"] for line in lines}

    return run


ALL = ["s0.wav", "s1.wav", "s2.wav"]


def outputs(store):
    return [path for path in store.find("/out") if ".drumkit" not in path]


def test_a_folder_by_url_stands_for_the_sounds_below_it(store, statuses, tmp_path):
    assert statuses() == dict.fromkeys(ALL, "done")
    assert outputs(store) == ["/out/a/b/s2.npy", "/out/a/s1.npy", "/out/s0.npy"]
    assert statuses(output=str(tmp_path)) == dict.fromkeys(ALL, "done")
    assert list(tree(tmp_path).values()) == [store.cat(path) for path in outputs(store)]


def test_a_second_run_makes_nothing(store, statuses):
    statuses()
    assert statuses() == statuses(output="memory://out/") == dict.fromkeys(ALL, "skipped")
    assert statuses("--force") == statuses("--mels", "64") == dict.fromkeys(ALL, "done")


def test_what_is_missing_altered_or_of_another_input_is_made_again(store, statuses):
    statuses()
    whole = store.cat(outputs(store))
    store.rm("/out/s0.npy")
    store.pipe("/out/a/s1.npy", whole["/out/a/s1.npy"][:-1] + b"\1")
    assert statuses() == {"s0.wav": "done", "s1.wav": "done", "s2.wav": "skipped"}
    assert store.cat(outputs(store)) == whole
    store.pipe("/in/s0.wav", song(7))
    assert statuses() == {"s0.wav": "done", "s1.wav": "skipped", "s2.wav": "skipped"}


def test_a_touched_output_is_the_same(store, statuses):
    statuses()
    store.pipe("/out/s0.npy", store.cat("/out/s0.npy"))
    assert statuses()["s0.wav"] == "skipped"


def test_hidden_and_empty_files_and_outputs_within_the_folder_are_no_inputs(store, statuses):
    store.pipe("/in/.trash/old.wav", song(9))
    store.pipe("/in/folder/", b"")
    for _ in range(2):
        cli.run(["separate", "-q", "-r", "memory://in", "-o", "memory://in/stems"])
    assert len([path for path in store.find("/in/stems") if path.endswith(".wav")]) == 3 * 4


def test_a_list_names_urls_whose_outputs_keep_no_sub_folder(store, tmp_path):
    store.pipe("/list", b"memory://in/a/s1.wav\nmemory://in/s0.wav\n")
    assert cli.run(["mel", "-q", "--from-file", "memory://list", "-o", str(tmp_path)]) == 0
    assert list(tree(tmp_path)) == ["s0.npy", "s1.npy"]


def test_an_input_is_never_overwritten(store, capfd):
    assert cli.run(["arrange", "memory://in/s0.wav", "-o", "memory://in"]) == 2
    assert "memory://in/s0.wav is an input itself" in capfd.readouterr().err


def test_verify_makes_an_output_by_url_again(store, statuses, capfd):
    statuses()
    assert cli.run(["verify", "memory://out/a/s1.npy"]) == 0
    store.pipe("/out/a/s1.npy", store.cat("/out/a/s1.npy")[:-1] + b"\1")
    assert cli.run(["verify", "memory://out/a/s1.npy"]) == 1


def test_a_file_that_an_option_names_by_url_counts(store, statuses, tmp_path, capfd):
    from tests.contract.midi_files import SOUND

    store.pipe("/like.mid", SOUND["format 0"])
    store.pipe("/beat.mid", SOUND["format 0"])
    line = ["groove", "memory://beat.mid", "--like", "memory://like.mid", "-o", "memory://out"]
    found = []
    for data in (SOUND["format 0"], SOUND["format 0"], SOUND["long"]):
        store.pipe("/like.mid", data)
        assert cli.run([*line, "--json"]) == 0
        found.append(json.loads(capfd.readouterr().out)["status"])
    assert found == ["done", "skipped", "done"]


@pytest.mark.parametrize("scheme", ["file", "local"])
def test_workers_read_and_write_urls(tmp_path, scheme):
    make_songs(tmp_path / "songs", 4)
    line = ["mel", "-r", f"{scheme}://{tmp_path}/songs", "-j", "2", "-o"]
    for counts in ("4 done, 0 skipped", "0 done, 4 skipped"):
        status, _, err = finish(start(tmp_path, *line, f"{scheme}://{tmp_path}/out"))
        assert status == 0, err
        assert err == f"drumkit: {counts}, 0 failed\n"
    status, _, err = finish(start(tmp_path, "mel", "-q", "-r", "songs", "-o", "here"))
    assert status == 0, err
    assert tree(tmp_path / "out") == tree(tmp_path / "here")
