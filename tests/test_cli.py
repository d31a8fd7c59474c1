import errno
import os
import subprocess
import sys
import types

import pytest

from drumkit_cli import __version__, cli, console
from drumkit_cli.errors import CheckFailed, Terminated
from drumkit_cli.io import streams


@pytest.fixture
def command(monkeypatch):
    """Put a function in the place of the `mel` command."""

    def install(function):
        module = types.SimpleNamespace(mel=function)
        importer = types.SimpleNamespace(import_module=lambda name: module)
        monkeypatch.setattr(cli, "importlib", importer)  # of this module alone: others import too

    yield install
    console.configure(quiet=False, verbose=False)


@pytest.fixture
def failing(command, monkeypatch):
    monkeypatch.setattr(streams, "abandon_stdout", lambda: None)

    def install(failure):
        def mel() -> None:
            raise failure

        command(mel)

    return install


def python(*arguments, shell=""):
    command = [sys.executable, *arguments]
    if shell:
        command = ["sh", "-c", f'exec "$@" {shell}', "sh", *command]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_help_lists_every_command_with_its_summary(capsys):
    assert cli.run(["--help"]) == 0
    out = capsys.readouterr().out
    for name, (_, summary) in cli.COMMANDS.items():
        assert f"  {name} " in out
        assert summary in out


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_can_be_loaded_and_described(name, capsys):
    assert cli.load_command(name).name == name
    assert cli.run([name, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"Usage: drumkit {name} ")


def test_version_is_printed(capfd):
    assert cli.run(["--version"]) == 0
    assert capfd.readouterr().out == f"drumkit {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "missing command; see drumkit --help"),
        (["seperate"], "no command 'seperate'; did you mean separate?"),
        (["xyzzy"], "no command 'xyzzy'; see drumkit --help"),
        (["--nope"], "no such option: --nope; see drumkit --help"),
        (["train"], "missing argument 'FEATURE'. Choose from: separate, arrange"),
        (
            ["train", "mel", "."],
            "invalid value for 'FEATURE': 'mel' is not one of separate, arrange",
        ),
        (["train", "separate", ".", "--device", "tpu"], "'tpu' is not one of cpu, cuda"),
        (["train", "separate", ".", "--time-limit", "0"], "'0' is not between"),
        (["swirl", "--measures", "x"], "'--measures': 'x' is no whole number; see drumkit swirl"),
        (["swirl", "--measures", "0"], "0 is not within 1 to 1000000"),
        (["swirl", "--bpm", "nan"], "nan is not within 4.0 to 1000.0"),
        (["swirl", "--omegas", "1", "2", "3", "y"], "'y' is no number"),
        (["train", "separate", ".", "extra"], "unexpected extra argument"),
    ],
)
def test_usage_errors_are_one_line_with_status_2(arguments, message, capsys):
    assert cli.run(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1
    assert captured.err.startswith("drumkit: error: ")
    assert message in captured.err


@pytest.mark.parametrize(
    ("failure", "status", "told"),
    [
        (CheckFailed("grade C", "practise"), 1, "grade C; practise"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (Terminated(15), 143, "ended by SIGTERM"),
        (Terminated(1), 129, "ended by SIGHUP"),
        (MemoryError(), 74, "not enough memory"),
        (OSError(errno.ENOSPC, "No space left on device", "f"), 74, "f: No space left on device"),
        (ValueError("two\nlines"), 70, "internal error: ValueError: two lines; -v shows where"),
    ],
)
def test_every_failure_is_one_line_and_a_status(failing, capsys, failure, status, told):
    failing(failure)
    assert cli.run(["mel"]) == status
    assert capsys.readouterr().err == f"drumkit: error: {told}\n"


def test_a_broken_pipe_is_silent(failing, capsys):
    failing(BrokenPipeError())
    assert cli.run(["mel"]) == 141
    assert capsys.readouterr().err == ""


def test_verbose_shows_the_traceback(command, capsys):
    from drumkit_cli import options

    def mel(verbose: options.Verbose = False) -> None:
        raise CheckFailed("grade C")

    command(mel)
    assert cli.run(["mel", "-v"]) == 1
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert err.endswith("drumkit: error: grade C\n")


def test_termination_unwinds_and_the_handler_is_put_back(command, capsys):
    import signal

    before = signal.getsignal(signal.SIGTERM)
    cleaned = []

    def mel() -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        finally:
            cleaned.append(True)

    command(mel)
    assert cli.run(["mel"]) == 143
    assert cleaned
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize(
    ("shell", "status", "error"),
    [
        ("> /dev/full", 74, "No space left on device"),
        (">&-", 74, "Bad file descriptor"),
        ("> /dev/full 2> /dev/full", 74, ""),
        ("2>&-", 0, ""),
        ("<&-", 0, ""),
    ],
)
def test_odd_standard_streams_are_survived(shell, status, error):
    done = python("-m", "drumkit_cli", "--version", shell=shell)
    assert done.returncode == status
    assert error in done.stderr
    assert len(done.stderr.splitlines()) == bool(error)


def test_a_reader_that_leaves_early_is_no_error():
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "drumkit_cli", "--help"],
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")
