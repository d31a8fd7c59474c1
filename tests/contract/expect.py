"""Which commands a test of the contract runs with, and what it expects of how they end."""

import fcntl
import signal
import struct
import termios

import pytest

from tests.contract.commands import COMMANDS


def each(of=lambda command: True):
    """Run a test with every command that is so."""
    chosen = [command for command in COMMANDS if of(command)]
    return pytest.mark.parametrize("command", chosen, ids=lambda command: command.name)


each_command = each()
each_writing_command = each(lambda command: command.suffix)
each_reading_command = each(lambda command: command.good is not None)
each_batch_command = each(lambda command: command.takes_several)
each_lengthy_command = each(lambda command: not command.is_brief)
each_audio_command = each(lambda command: command.takes_audio)
each_midi_command = each(lambda command: command.takes_midi)
each_signal = pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["INT", "TERM"]
)
BAD_DATA, NO_INPUT, CANT_CREATE, IO_ERROR = 65, 66, 73, 74


def assert_refused(result, status, *words):
    """One line on stderr, the status, and nothing on stdout."""
    errors = [line for line in result.lines if line.startswith("drumkit: error: ")]
    assert result.status == status, result.err
    assert len(errors) == 1, result.err
    assert result.lines[-1] == errors[0]
    assert all(line.startswith("drumkit: ") for line in result.lines), result.err
    assert "Traceback" not in result.err
    assert "internal error" not in result.err
    assert result.out == b""
    for word in words:
        assert word in errors[0]


def assert_done(result):
    assert result.status == 0, result.err
    assert all(line.startswith("drumkit: ") for line in result.lines), result.err


def waiting_bytes(pipe):
    """How many bytes lie in a pipe, unread."""
    return struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"\0" * 4))[0]


def made_in(folder):
    """The files in and below a folder, but for the records of how they were made."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return sorted(path for path in files if ".drumkit" not in path.parts)


def left_behind(drumkit):
    return sorted(path.name for path in drumkit.folder.rglob("*") if path.is_file())
