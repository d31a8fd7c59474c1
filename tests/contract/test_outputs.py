"""An output appears whole or not at all, whatever ends a command."""

import fcntl
import os
import stat

import pytest

from tests import signals
from tests.contract.commands import RATE, song
from tests.contract.expect import (
    CANT_CREATE,
    IO_ERROR,
    assert_done,
    assert_refused,
    each_command,
    each_lengthy_command,
    each_reading_command,
    each_signal,
    each_writing_command,
    left_behind,
    waiting_bytes,
)


@each_command
def test_a_full_disk_on_stdout_is_an_io_error(drumkit, command):
    with open("/dev/full", "wb") as full:
        result = drumkit(*command.line(), stdin=command.good, stdout=full.fileno())
    assert_refused(result, IO_ERROR, "No space left")


@each_lengthy_command
def test_no_space_for_a_file_leaves_the_old_one(drumkit, files, command):
    path, out = files("in", command.good or b""), drumkit.folder / ("out" + command.suffix)
    out.write_bytes(b"old")
    result = drumkit(*command.line(path), "-o", out, file_bytes_max=4096)
    assert_refused(result, IO_ERROR, "File too large")
    assert out.read_bytes() == b"old"
    assert left_behind(drumkit) == [out.name]


@each_writing_command
def test_an_output_in_no_folder_cannot_be_made(drumkit, command):
    out = "none/out" + command.suffix
    result = drumkit(*command.line(), "-o", out, stdin=command.good)
    assert_refused(result, CANT_CREATE, "its folder does not exist")


@each_writing_command
@pytest.mark.parametrize("kind", [".mp3", ".jpg", ".mid", ".wav", ".npy", ".safetensors"])
def test_a_name_of_another_kind_is_refused_before_any_work(drumkit, command, kind):
    if kind not in command.suffixes:
        result = drumkit(*command.line("missing"), "-o", "out" + kind)
        assert_refused(result, 2, f"cannot write {kind} files")


@each_command
def test_a_closed_pipe_ends_quietly(drumkit, command):
    reading, writing = os.pipe()
    os.close(reading)
    result = drumkit(*command.line(), stdin=command.good, stdout=writing)
    os.close(writing)
    assert result.status == 141
    assert not [line for line in result.lines if "error" in line], result.err


@each_writing_command
def test_an_output_is_replaced_whole_with_its_permissions(drumkit, command):
    out = drumkit.folder / ("out" + command.suffix)
    out.write_bytes(b"old")
    out.chmod(0o640)
    with out.open("rb") as reader:
        assert_done(drumkit(*command.line(), "-o", out, stdin=command.good))
        assert reader.read() == b"old"
    assert command.is_good(out.read_bytes())
    assert stat.S_IMODE(out.stat().st_mode) == 0o640
    assert left_behind(drumkit) == [out.name]


@each_reading_command
@each_signal
def test_a_signal_while_reading_leaves_no_file(drumkit, command, number, status):
    out = drumkit.folder / ("out" + command.suffix)
    out.write_bytes(b"old")
    reading, writing = os.pipe()
    os.write(writing, command.good[:1000])
    result = drumkit(
        *command.line(), *command.to("out"),
        stdin=reading, signal_number=number, signal_when=lambda: waiting_bytes(reading) == 0,
    )  # fmt: skip
    os.close(writing)
    os.close(reading)
    assert_refused(result, status)
    assert out.read_bytes() == b"old"
    assert left_behind(drumkit) == [out.name]


@each_lengthy_command
@each_signal
def test_a_signal_while_writing_ends_it(drumkit, command, number, status):
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    result = drumkit(
        *command.line(), stdin=command.good, stdout=writing,
        signal_number=number, signal_when=lambda: waiting_bytes(reading) > 0,
    )  # fmt: skip
    os.close(writing)
    os.close(reading)
    assert result.status == status, result.err
    assert [line for line in result.lines if "error" in line] == [result.lines[-1]]


@each_signal
def test_a_signal_amid_a_file_removes_what_was_written(drumkit, number, status):
    data = signals.encode(song(seconds=60), RATE)

    def is_amid():
        return any(path.stat().st_size > 100_000 for path in drumkit.folder.iterdir())

    result = drumkit(
        "separate", "--model", "built-in", "--segment", "1", "-o", "out.wav",
        stdin=data, signal_number=number, signal_when=is_amid,
    )  # fmt: skip
    assert_refused(result, status)
    assert left_behind(drumkit) == []
