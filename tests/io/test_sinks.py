import errno
import io
import os
import stat
import subprocess
import sys
import threading

import pytest

from drumkit_cli.errors import OutputError, StreamError, Terminated, UsageError
from drumkit_cli.io import streams


def names(folder):
    return sorted(path.name for path in folder.iterdir())


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
