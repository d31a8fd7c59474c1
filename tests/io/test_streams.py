import errno
import hashlib
import io
import os
import random
import stat
import subprocess
import sys
import tempfile
import threading

import pytest

from drumkit_cli.errors import (
    BadDataError,
    MissingInputError,
    OutputError,
    StreamError,
    Terminated,
    UsageError,
)
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


def names(folder):
    return sorted(path.name for path in folder.iterdir())


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


def test_an_output_appears_whole(tmp_path):
    path = tmp_path / "out"
    with streams.open_output(str(path)) as file:
        file.write(b"data")
        assert not path.exists()
    assert path.read_bytes() == b"data"
    assert names(tmp_path) == ["out"]


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt, SystemExit, Terminated])
def test_a_failure_leaves_the_old_output_and_nothing_else(tmp_path, failure):
    path = tmp_path / "out"
    path.write_bytes(b"old")
    with pytest.raises(failure), streams.open_output(str(path)) as file:  # noqa: PT012
        file.write(b"new")
        raise failure(15)
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["out"]


def test_readers_of_the_old_output_keep_it(tmp_path):
    path = tmp_path / "out"
    path.write_bytes(b"old")
    with path.open("rb") as reader:
        with streams.open_output(str(path)) as file:
            file.write(b"new")
        assert reader.read() == b"old"
    assert path.read_bytes() == b"new"


def test_permissions_of_an_old_output_are_kept(tmp_path):
    path = tmp_path / "out"
    path.write_bytes(b"old")
    path.chmod(0o640)
    with streams.open_output(str(path)) as file:
        file.write(b"new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_permissions_of_a_new_output_follow_the_umask(tmp_path):
    old = os.umask(0o027)
    try:
        with streams.open_output(str(tmp_path / "out")):
            pass
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o640


@pytest.mark.parametrize("exists", [True, False])
def test_a_symbolic_link_is_followed(tmp_path, exists):
    real, link = tmp_path / "real", tmp_path / "link"
    if exists:
        real.write_bytes(b"old")
    link.symlink_to("real")
    with streams.open_output(str(link)) as file:
        file.write(b"new")
    assert link.is_symlink()
    assert real.read_bytes() == b"new"


def test_devices_and_fifos_are_written_directly(tmp_path):
    with streams.open_output(os.devnull) as file:
        file.write(b"x")
    path = tmp_path / "fifo"
    os.mkfifo(path)
    got = []
    thread = threading.Thread(target=lambda: got.append(path.read_bytes()))
    thread.start()
    with streams.open_output(str(path)) as file:
        file.write(b"data")
    thread.join()
    assert got == [b"data"]
    assert stat.S_ISFIFO(path.stat().st_mode)


def test_a_full_disk_is_an_io_error():
    with (
        pytest.raises(StreamError, match="cannot write /dev/full: No space left"),
        streams.open_output("/dev/full") as file,
    ):
        file.write(b"x")


@pytest.mark.parametrize("name", ["none/out", "file/out", "", "."])
def test_outputs_that_cannot_be_made_are_refused(tmp_path, name, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    for ask in (lambda: streams.open_output(name).__enter__(), lambda: streams.check_output(name)):
        with pytest.raises((OutputError, UsageError)):
            ask()
    assert names(tmp_path) == ["file"]


def test_an_output_that_can_be_made_is_not_touched_by_the_check(tmp_path):
    streams.check_output(str(tmp_path / "out"))
    assert names(tmp_path) == []


def test_the_check_lets_pipes_and_devices_pass_and_touches_none(tmp_path, monkeypatch):
    """What a pipe's name resolves to lies in a folder that its owner may not write either."""
    reader, writer = os.pipe()
    asked = []
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: asked.append(path) or access(path, mode))
    os.mkfifo(tmp_path / "fifo")
    pipes = [f"/proc/self/fd/{writer}", str(tmp_path / "fifo"), os.devnull]
    for path in pipes:
        streams.check_output(path)
    assert asked == pipes
    os.close(writer)
    assert os.read(reader, 1) == b""
    os.close(reader)


def test_the_check_refuses_a_device_that_may_not_be_written(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(OutputError, match="Permission denied"):
        streams.check_output(os.devnull)
    with pytest.raises(OutputError, match="null"):
        streams.check_output("a\0b")


def test_file_outputs_can_seek(tmp_path):
    path = tmp_path / "out"
    with streams.open_output(str(path)) as file:
        assert file.write(memoryview(b"abcd")) == 4
        assert file.tell() == 4
        file.seek(1)
        file.write(b"X")
        file.truncate(3)
    assert path.read_bytes() == b"aXc"


def test_stdout_gets_the_bytes(capfdbinary):
    with streams.open_output(None) as file:
        file.write(b"\x93")
        with pytest.raises(io.UnsupportedOperation):
            file.seek(0)
    with streams.open_output("-") as file:
        file.write(b"NUMPY")
    streams.write_text("é\n")
    assert capfdbinary.readouterr().out == b"\x93NUMPY\xc3\xa9\n"


def test_a_terminal_gets_text_and_no_binary():
    leader, follower = os.openpty()
    kept = os.dup(1)
    os.dup2(follower, 1)
    try:
        with pytest.raises(UsageError, match="-o FILE or a pipe"):
            streams.open_output(None).__enter__()
        streams.write_text("text\n")
    finally:
        os.dup2(kept, 1)
        os.close(kept)
    assert os.read(leader, 100) == b"text\r\n"
    with pytest.raises(UsageError, match="is a terminal"):
        streams.open_output(os.ttyname(follower)).__enter__()
    os.close(leader)
    os.close(follower)


def test_a_gone_reader_is_a_broken_pipe():
    reading, writing = os.pipe()
    os.close(reading)
    kept = os.dup(1)
    os.dup2(writing, 1)
    os.close(writing)
    try:
        with pytest.raises(BrokenPipeError), streams.open_output(None) as file:
            file.write(b"x")
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def test_a_closed_stdout_never_becomes_a_file_of_ours(tmp_path):
    code = (
        "import os; from drumkit_cli.io import streams\n"
        "streams.claim_standard_streams()\n"
        "file = open('victim', 'wb', 0)\n"
        "try:\n    streams.write_text('x')\n"
        "except streams.StreamError as failure: os.write(2, str(failure).encode())\n"
    )
    done = subprocess.run(
        ["sh", "-c", f'exec "{sys.executable}" -c "$0" >&-', code],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        check=True,
    )
    assert os.strerror(errno.EBADF).encode() in done.stderr
    assert (tmp_path / "victim").read_bytes() == b""


def test_data_folders_are_required(tmp_path):
    (tmp_path / "file").touch()
    assert streams.require_folder(str(tmp_path)) == tmp_path
    for name in ("none", "file", "nul\0"):
        with pytest.raises(MissingInputError):
            streams.require_folder(str(tmp_path / name))
