import hashlib
import os
import random
import tempfile
import threading

import pytest

from drumkit_cli.errors import BadDataError, MissingInputError, StreamError, UsageError
from drumkit_cli.io import streams
from drumkit_cli.io.sniffing import Kind


@pytest.fixture
def stdin_is(monkeypatch):
    """Put a file descriptor in the place of descriptor 0 while the test runs."""
    kept = os.dup(0)
    yield lambda descriptor: os.dup2(descriptor, 0)
    os.dup2(kept, 0)
    os.close(kept)


@pytest.fixture
def piped(stdin_is):
    """Feed bytes to stdin through a real pipe."""
    threads = []

    def feed(data):
        reading, writing = os.pipe()
        stdin_is(reading)
        os.close(reading)

        def write():
            with os.fdopen(writing, "wb") as file:
                file.write(data)

        threads.append(threading.Thread(target=write))
        threads[-1].start()

    yield feed
    for thread in threads:
        thread.join()


def test_inputs_default_to_stdin(stdin_is):
    with open(os.devnull) as null:
        stdin_is(null.fileno())
        assert streams.resolve_inputs([]) == ["-"]
    assert streams.resolve_inputs(["a", "-", "b"]) == ["a", "-", "b"]


def test_stdin_is_named_once():
    with pytest.raises(UsageError, match="only once"):
        streams.resolve_inputs(["-", "-"])


@pytest.mark.parametrize("ask", [lambda: streams.resolve_inputs([]), lambda: read("-")])
def test_a_terminal_is_no_input(stdin_is, ask):
    leader, follower = os.openpty()
    stdin_is(follower)
    with pytest.raises(UsageError):
        ask()
    os.close(leader)
    os.close(follower)


def read(path):
    with streams.open_input(path) as source:
        return source.name, source.kind, source.file.read()


def test_a_file_is_opened_at_its_start(tmp_path):
    path = tmp_path / "song.mp3"
    path.write_bytes(b"fLaCrest")
    assert read(str(path)) == (str(path), Kind.FLAC, b"fLaCrest")


def test_a_pipe_becomes_seekable(piped):
    data = b"MThd" + random.Random(0).randbytes(3_000_000)
    piped(data)
    with streams.open_input("-") as source:
        assert (source.name, source.kind) == ("<stdin>", Kind.MIDI)
        assert source.read_bytes() == data
        assert source.read_bytes() == data


def test_a_redirected_file_is_read_without_a_copy(tmp_path, stdin_is, monkeypatch):
    monkeypatch.setattr(tempfile, "TemporaryFile", None)
    path = tmp_path / "in"
    path.write_bytes(b"fLaC")
    with path.open("rb") as file:
        stdin_is(file.fileno())
        assert read("-") == ("<stdin>", Kind.FLAC, b"fLaC")


def test_what_another_program_has_read_of_stdin_stays_read(tmp_path, stdin_is):
    path = tmp_path / "in"
    path.write_bytes(b"line\nfLaC")
    with path.open("rb", buffering=0) as file:
        file.read(5)
        stdin_is(file.fileno())
        assert read("-")[2] == b"fLaC"


def test_a_fifo_is_read_like_a_pipe(tmp_path):
    path = tmp_path / "fifo"
    os.mkfifo(path)
    thread = threading.Thread(target=path.write_bytes, args=(b"OggSrest",))
    thread.start()
    assert read(str(path)) == (str(path), Kind.OGG, b"OggSrest")
    thread.join()


def test_hash_is_of_the_whole_and_leaves_the_position(tmp_path):
    path = tmp_path / "in"
    path.write_bytes(b"abcdef")
    with streams.open_input(str(path)) as source:
        source.file.seek(3)
        assert source.sha256() == hashlib.sha256(b"abcdef").hexdigest()
        assert source.file.read() == b"def"


@pytest.mark.parametrize("name", ["none", "file/below", "nul\0", "a" * 300])
def test_missing_inputs_are_named(tmp_path, name):
    (tmp_path / "file").touch()
    with pytest.raises(MissingInputError, match="cannot read"):
        read(str(tmp_path / name))


def test_a_folder_is_no_input(tmp_path):
    with pytest.raises(MissingInputError, match="is a folder"):
        read(str(tmp_path))


def test_a_folder_redirected_to_stdin_is_no_input(tmp_path, stdin_is):
    descriptor = os.open(tmp_path, os.O_RDONLY)
    stdin_is(descriptor)
    os.close(descriptor)
    with pytest.raises(MissingInputError, match="<stdin> is a folder"):
        read("-")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_missing(tmp_path):
    path = tmp_path / "secret"
    path.write_bytes(b"x")
    path.chmod(0)
    with pytest.raises(MissingInputError, match="Permission denied"):
        read(str(path))


def test_empty_inputs_are_bad_data(tmp_path, piped):
    (tmp_path / "empty").touch()
    with pytest.raises(BadDataError, match="empty is empty"):
        read(str(tmp_path / "empty"))
    piped(b"")
    with pytest.raises(BadDataError, match="<stdin> is empty"):
        read("-")


def test_no_room_to_spool_says_what_helps(piped, monkeypatch):
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: open("/dev/full", "wb", 0))
    piped(b"x")
    with pytest.raises(StreamError, match="TMPDIR"):
        read("-")


def test_a_write_only_stdin_is_an_io_error(stdin_is):
    with open(os.devnull, "wb") as null:
        stdin_is(null.fileno())
        with pytest.raises(StreamError, match="Bad file descriptor"):
            read("-")


def test_data_folders_are_required(tmp_path):
    (tmp_path / "file").touch()
    assert streams.require_folder(str(tmp_path)) == tmp_path
    for name in ("none", "file", "nul\0"):
        with pytest.raises(MissingInputError):
            streams.require_folder(str(tmp_path / name))
