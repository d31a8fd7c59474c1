"""Files behind URLs, in the stores of fsspec that need no network."""

import hashlib
from contextlib import suppress

import pytest

from drumkit_cli.errors import (
    BadDataError,
    MissingInputError,
    OutputError,
    StreamError,
    UnavailableError,
    UsageError,
)
from drumkit_cli.io import places, remote, streams

fsspec = pytest.importorskip("fsspec", reason="needs the extra remote")
DATA = bytes(range(256)) * 1000


@pytest.fixture
def store(monkeypatch):
    """The store ``memory://``, empty."""
    store = fsspec.filesystem("memory")
    monkeypatch.setattr(type(store), "store", {})
    monkeypatch.setattr(type(store), "pseudo_dirs", [""])
    return store


@pytest.fixture
def odd_store():
    """The store ``odd://``, whose every question fails in a way of its own."""

    class OddStore(fsspec.AbstractFileSystem):
        protocol = "odd"
        failure: Exception

        def info(self, path, **_):
            raise self.failure

    fsspec.register_implementation("odd", OddStore, clobber=True)
    OddStore.clear_instance_cache()
    return OddStore


def write(url, data):
    with streams.open_output(url) as sink:
        sink.write(data)


def test_a_url_is_read_whole_and_can_be_sought_in(store):
    store.pipe("/in/a.wav", DATA)
    with streams.open_input("memory://in/a.wav") as source:
        assert source.name == "memory://in/a.wav"
        assert source.file.read() == DATA
        source.file.seek(0)
        assert source.file.read(4) == DATA[:4]
        assert source.sha256() == hashlib.sha256(DATA).hexdigest()


@pytest.mark.parametrize(
    "ask", [streams.check_input, lambda url: streams.open_input(url).__enter__()]
)
def test_what_is_not_there_is_missing(store, ask):
    with pytest.raises(MissingInputError, match="cannot read memory://a: No such file"):
        ask("memory://a")


def test_a_folder_is_no_input_and_an_empty_file_is_bad_data(store):
    store.pipe("/in/a", b"")
    with pytest.raises(MissingInputError, match="memory://in is a folder"):
        streams.open_input("memory://in").__enter__()
    with pytest.raises(BadDataError, match="empty"):
        streams.open_input("memory://in/a").__enter__()


def test_an_output_is_there_whole_or_as_it_was(store):
    write("memory://out/a", b"old")
    with streams.open_output("memory://out/a") as sink:
        sink.write(DATA)
        sink.seek(0)
        sink.write(b"RIFF")
        assert store.cat("/out/a") == b"old"
    assert store.cat("/out/a") == b"RIFF" + DATA[4:]
    with suppress(ZeroDivisionError), streams.open_output("memory://out/a") as sink:
        sink.write(b"half")
        raise ZeroDivisionError
    assert store.find("/") == ["/out/a"]
    assert store.cat("/out/a") == b"RIFF" + DATA[4:]


def test_folders_are_made_in_a_store_that_has_them_but_no_bucket(tmp_path):
    write(f"local://{tmp_path}/a/b/c.txt", DATA)
    assert (tmp_path / "a" / "b" / "c.txt").read_bytes() == DATA
    with pytest.raises(OutputError, match="No such file"):
        write("local:///no such place/a.txt", DATA)


def test_what_was_read_or_written_is_not_fetched_for_its_hash(store, monkeypatch):
    sha256 = hashlib.sha256(DATA).hexdigest()
    store.pipe("/in", DATA)
    assert remote.sha256("memory://in") == sha256
    write("memory://out", DATA)
    monkeypatch.setattr(remote, "blocks", None)
    assert remote.sha256("memory://in") == remote.sha256("memory://out") == sha256


def test_what_has_changed_since_is_fetched_again(store):
    write("memory://a", DATA)
    store.pipe("/a", DATA[::-1])
    assert remote.sha256("memory://a") == hashlib.sha256(DATA[::-1]).hexdigest()


def test_an_unknown_store_is_wrong_usage():
    with pytest.raises(UsageError, match=r"nosuch; a file of that name is \./nosuch://a$"):
        remote.state_of("nosuch://a")


def test_a_store_whose_package_is_missing_is_unavailable():
    fsspec.register_implementation("far", "far_away.Store", errtxt="Install far_away", clobber=True)
    with pytest.raises(UnavailableError, match="far://a: Install far_away"):
        remote.state_of("far://a")


def test_without_the_extra_a_url_says_what_to_install(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(
        UnavailableError, match=r"s3://a needs fsspec; pip install 'drumkit\[remote"
    ):
        remote.state_of("s3://a")


@pytest.mark.parametrize(
    ("failure", "error", "words"),
    [
        (RuntimeError("Unable to locate credentials"), StreamError, "odd://a: Unable to locate"),
        (TimeoutError(), StreamError, "cannot read odd://a: TimeoutError"),
        (PermissionError("AccessDenied"), MissingInputError, "odd://a: Permission denied"),
        (NotImplementedError(), MissingInputError, "its store does not do that"),
    ],
)
def test_a_failing_store_is_told_in_one_line(odd_store, failure, error, words):
    odd_store.failure = failure
    with pytest.raises(error, match=words) as caught:
        remote.state_of("odd://a")
    assert caught.value.__cause__ is failure


def test_outputs_are_refused_before_any_work_where_none_can_be(odd_store):
    with pytest.raises(OutputError, match="only read from"):
        streams.check_output("https://example.org/a.wav")
    odd_store.failure = PermissionError("AccessDenied")
    with pytest.raises(OutputError, match="cannot write odd://a: Permission denied"):
        streams.check_output("odd://a")


@pytest.mark.parametrize("name", ["./s3://a", "a/s3://b", "://a", "a.wav", "s3:/a"])
def test_only_a_scheme_at_the_start_makes_a_url(name):
    assert not places.is_url(name)


@pytest.mark.parametrize(
    ("folder", "file", "name"),
    [
        ("s3://b/out", "s3://b/out/a/x.wav", "a/x.wav"),
        ("s3://b/out/", "s3://b/out/x.wav", "x.wav"),
        ("memory://", "memory://x.wav", "x.wav"),
        ("s3://b/out", "memory://x.wav", "memory://x.wav"),
        ("out", "s3://b/x.wav", "s3://b/x.wav"),
        ("s3://b/out", "/tmp/x.png", "/tmp/x.png"),
        ("out", "out/a/x.wav", "a/x.wav"),
    ],
)
def test_a_name_within_a_folder_leads_back_to_the_file(folder, file, name):
    assert places.within(folder, file) == name
    assert places.join(folder, name) == file


def test_the_folders_of_a_url_end_with_its_store():
    assert places.parents("s3://b/a/x.wav") == ["s3://b/a", "s3://b"]
    assert places.parents("memory:///x.wav") == ["memory://"]
    assert places.parents("a/x.wav") == ["a", "."]


def test_a_file_url_is_a_path():
    assert places.plain("file:///tmp/a.wav") == "/tmp/a.wav"
    assert places.plain("file://a.wav") == "a.wav"
